"""The errors that a record may hold, by the names of their classes in `service.errors`."""

from __future__ import annotations

from collections.abc import Sequence

from service import errors
from service.errors import SettingError, VmkopsError

MODULE = errors.__name__
CLASSES: dict[str, type[VmkopsError]] = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, VmkopsError)
}
"""The classes by name. A former name, such as SettingMissing, is an alias in `service.errors`."""


def name_of(error: Exception) -> str:
    """The name that the error is recorded under: that of its class, or of VmkopsError for any other error."""
    name = type(error).__name__
    return name if CLASSES.get(name) is type(error) else VmkopsError.__name__


def text_of(error: Exception) -> str:
    """What is recorded of the error's message; the class of an error of another kind is a part of it."""
    return str(error) if isinstance(error, VmkopsError) else str(other_error(type(error).__name__, _message(error)))


def known_error(name: str, arguments: Sequence[object], suggestions: Sequence[object] = ()) -> VmkopsError:
    """The error of this name; one of a class that this version does not know becomes a plain VmkopsError.

    `arguments` are those of the class: the detail, or for a SettingError the setting and the explanation, which may
    also be one text, `SETTING: EXPLANATION`.
    """
    kind = CLASSES.get(name, VmkopsError)
    words = [str(each) for each in arguments[:2] if isinstance(each, str)]
    if kind is SettingError:
        setting, _, explanation = ": ".join(words).partition(": ")
        return SettingError(setting, explanation)
    return kind(words[0] if words else "", [str(each) for each in suggestions])


def other_error(name: str, message: str) -> VmkopsError:
    """A VmkopsError for an error of a class that is not in `service.errors`."""
    return VmkopsError(f"{name}: {message}" if message else name)


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # an error must not keep the end of its job from being recorded
        return ""
