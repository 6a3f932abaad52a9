"""The declaration of a snippet: its parameters, notes and source, and the function that builds its settings."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from knowledge.errors import NotFound, Unreadable
from knowledge.vmx.parse import Vmx

Settings = list[tuple[str, str]]
"""Keys and values for one VMX, in the order in which they are written."""

Values = Mapping[str, str]
"""Checked parameters by name; booleans are `true` or `false`, and optional ones without a value are absent."""

ParameterType = Literal["text", "path", "host", "integer", "boolean", "choice", "list"]

SEED = "Using virtual serial ports via named pipes in ESX 3.5 (collected notes)"
P2V_NOTES = "Linux P2V checklist (collected notes)"
APPLIANCE_NOTES = "Notes on OVF and appliances, after VMware's Best Practices for Building Virtual Appliances"
LIBVIRT = "libvirt src/vmx/vmx.c, the mapping it documents"


class Parameter(NamedTuple):
    """One parameter of a snippet; it is optional when `default` is None and it is not `required`.

    `minimum` and `maximum` bound an integer; `choices` bounds a choice, or the items of a list.
    """

    name: str
    type: ParameterType
    meaning: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    minimum: int = 0
    maximum: int = 0


class Built(NamedTuple):
    """The result of a snippet: settings by end (the key is `vm` when there is only one), and notes about them."""

    ends: Mapping[str, Settings]
    notes: tuple[str, ...] = ()


Build = Callable[[Values, Vmx | None], Built]


class Snippet(NamedTuple):
    """A part of a VMX with parameters; `certainty` says how certain its keys are, and `source` where they are from."""

    name: str
    title: str
    summary: str
    parameters: tuple[Parameter, ...]
    notes: tuple[str, ...]
    source: str
    certainty: str
    example: Mapping[str, str]
    build: Build


class UnknownSnippetError(NotFound):
    """No snippet has this name."""


class InvalidParameterError(Unreadable):
    """A parameter is unknown, missing, or has a value that is not allowed."""


def single(settings: Settings, *notes: str) -> Built:
    """Return the result of a snippet for one VM."""
    return Built({"vm": settings}, notes)
