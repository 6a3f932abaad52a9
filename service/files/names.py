r"""Names of files as text, without loss.

A name on a disk is bytes. Its text is the same where it is printable UTF-8; a backslash is written `\\`, and each byte
of anything else `\xNN`, so that no name controls a terminal, and every name can be typed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from service.errors import InvalidParams

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(\\))")
_WINDOWS = re.compile(r"[A-Za-z]:(?=[\\/]|$)")
_VOLUME = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_.+-]+)+|disk[0-9]+):(?=/|$)")
LONGEST_PATH = 8192
DEEPEST = 1000
"""Folders in a path."""


class Target(NamedTuple):
    """What people name: a volume (empty: the one that fits), a drive letter such as `C`, or empty, and the parts."""

    volume: str
    letter: str
    parts: tuple[bytes, ...]


def escape(name: bytes) -> str:
    """A name as text; `unescape` gives the bytes again."""
    text = name.decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def unescape(text: str) -> bytes:
    """The bytes of a name that `escape` wrote; a backslash that begins no escape stands for itself."""
    return _ESCAPE.sub(
        lambda found: bytes([int(found[1], 16)]) if found[1] else b"\\", text.encode("utf-8", "surrogateescape")
    )


def read_target(text: str) -> Target:
    r"""Read `/etc/hosts`, `disk0/p1:/etc/hosts`, or `C:\Windows`; `/` also separates the parts of a Windows path.

    Raises InvalidParams for a path that is too long or has `..`.
    """
    if len(text) > LONGEST_PATH:
        raise InvalidParams(f"The path is longer than {LONGEST_PATH} characters.")
    volume, letter, rest = "", "", text
    if found := _WINDOWS.match(text):
        letter, rest = found[0][0].upper(), text[found.end() :].replace("\\", "/")
    elif found := _VOLUME.match(text):
        volume, rest = found[1], text[found.end() :]
    parts = tuple(unescape(part) for part in rest.split("/") if part not in ("", "."))
    if b".." in parts:
        raise InvalidParams("The path has `..`. Write the path of the folder itself.")
    if len(parts) > DEEPEST:
        raise InvalidParams(f"The path has more than {DEEPEST} parts.")
    return Target(volume, letter, parts)


def path_text(parts: tuple[bytes, ...]) -> str:
    """Parts as the text of an absolute path."""
    return "/" + "/".join(map(escape, parts))
