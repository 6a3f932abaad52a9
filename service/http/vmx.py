"""VMX files: the catalogue of snippets, one filled in, a lint, and what merging one into a VMX changes."""

from __future__ import annotations

import asyncio

from pydantic import ConfigDict, Field

from knowledge.finding import is_valid
from knowledge.vmx.catalogue import InvalidParameterError
from knowledge.vmx.lint import lint
from knowledge.vmx.merge import Merged, merge
from knowledge.vmx.parse import parse
from knowledge.vmx.snippets import SNIPPETS, Rendered, described, find, render
from service.api.lookups import LintAnswer, RenderedSnippet, VmxSnippet, VmxSnippetList
from service.api.models import Value
from service.errors import TooLarge
from service.http._lint import findings_text
from service.http._route import Call, FileText, Query, Route

LARGEST_VMX = 1 << 20
"""Characters or bytes; a real one has some kilobytes, and reading one takes a hundred times its size."""


class SnippetQuery(Query):
    """The parameters of a snippet, each under its own name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    @property
    def parameters(self) -> dict[str, str]:
        """What was told; `format` is how to show the answer, and a form sends its empty fields too."""
        return {name: value for name, value in self.__pydantic_extra__.items() if value and name != "format"}


class MergeRequest(Value):
    """A VMX, and the snippet to merge into it."""

    text: str = Field(description="The VMX; it is not kept.")
    snippet: str = Field(description="A name of GET /vmx/snippets.")
    params: dict[str, str | bool | int] = Field(default_factory=dict, description="The snippet's parameters.")
    end: str | None = Field(default=None, description="Which end, when the snippet has two; the first when left out.")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters as a snippet takes them: words."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in self.params.items()
        }


class ReplacedSetting(Value):
    """A setting that had another value, and the line it stands on."""

    key: str
    line: int
    old: str
    new: str


class MergeAnswer(Value):
    """The VMX with the snippet in it; `diff` is empty when it said all of this already."""

    text: str
    diff: str
    end: str
    added: list[str]
    replaced: list[ReplacedSetting]
    unchanged: list[str]
    removed: list[int] = Field(description="The lines of duplicates that went.")
    notes: list[str]


async def _catalogue(call: Call) -> VmxSnippetList:
    return VmxSnippetList(snippets=[VmxSnippet.model_validate(described(each)) for each in SNIPPETS.values()])


async def _snippet(call: Call) -> RenderedSnippet:
    rendered = render(call.path("name"), call.query.parameters)
    return RenderedSnippet(
        name=rendered.name,
        title=find(rendered.name).title,
        text=rendered.text,
        texts=dict(rendered.texts),
        notes=list(rendered.notes),
    )


async def _lint(call: Call) -> LintAnswer:
    vmx = call.file()
    _refuse_too_large(vmx)
    found = await asyncio.to_thread(lint, vmx)
    return LintAnswer.model_validate({"valid": is_valid(found), "findings": [each._asdict() for each in found]})


async def _merge(call: Call) -> MergeAnswer:
    rendered, end, merged = await asyncio.to_thread(_merged, call.body)
    return MergeAnswer.model_validate(
        {
            **merged._asdict(),
            "replaced": [each._asdict() for each in merged.replaced],
            "end": end,
            "notes": list(rendered.notes),
        }
    )


def _refuse_too_large(vmx: str | bytes) -> None:
    if len(vmx) > LARGEST_VMX:
        raise TooLarge(f"This is larger than the {LARGEST_VMX >> 20} MiB that are read here; a VMX has some kilobytes.")


def _merged(asked: MergeRequest) -> tuple[Rendered, str, Merged]:
    _refuse_too_large(asked.text)
    vmx = parse(asked.text)
    rendered = render(asked.snippet, asked.parameters, vmx)
    ends = tuple(rendered.settings)
    end = ends[0] if asked.end is None else asked.end
    if end not in ends:
        raise InvalidParameterError(f"This snippet has no end {end[:40]!r}; it has {', '.join(ends)}.", ends)
    return rendered, end, merge(vmx, rendered.settings[end])


def _catalogue_text(catalogue: VmxSnippetList) -> str:
    lines: list[str] = []
    for snippet in catalogue.snippets:
        lines.append(f"{snippet.name}: {snippet.summary}")
        for parameter in snippet.parameters:
            needed = "needed" if parameter.required else f"default {parameter.default or 'none'}"
            lines.append(f"    {parameter.name}= {parameter.meaning} ({needed})")
    return "\n".join(lines) + "\n"


ROUTES = [
    Route(
        method="GET",
        path="/vmx/snippets",
        summary="The catalogue of VMX snippets with their parameters",
        handle=_catalogue,
        answer=VmxSnippetList,
        lookup=True,
        text=_catalogue_text,
        page="vmx_snippets.html",
    ),
    Route(
        method="GET",
        path="/vmx/snippets/{name}",
        summary="A VMX snippet filled in, ready to paste",
        handle=_snippet,
        answer=RenderedSnippet,
        query=SnippetQuery,
        lookup=True,
        text=lambda snippet: snippet.text,
        page="vmx_snippet.html",
        errors=(404,),
    ),
    Route(
        method="POST",
        path="/vmx/lint",
        summary="What is wrong or doubtful in a VMX, errors first",
        handle=_lint,
        answer=LintAnswer,
        body=FileText,
        files=("text/plain", "application/octet-stream"),
        lookup=True,
        text=findings_text,
    ),
    Route(
        method="POST",
        path="/vmx/merge",
        summary="What merging a snippet into a VMX changes, as a diff",
        handle=_merge,
        answer=MergeAnswer,
        body=MergeRequest,
        lookup=True,
        text=lambda merged: merged.diff,
        errors=(404,),
    ),
]
