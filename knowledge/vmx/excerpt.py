"""How text from a VMX is quoted in a message."""

EXCERPT = 120
"""Characters of a line that are quoted in a message."""


def excerpt(text: str) -> str:
    """`text` shortened for a message and made safe to print on one line."""
    shown = text[:EXCERPT]
    if not shown.isprintable():
        shown = "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in shown)
    return shown if len(text) <= EXCERPT else f"{shown}..."
