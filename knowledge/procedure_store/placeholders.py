"""Fills in the placeholders of a page's commands: ``{vm}`` or ``VM``, quoted for the language of the code block.

The target that a reader gives is a selector of vmkops, such as ``web-01`` or ``lab/moref:vm-42``. Other programs know
names only, so that a placeholder in their commands stays when the target is not a plain name, and whenever the name
cannot be written safely at that place.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from knowledge.procedure_store.body import body_lines

TARGETS = ("vm", "host", "datastore")
"""What a page can be filled in for."""

_CAPITALS = {name.upper(): name for name in TARGETS}
_IN_BRACES = re.compile(rf"\{{({'|'.join(TARGETS)})\}}")
_PLACEHOLDER = re.compile(
    # Not the names of parameters and variables, such as -VM, $VM, %VM% and VM=, nor the default name of a network.
    rf"{_IN_BRACES.pattern}|(?<![\w$%{{<-])({'|'.join(_CAPITALS)})(?![\w=%}}>])(?! Network\b)"
)
_SHELLS = frozenset({"vmkops", "sh", "bash", "zsh", "shell", "console"})
_POWERSHELLS = frozenset({"powershell", "pwsh", "ps1"})
_TEXTS = frozenset({"text", "txt", ""})
_SAFE = re.compile(r"\w[\w.-]*")
"""A name that needs no quotes in any language."""
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_VMKOPS = re.compile(r"[\s>$]*vmkops\s")
_PARSED_AGAIN = re.compile(r"(?<![\w-])(?:ssh|eval|xargs|(?:ba|z)?sh\s+-c)(?![\w-])")
"""Commands whose words another shell reads once more, which removes the quotes."""
_SELECTOR = re.compile(r"(?:moref|uuid|ipaddr):|.*/", re.DOTALL)
LONGEST_LINE = 4000
"""Characters of a line in which names are quoted; in a longer one, only those that need no quotes are filled in."""


def placeholders(command: str) -> tuple[str, ...]:
    """Return the targets that a command has in braces, each once, in order."""
    return tuple(dict.fromkeys(_IN_BRACES.findall(command)))


def with_targets(line: str, targets: Mapping[str, str], language: str = "vmkops") -> str:
    """Return a line of a code block of this language, in which each target that is given replaces its placeholders."""
    language = language.lower()
    if not any(targets.values()):
        return line
    comment = None if language in _TEXTS else _COMMENT.search(line)
    code = line[: comment.start()] if comment else line

    def filled(found: re.Match[str]) -> str:
        value = targets.get(found[1] or _CAPITALS[found[2]], "")
        return (_written(value, found, language) if value else None) or found[0]

    return _PLACEHOLDER.sub(filled, code) + (comment[0] if comment else "")


def in_capitals(text: str) -> str:
    """Return a text in which each placeholder in braces is a word in capitals, as in commands that people fill in."""
    return _IN_BRACES.sub(lambda found: found[1].upper(), text)


def targets_in(body: str) -> tuple[str, ...]:
    """Return the targets that the code blocks of a body have placeholders for, in the order of TARGETS."""
    code = "\n".join(line.text for line in body_lines(body.split("\n"), 0) if line.kind == "code")
    found = {first or _CAPITALS[second] for first, second in _PLACEHOLDER.findall(code)}
    return tuple(name for name in TARGETS if name in found)


def _written(value: str, found: re.Match[str], language: str) -> str | None:
    """A target as it has to be written in place of a placeholder; None when that is not possible."""
    line, own = found.string, language == "vmkops" or _VMKOPS.match(found.string)
    if not own:
        if _SELECTOR.match(value):
            return None
        value = value.removeprefix("name:")
    if _SAFE.fullmatch(value):
        return value
    if not value or value.startswith("-") or not value.isprintable() or len(line) > LONGEST_LINE:
        return None
    if language in _SHELLS:
        return None if not own and _PARSED_AGAIN.search(line) else _for_shell(value, line[: found.start()])
    if language in _POWERSHELLS:
        return _for_powershell(value, line[: found.start()], line[found.end() :])
    return value if language in _TEXTS and not re.search("[`~]", value) else None


def _for_shell(value: str, before: str) -> str | None:
    match _quote_at(before, "\\"):
        case "'":
            return value.replace("'", "'\\''")
        case '"':  # in an interactive shell, nothing in double quotes escapes an exclamation mark
            return None if "!" in value else re.sub(r'([\\"$`])', r"\\\1", value)
    return shlex.quote(value)


def _for_powershell(value: str, before: str, after: str) -> str | None:
    """A name in PowerShell, which takes curly quotes for straight ones (about_Quoting_Rules); none with wildcards."""
    if re.search(r"[*?\[\]]", value):
        return None
    in_single = re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", value)
    match _quote_at(before, "`"):
        case "'":
            return in_single
        case '"':
            return re.sub('(["\u201c\u201d\u201e`$])', r"`\1", value)
    alone = re.search(r"(?:^|[\s(,=])$", before) and re.match(r"$|[\s),;|]", after)
    return f"'{in_single}'" if alone else None


def _quote_at(before: str, escape: str) -> str:
    """The quotation mark that is open after this part of a line; empty when none is."""
    quote, escaped = "", False
    for character in before:
        if escaped:
            escaped = False
        elif character == escape and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return quote
