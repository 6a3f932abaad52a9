"""VMX files: the catalogue of snippets, one filled in, a lint, and what merging one into a VMX changes."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from knowledge.for_people import amount
from knowledge.vmx.snippets import SNIPPETS, described, render
from service.api.lookups import Finding, MergeAnswer, RenderedSnippet, VmxSnippetList
from service.api.models import Value
from service.errors import TooLarge
from service.http._lint import LintAnswer, findings_text
from service.http._route import Call, FileText, Query, Route
from service.http._workers import run_worker

LARGEST_VMX = 1 << 20
"""Characters or bytes; a real VMX has some kilobytes, and reading one takes a hundred times its size in memory."""

LARGEST_BODY = 16 << 20
"""Bytes of a body; JSON may take several times the bytes of the VMX in it."""

IN_THE_SHELL = "Run `vmkops vmx` in the shell, which has no such limit."


class SnippetQuery(Query):
    """The parameters of a snippet, each under its own name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    @property
    def parameters(self) -> dict[str, str]:
        """Those with a value; `format` is the form of the answer, and a web form also sends its empty fields."""
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


async def _catalogue(call: Call[Query, None]) -> VmxSnippetList:
    return VmxSnippetList(snippets=tuple(map(described, SNIPPETS.values())))


async def _snippet(call: Call[SnippetQuery, None]) -> RenderedSnippet:
    return render(call.path("name"), call.query.parameters)


async def _lint(call: Call[Query, FileText]) -> LintAnswer:
    vmx = call.body.content
    _refuse_too_large(vmx)
    file, text = (b"", vmx) if isinstance(vmx, str) else (vmx, None)
    return LintAnswer.of(await run_worker(call, "vmx_lint", list[Finding], file=file, text=text, advice=IN_THE_SHELL))


async def _merge(call: Call[Query, MergeRequest]) -> MergeAnswer:
    asked = call.body
    _refuse_too_large(asked.text)
    return await run_worker(
        call,
        "vmx_merge",
        MergeAnswer,
        text=asked.text,
        snippet=asked.snippet,
        parameters=asked.parameters,
        end=asked.end,
        advice=IN_THE_SHELL,
    )


def _refuse_too_large(vmx: str | bytes) -> None:
    if len(vmx) > LARGEST_VMX:
        raise TooLarge(f"This is larger than the {amount(LARGEST_VMX)} that are read here; a VMX has some kilobytes.")


def _catalogue_text(catalogue: VmxSnippetList) -> str:
    lines: list[str] = []
    for snippet in catalogue.snippets:
        lines.append(f"{snippet.name}: {snippet.summary}")
        for parameter in snippet.parameters:
            needed = "needed" if parameter.required else f"default {parameter.default or 'none'}"
            lines.append(f"    {parameter.name}= {parameter.meaning} ({needed})")
    return "\n".join(lines) + "\n"


ROUTES = (
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
        body_limit=LARGEST_BODY,
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
        body_limit=LARGEST_BODY,
        lookup=True,
        text=lambda merged: merged.diff,
        errors=(404,),
    ),
)
