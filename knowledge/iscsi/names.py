"""Checks an iSCSI name against RFC 7143 and RFC 3722, and returns its parts, its problems and a likely correction."""

from __future__ import annotations

from datetime import date

from knowledge.iscsi import explanations, products, suggestions
from knowledge.iscsi.eui_naa import read_eui, read_naa
from knowledge.iscsi.iqn import read_iqn
from knowledge.iscsi.pasted import Pasted, pasted_problems, recognize
from knowledge.iscsi.preparation import prepare
from knowledge.iscsi.values import Name, NameType, Parts, Problem, any_error

LONGEST_NAME = 223
"""Bytes of UTF-8 after preparation (RFC 7143 section 4.2.7)."""

_LONGEST_PREPARED = 4096
"""Characters; a longer text is refused without preparation."""

_PREFIXES: dict[str, NameType] = {"iqn.": "iqn", "eui.": "eui", "naa.": "naa"}


def validate(name: str, *, today: date | None = None) -> Name:
    """Check ``name`` exactly as given, including spaces, and return the verdict; nothing is raised.

    The output of a tool is not valid; its problems are those of the names in it, and the valid ones are in
    ``suggestions``. Dates after ``today`` (default: the current date) get a warning.
    """
    verdict = check_against_rfcs(name, today=today)
    pasted = [] if verdict.valid else recognize(name)
    if pasted:
        return _of_pasted(verdict, pasted, today)
    suggested = suggestions.suggest(verdict, lambda text: check_against_rfcs(text, today=today))
    refused_by, accepted_by = products.verdicts(name, valid=verdict.valid)
    return Name(
        name=name,
        valid=verdict.valid,
        type=verdict.type,
        normalized=verdict.normalized,
        parts=verdict.parts,
        problems=verdict.problems,
        explanation=explanations.explain(verdict.parts) if verdict.valid else (),
        suggestion=next(iter(suggested), None),
        suggestions=suggested,
        refused_by=refused_by,
        accepted_by=accepted_by,
    )


def _of_pasted(verdict: Name, lines: list[Pasted], today: date | None) -> Name:
    """Return the verdict on lines of a tool; their names are those of real nodes and are not corrected."""
    found = {line.name: check_against_rfcs(line.name, today=today) for line in lines if line.name}
    suggested = tuple(dict.fromkeys(each.normalized for each in found.values() if each.valid and each.normalized))
    return Name(
        name=verdict.name,
        valid=False,
        type=None,
        normalized=None,
        parts=None,
        problems=pasted_problems(lines, {name: each.problems for name, each in found.items()}, "name"),
        suggestion=next(iter(suggested), None),
        suggestions=suggested,
    )


def check_against_rfcs(name: str, *, today: date | None = None) -> Name:
    """Return the verdict of the RFCs alone, without suggestion, explanation and the rules of products."""
    if len(name) > _LONGEST_PREPARED:
        problem = _too_long(_bytes(name))
        return Name(name=name, valid=False, type=None, normalized=None, parts=None, problems=(problem,))
    prepared = prepare(name)
    kind = name_type(prepared.text)
    parts, structure = _read(prepared.text, kind, today or date.today())
    preparable = not any_error(prepared.problems)
    problems = (
        *prepared.problems,
        *structure,
        *_length_problems(prepared.text),
        *_path_problems(prepared.text),
        *(_spelling_notes(name, prepared.text) if preparable else ()),
    )
    return Name(
        name=name,
        valid=not any_error(problems),
        type=kind,
        normalized=prepared.text if preparable else None,
        parts=parts,
        problems=problems,
    )


def name_type(prepared: str) -> NameType | None:
    """Return the type of a prepared name by its first four characters, or None."""
    return _PREFIXES.get(prepared[:4])


def _read(prepared: str, kind: NameType | None, today: date) -> tuple[Parts | None, tuple[Problem, ...]]:
    if kind == "iqn":
        return read_iqn(prepared, today)
    if kind == "eui":
        return read_eui(prepared)
    if kind == "naa":
        return read_naa(prepared)
    message = "The name does not begin with 'iqn.', 'eui.' or 'naa.', as an iSCSI name must."
    return None, (Problem(rule="type", severity="error", message=message, source="RFC 7143 section 4.2.7.3"),)


def _too_long(size: int) -> Problem:
    return Problem(
        rule="length",
        severity="error",
        message=f"The name has {size} bytes; after preparation, at most {LONGEST_NAME} bytes of UTF-8 are allowed.",
        source="RFC 7143 section 4.2.7",
    )


def _length_problems(prepared: str) -> tuple[Problem, ...]:
    size = _bytes(prepared)
    return (_too_long(size),) if size > LONGEST_NAME else ()


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _path_problems(prepared: str) -> tuple[Problem, ...]:
    """Report an attempt at path traversal: initiators keep one folder for each target name."""
    path = prepared.replace("\\", "/")
    if not path.startswith("/") and not ("/" in path and ".." in path):
        return ()
    return (
        Problem(
            rule="path-traversal",
            severity="error",
            message=(
                "The name contains a path. Such names have made initiators, which keep a folder for each name, write"
                " outside that folder."
            ),
            source="open-iscsi/open-iscsi#530, kubernetes/kubernetes#140129",
        ),
    )


def _spelling_notes(name: str, prepared: str) -> tuple[Problem, ...]:
    if name == prepared:
        return ()
    return (
        Problem(
            rule="not-normalized",
            severity="info",
            message="Names are compared after preparation, so this spelling and the normalized name are the same node.",
            source="RFC 3722 section 4",
        ),
    )
