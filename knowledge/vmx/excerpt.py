"""Shortens text from a VMX for messages."""

EXCERPT = 120
"""The most characters of a line that a message quotes."""


def excerpt(text: str) -> str:
    """Return `text` shortened for a message, and safe to print on one line."""
    shown = text[:EXCERPT]
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
    return shown if len(text) <= EXCERPT else f"{shown}..."
