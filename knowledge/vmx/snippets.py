"""The catalogue of VMX snippets, and the function that renders one as text to paste."""

from collections.abc import Mapping
from dataclasses import dataclass

from knowledge.vmx import boot, network, removable, serial, storage, tools
from knowledge.vmx.catalogue import (
    InvalidParameterError,
    ParameterType,
    Settings,
    Snippet,
    UnknownSnippetError,
)
from knowledge.vmx.parameters import allowed, checked
from knowledge.vmx.parse import Vmx
from knowledge.vmx.syntax import setting

SNIPPETS: Mapping[str, Snippet] = {
    snippet.name: snippet
    for family in (serial, tools, storage, network, removable, boot)
    for snippet in family.SNIPPETS
}
"""Every snippet by its name, in the order for display."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribedParameter:
    """One parameter of a snippet."""

    name: str
    type: ParameterType
    required: bool
    default: str | None
    choices: tuple[str, ...]
    allowed: str
    """What it may be, in words."""
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribedSnippet:
    """One snippet of the catalogue."""

    name: str
    title: str
    summary: str
    parameters: tuple[DescribedParameter, ...]
    notes: tuple[str, ...]
    source: str
    certainty: str
    example: Mapping[str, str]
    """Parameters to try it with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedSnippet:
    """A snippet filled in."""

    name: str
    title: str
    text: str
    """Ready to paste; with two ends both, each below a comment that names it."""
    texts: Mapping[str, str]
    """The text of each end alone; a snippet for one VM has the end `vm`."""
    notes: tuple[str, ...]
    """The caveats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered(RenderedSnippet):
    """A snippet filled in, with the settings of each end, which `merge` puts into a VMX."""

    settings: Mapping[str, Settings]


def find(name: str) -> Snippet:
    """Return the snippet with this name, in any case; raises `UnknownSnippetError` with similar names."""
    snippet = SNIPPETS.get(name.strip().lower())
    if snippet is None:
        from difflib import get_close_matches

        near = tuple(get_close_matches(name.strip().lower()[:60], SNIPPETS, cutoff=0.5))
        raise UnknownSnippetError(
            f"There is no snippet {name[:60]!r}. The snippets are: {', '.join(SNIPPETS)}.", near or tuple(SNIPPETS)
        )
    return snippet


def render(name: str, parameters: Mapping[str, str], into: Vmx | None = None) -> Rendered:
    """Render the snippet `name` with `parameters`; with `into`, it uses slots that are free in that VMX.

    Raises `UnknownSnippetError`, `NoFreeSlotError`, or `InvalidParameterError` for a parameter that is unknown,
    missing or wrong, and for text that the encoding of `into` does not have.
    """
    snippet = find(name)
    values = checked(snippet, parameters)
    built = snippet.build(values, into)
    texts = {end: written(settings) for end, settings in built.ends.items()}
    notes = (*built.notes, *_encoding_notes("".join(texts.values()), into), *snippet.notes)
    if len(texts) == 1:
        text = next(iter(texts.values()))
    else:
        text = "\n".join(f"# VMX of the {end} VM\n{part}" for end, part in texts.items())
    return Rendered(
        name=snippet.name, title=snippet.title, text=text, texts=texts, notes=notes, settings=dict(built.ends)
    )


def written(settings: Settings) -> str:
    """Return `settings` as lines of a VMX, each with its line end."""
    return "".join(f"{setting(key, value)}\n" for key, value in settings)


def described(snippet: Snippet) -> DescribedSnippet:
    """Return `snippet` for people who choose one: its parameters and what they allow, notes, source and an example."""
    return DescribedSnippet(
        name=snippet.name,
        title=snippet.title,
        summary=snippet.summary,
        parameters=tuple(
            DescribedParameter(
                name=parameter.name,
                type=parameter.type,
                required=parameter.required,
                default=parameter.default,
                choices=parameter.choices,
                allowed=allowed(parameter),
                meaning=parameter.meaning,
            )
            for parameter in snippet.parameters
        ),
        notes=snippet.notes,
        source=snippet.source,
        certainty=snippet.certainty,
        example=snippet.example,
    )


def _encoding_notes(text: str, into: Vmx | None) -> tuple[str, ...]:
    if text.isascii():
        return ()
    if into is None or ".encoding" not in into.entries:
        return ('The text is not ASCII. Add the line .encoding = "UTF-8" to the VMX, and save it in UTF-8.',)
    try:
        text.encode(into.encoding)
    except UnicodeEncodeError as problem:
        raise InvalidParameterError(
            f"The encoding of this VMX is {into.get('.encoding')}, which does not have {text[problem.start]!r}."
        ) from problem
    return ()
