"""The cards of VMX snippets: the catalogue, and one snippet ready to paste."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import Block, Message, bold, bullets, code, context, escape, header, message, preformatted, section
from service.api.client import RenderedSnippet, VmxSnippet


def catalogue_card(snippets: Sequence[VmxSnippet]) -> Message:
    """Every snippet in a line, with the parameters that it cannot do without."""
    lines = [f"{code(example_of(snippet))}\n{escape(snippet.summary)}" for snippet in snippets]
    blocks: list[Block] = [header("VMX snippets"), *(section(line) for line in lines)]
    blocks.append(context("Each answers text that is safe to paste; a value with spaces goes in double quotes."))
    return message("VMX snippets: " + ", ".join(snippet.name for snippet in snippets), blocks)


def snippet_card(snippet: RenderedSnippet, *, typed: str, asked_by: str) -> Message:
    """The lines to paste, each end in a block of its own, and the caveats in small print."""
    blocks: list[Block] = [header(snippet.title)]
    for end, text in snippet.texts.items():
        blocks.append(section(bold(f"VMX of the {end} VM") if len(snippet.texts) > 1 else "", preformatted(text)))
    if snippet.notes:
        blocks.append(context(bullets([escape(note) for note in snippet.notes])))
    blocks.append(context(code(typed), f"asked by {asked_by}"))
    return message(f"{snippet.title}: {len(snippet.texts)} VMX to paste into", blocks)


def example_of(snippet: VmxSnippet) -> str:
    """The command for a snippet, with an example of each parameter that it needs."""
    needed = [parameter.name for parameter in snippet.parameters if parameter.required]
    values = [f"{name}={_quoted(snippet.example.get(name, '…'))}" for name in needed]
    return " ".join(["/vmx", snippet.name, *values])


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
