"""The site of the documentation: ``make docs`` builds it from these pages and from the built-in procedures."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from knowledge.procedure_store.boxes import BOX_MARK  # noqa: E402 - the folder above must be found first
from knowledge.procedure_store.entry_points import entry_points_of  # noqa: E402
from knowledge.procedure_store.folders import BUILT_IN, find_pages, read_page  # noqa: E402
from knowledge.procedure_store.procedure import Procedure  # noqa: E402

project = "vmkops"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = "vmkops"
html_copy_source = False
html_show_sphinx = False
smartquotes = False  # it makes one dash of the two before the name of an option
man_pages = [("commands", "vmkops", "VMware on call", "", 1)]
today = " "  # the man page is the same on each day; a test compares it with the one in deploy/

PROCEDURES = HERE / "procedures"
"""Written at each build; not in the repository."""

_BOX = re.compile(rf"^([ ]*)> {BOX_MARK.pattern}\n((?:\1>.*\n?)+)", re.MULTILINE)


def _box(found: re.Match[str]) -> str:
    """A box as MyST has it: a directive whose content has the same indentation."""
    indent, kind, quoted = found[1], found[2].lower(), found[3]
    lines = [re.sub(r"^ *> ?", "", line) for line in quoted.splitlines()]
    return "\n".join([f"{indent}:::{{{kind}}}", *(f"{indent}{line}".rstrip() for line in lines), f"{indent}:::", ""])


def _page(page: Procedure) -> str:
    body = _BOX.sub(_box, page.body)
    ways = "".join(f"- {each.what}: {', '.join(f'`{way}`' for way in each.ways)}\n" for each in entry_points_of(page))
    more = f"\n## With vmkops\n\n{ways}" if ways else ""
    sources = "".join(f"- {source}\n" for source in page.source)
    head = f"# {page.title}\n\n{page.summary}\n\nApplies to: {', '.join(page.applies_to)}.\n\n"
    return f"{head}{body}{more}\n## Sources\n\n{sources}"


def _write_procedures() -> None:
    pages = [read_page(found) for found in find_pages(BUILT_IN)]
    names = "\n".join(page.slug for page in sorted(pages, key=lambda page: page.title.casefold()))
    toctree = f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    texts = {f"{page.slug}.md": _page(page) for page in pages}
    texts["index.md"] = f"# Procedures\n\nThe pages that `vmkops kb` finds.\n\n{toctree}"
    PROCEDURES.mkdir(exist_ok=True)
    for file in PROCEDURES.iterdir():
        if file.name not in texts:
            file.unlink()
    for name, text in texts.items():
        file = PROCEDURES / name
        if not file.exists() or file.read_text("utf-8") != text:  # Sphinx reads again what has a new time
            file.write_text(text, "utf-8")


_write_procedures()
