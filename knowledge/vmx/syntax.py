"""How one value is written in a VMX: quotes, the `|22` escapes, and the encodings a file may name.

The line format is the one of VMware's own dictionary code (open-vm-tools `lib/dict/dictll.c`): a value stands
in straight double quotes and cannot hold one; `|` and two hexadecimal digits stand for a byte.
"""

import re
import unicodedata

from knowledge.errors import Unreadable

MAX_VALUE = 4096
"""Longest value that is written, in characters; far above any path, and a bound on what a caller can send."""

LONGEST_FIX = 1000
"""Longest line, in characters, that a finding gives back mended."""

KEY = re.compile(r"\.?[A-Za-z0-9_][A-Za-z0-9_.:\-]*")
"""A key that is safe to write: the characters that VMware's own keys are made of."""

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
    """A key or value that cannot be written into a VMX without changing what the file says."""


def codec(encoding: str) -> str | None:
    """The Python codec for the name in a `.encoding` line, or None when the name is not a known one.

    A fixed list and not the codec registry: the name comes from the file, and some codecs are not text.
    """
    return _CODECS.get(encoding.strip().lower().replace("_", "-"))


def check_value(value: str) -> None:
    """Raise `UnsafeValueError` when `value` has a line break, a control or invisible character, or is too long."""
    if len(value) > MAX_VALUE:
        raise UnsafeValueError(f"The value is {len(value)} characters long; at most {MAX_VALUE} are written.")
    for place, character in enumerate(value, start=1):
        if character.isprintable() or unicodedata.category(character) == "Zs":
            continue
        kind = "a line break" if character in "\n\r\x0b\x0c\x85\u2028\u2029" else "a control character"
        raise UnsafeValueError(
            f"The value has {kind} (U+{ord(character):04X}) at character {place}; "
            "in a VMX that would start another setting or spoil the line."
        )


def escaped(value: str) -> str:
    """`value` as it stands between the quotes: `"` becomes `|22` and `|` becomes `|7C`.

    Raises `UnsafeValueError` for what may not be written at all.
    """
    check_value(value)
    return value.replace("|", "|7C").replace('"', "|22")


def unescaped(raw: str, encoding: str = "utf-8") -> str:
    """The value that `raw`, the text between the quotes, stands for; a lone `|` stays as it is.

    An escape is a byte in the encoding of the file, so neighbours are decoded together.
    """
    if "|" not in raw:
        return raw
    return _ESCAPED_BYTES.sub(lambda run: bytes.fromhex(run[0].replace("|", "")).decode(encoding, "replace"), raw)


def has_lone_bar(raw: str) -> bool:
    """Whether `raw` has a `|` that is not followed by two hexadecimal digits."""
    return "|" in raw and _LONE_BAR.search(raw) is not None


def setting(key: str, value: str) -> str:
    """One line of a VMX, `key = "value"`, without its line end; raises `UnsafeValueError`."""
    if not KEY.fullmatch(key):
        raise UnsafeValueError(f"{key!r} is not a key: letters, digits and . : _ - only.")
    return f'{key} = "{escaped(value)}"'


def pasted(key: str, value: str) -> str:
    """The line to paste for a setting, or nothing when it cannot be written or is too long to be shown."""
    try:
        line = setting(key, value)
    except UnsafeValueError:
        return ""
    return line if len(line) <= LONGEST_FIX else ""
