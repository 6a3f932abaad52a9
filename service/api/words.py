"""Words for people that several parts of the product share; pure."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun, such as `1 disk` and `3 disks`; `plural` is given where an `s` is not enough."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def in_one_line(parts: Iterable[str]) -> str:
    """The parts that are not empty with `; ` between them; a sentence before another part loses its period."""
    told = [each for each in parts if each]
    return "; ".join([*(each.removesuffix(".") for each in told[:-1]), *told[-1:]])


def copies_hint(targets: Iterable[str]) -> str:
    """Where copies of a backup that is not kept here may be, as a sentence; empty when there are no copy targets."""
    names = sorted(targets)
    if len(names) == 1:
        return f"The copy target {names[0]} may have copies: `vmkops backups --target {names[0]}` lists them."
    named = f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
    return f"The copy targets {named} may have copies: `vmkops backups --target NAME` lists them." if names else ""


def vsphere_words(value: str) -> str:
    """A state as vSphere names it, in words: `poweredOn` is `powered on`, `notResponding` is `not responding`."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in value).strip()


_INVISIBLE = (
    {code: 0x2400 + code for code in range(32) if code != 9}
    | {127: 0x2421}
    | dict.fromkeys(range(128, 160), 0xFFFD)
    | dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x2028, 0x2029), 0xFFFD)
)


def printable(text: str) -> str:
    """A text of strangers without characters that control a terminal or change the direction of text."""
    return text if text.isprintable() else text.translate(_INVISIBLE)


def printable_lines(text: str) -> str:
    """The same for a text of several lines: it keeps its ends of lines and its tabs."""
    return "\n".join(map(printable, text.split("\n")))
