"""Cards of VMX snippets: the catalogue, and one snippet to paste."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import Block, Message, bold, bullets, code, context, escape, header, message, preformatted, section
from service.api.client import RenderedSnippet, VmxSnippet
from service.api.units import count


def catalogue_card(snippets: Sequence[VmxSnippet]) -> Message:
    """Every snippet as a command with its required parameters, and what it does."""
    lines = [f"{code(example_of(snippet))}\n{escape(snippet.summary)}" for snippet in snippets]
    blocks: list[Block] = [header("VMX snippets"), *(section(line) for line in lines)]
    blocks.append(context("Each command returns text that is safe to paste. Put a value with spaces in double quotes."))
    return message("VMX snippets: " + ", ".join(snippet.name for snippet in snippets), blocks)


def snippet_card(snippet: RenderedSnippet, *, typed: str, asked_by: str) -> Message:
    """The lines to paste, one code block for each VM, and the notes in small print.

    `typed` is the command as the user typed it, `asked_by` a mention.
    """
    blocks: list[Block] = [header(snippet.title)]
    for vm, text in snippet.texts.items():
        blocks.append(section(bold(f"VMX of the {vm} VM") if len(snippet.texts) > 1 else "", preformatted(text)))
    if snippet.notes:
        blocks.append(context(bullets([escape(note) for note in snippet.notes])))
    blocks.append(context(code(typed), f"requested by {asked_by}"))
    return message(f"{snippet.title}: lines for {count(len(snippet.texts), 'VMX file')}", blocks)


def example_of(snippet: VmxSnippet) -> str:
    """The command for a snippet, with an example value for each required parameter."""
    required = [parameter.name for parameter in snippet.parameters if parameter.required]
    values = [f"{name}={_quoted(snippet.example.get(name, '…'))}" for name in required]
    return " ".join(["/vmx", snippet.name, *values])


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
