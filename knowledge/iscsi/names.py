"""Judges an iSCSI name by RFC 7143 and RFC 3722: valid or not, why, what it says, what was probably meant."""

from __future__ import annotations

from datetime import date

from knowledge.iscsi import explanations, field, suggestions
from knowledge.iscsi.identifiers import read_eui, read_naa
from knowledge.iscsi.preparation import prepare
from knowledge.iscsi.qualified import read_iqn
from knowledge.iscsi.values import Name, NameType, Parts, Problem, any_error

LONGEST_NAME = 223
"""Bytes of UTF-8 after preparation (RFC 7143 section 4.2.7)."""

_LONGEST_READ = 4096
"""Characters; a longer text is not prepared at all."""

_PREFIXES: dict[str, NameType] = {"iqn.": "iqn", "eui.": "eui", "naa.": "naa"}


def validate(name: str, *, today: date | None = None) -> Name:
    """Judge ``name`` exactly as it stands, blanks and all; ``today`` decides which dates lie in the future."""
    verdict = judge(name, today=today)
    refused_by, accepted_by = field.verdicts(name, valid=verdict.valid)
    return Name(
        name=name,
        valid=verdict.valid,
        type=verdict.type,
        normalized=verdict.normalized,
        parts=verdict.parts,
        problems=verdict.problems,
        explanation=explanations.explain(verdict.parts) if verdict.valid else (),
        suggestion=suggestions.suggest(verdict, lambda text: judge(text, today=today)),
        refused_by=refused_by,
        accepted_by=accepted_by,
    )


def judge(name: str, *, today: date | None = None) -> Name:
    """Judge ``name`` by the RFCs alone, without suggestion, explanation and the word of other products."""
    if len(name) > _LONGEST_READ:
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
    """Tell the type of a prepared name by its first four characters."""
    return _PREFIXES.get(prepared[:4])


def _read(prepared: str, kind: NameType | None, today: date) -> tuple[Parts | None, tuple[Problem, ...]]:
    if kind == "iqn":
        return read_iqn(prepared, today)
    if kind == "eui":
        return read_eui(prepared)
    if kind == "naa":
        return read_naa(prepared)
    message = "An iSCSI name begins with 'iqn.', 'eui.' or 'naa.'; this one does not."
    return None, (Problem(rule="type", severity="error", message=message, source="RFC 7143 section 4.2.7.3"),)


def _too_long(size: int) -> Problem:
    return Problem(
        rule="length",
        severity="error",
        message=f"The name takes {size} bytes; at most {LONGEST_NAME} bytes of UTF-8 are allowed after preparation.",
        source="RFC 7143 section 4.2.7",
    )


def _length_problems(prepared: str) -> tuple[Problem, ...]:
    size = _bytes(prepared)
    return (_too_long(size),) if size > LONGEST_NAME else ()


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _path_problems(prepared: str) -> tuple[Problem, ...]:
    """Call the attack by its name: initiators keep one folder for each target name."""
    path = prepared.replace("\\", "/")
    if not path.startswith("/") and not ("/" in path and ".." in path):
        return ()
    return (
        Problem(
            rule="path-traversal",
            severity="error",
            message=(
                "The name walks up a path; initiators that keep a folder for each name have written outside it"
                " because of such names."
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
            message="Names are compared after preparation, so this spelling and the normalized one are the same node.",
            source="RFC 3722 section 4",
        ),
    )
