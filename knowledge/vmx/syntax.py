"""The syntax of a value in a VMX: quotes, the `|22` escapes, and the encodings that a file can have.

The line format is that of VMware's own dictionary code (open-vm-tools `lib/dict/dictll.c`): a value is in straight
double quotes and cannot contain one; `|` and two hexadecimal digits stand for a byte.
"""

import re
import unicodedata

from knowledge.errors import Unreadable

MAX_VALUE = 4096
"""The longest value that is written, in characters: more than any path needs, and a limit for callers."""

LONGEST_FIX = 1000
"""The longest line, in characters, that a finding has as its fix."""

KEY = re.compile(r"\.?[A-Za-z0-9_][A-Za-z0-9_.:\-]*")
"""A key that is safe to write: it has only characters that occur in VMware's own keys."""

_ESCAPED_BYTES = re.compile(r"(?:\|[0-9A-Fa-f]{2})+")
_LONE_BAR = re.compile(r"\|(?![0-9A-Fa-f]{2})")

_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "shift-jis": "shift_jis",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "koi8-r": "koi8_r",
    "windows-874": "cp874",
    "windows-932": "cp932",
    "windows-936": "gbk",
    "windows-949": "cp949",
    "windows-950": "cp950",
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"iso-8859-{part}": f"iso8859_{part}" for part in range(1, 17) if part != 12},
}


class UnsafeValueError(Unreadable):
    """A key or value that would change the meaning of other lines if it were written to a VMX."""


def codec(encoding: str) -> str | None:
    """Return the Python codec for the name in a `.encoding` line, or None for an unknown name.

    It uses a fixed list instead of the codec registry, because the name comes from the file and some codecs are not
    for text.
    """
    return _CODECS.get(encoding.strip().lower().replace("_", "-"))


def check_value(value: str) -> None:
    """Raise `UnsafeValueError` when `value` has a line break, a control or invisible character, or is too long."""
    if len(value) > MAX_VALUE:
        raise UnsafeValueError(f"The value is {len(value)} characters long; at most {MAX_VALUE} are allowed.")
    for place, character in enumerate(value, start=1):
        if character.isprintable() or unicodedata.category(character) == "Zs":
            continue
        kind = "a line break" if character in "\n\r\x0b\x0c\x85\u2028\u2029" else "a control character"
        raise UnsafeValueError(
            f"The value has {kind} (U+{ord(character):04X}) at character {place}, "
            "which would start another setting or break the line in a VMX."
        )


def escaped(value: str) -> str:
    """Return `value` as written between the quotes: `"` becomes `|22` and `|` becomes `|7C`.

    Raises `UnsafeValueError` for a value that cannot be written.
    """
    check_value(value)
    return value.replace("|", "|7C").replace('"', "|22")


def unescaped(raw: str, encoding: str = "utf-8") -> str:
    """Return the value of `raw`, the text between the quotes; a `|` that is not an escape remains unchanged.

    An escape is one byte in the encoding of the file, so consecutive escapes are decoded together.
    """
    if "|" not in raw:
        return raw
    return _ESCAPED_BYTES.sub(lambda run: bytes.fromhex(run[0].replace("|", "")).decode(encoding, "replace"), raw)


def has_lone_bar(raw: str) -> bool:
    """Return whether `raw` has a `|` that is not followed by two hexadecimal digits."""
    return "|" in raw and _LONE_BAR.search(raw) is not None


def setting(key: str, value: str) -> str:
    """Return one line of a VMX, `key = "value"`, without its line end; raises `UnsafeValueError`."""
    if not KEY.fullmatch(key):
        raise UnsafeValueError(f"{key!r} cannot be a key: keys have only letters, digits and . : _ -")
    return f'{key} = "{escaped(value)}"'


def pasted(key: str, value: str) -> str:
    """Return the line to paste for a setting, or an empty string when it cannot be written or is too long to show."""
    try:
        line = setting(key, value)
    except UnsafeValueError:
        return ""
    return line if len(line) <= LONGEST_FIX else ""
