"""What a snippet is: its parameters, its caveats, its source, and the settings it gives."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from knowledge.errors import NotFound, Unreadable
from knowledge.vmx.parse import Vmx

Settings = list[tuple[str, str]]
"""Keys and values of one VMX, in the order in which they are written."""

Values = Mapping[str, str]
"""Checked parameters; booleans are `true` or `false`, an optional one that was not given is absent."""

ParameterType = Literal["text", "path", "host", "integer", "boolean", "choice", "list"]

SEED = "Using virtual serial ports via named pipes in ESX 3.5 (collected notes)"
P2V_NOTES = "Linux P2V checklist (collected notes)"
APPLIANCE_NOTES = "Notes on OVF and appliances, after VMware's Best Practices for Building Virtual Appliances"
LIBVIRT = "libvirt src/vmx/vmx.c, the mapping it documents"


class Parameter(NamedTuple):
    """One parameter of a snippet: `default` None and not `required` means that it may be left out.

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
    """What a snippet gives: settings by end (one end is called `vm`), and caveats of these values."""

    ends: Mapping[str, Settings]
    notes: tuple[str, ...] = ()


Build = Callable[[Values, Vmx | None], Built]


class Snippet(NamedTuple):
    """A parametrized piece of a VMX; `certainty` says how sure its keys are, `source` where they are from."""

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
    """What a snippet for one VMX gives."""
    return Built({"vm": settings}, notes)
