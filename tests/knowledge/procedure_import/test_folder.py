"""Markdown runbooks of other teams become pages that pass the check, without losing text or replacing anything."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.procedure_import.folder import MOST_FILES, Done, import_markdown
from knowledge.procedure_store.check import check_folder
from knowledge.procedure_store.folders import built_in_pages
from knowledge.procedure_store.procedure import MAX_BYTES, Procedure, parse_page

RUNBOOK = """# KubeNodeNotReady

## Meaning

A node is not in `Ready` state.

## Impact

Less room.

## Diagnosis

```
kubectl get node
## not a heading
```

### Deeper

Look at the [node](https://example.com/node).

## Mitigation

1. Run `rm -rf /var/lib/foo` now.
2. Then:
   ```bash
   sync
   reboot
   ```

## Rollback

Start it again.

## Contacts

The team.
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    return folder


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "pages"


def page(done: Done, slug: str) -> Procedure:
    """The imported page, read from its file."""
    (file,) = [each.page for each in done.imported if each.slug == slug]
    return parse_page(Path(file).read_bytes(), slug=slug, file=file)


def checked(into: Path) -> None:
    """Check that the pages in a folder have no problems."""
    _, broken = check_folder(into, elsewhere=built_in_pages())
    assert [str(one) for one in broken] == []


def failure(source: Path, into: Path, data: bytes, name: str = "x.md") -> str:
    """Why a runbook is not imported."""
    (source / name).write_bytes(data)
    done = import_markdown(source / name, into)
    assert done.imported == ()
    assert list(into.iterdir()) == []
    return str(done.failed[0])


def test_sections_go_where_they_belong_and_the_rest_is_kept(source: Path, into: Path) -> None:
    (source / "node.md").write_text(RUNBOOK)

    done = import_markdown(source, into)

    checked(into)
    made = page(done, "node")
    assert (made.title, made.summary) == ("KubeNodeNotReady", "A node is not in Ready state.")
    assert made.source == ("imported from node.md",)
    headings = [line for line in made.body.splitlines() if line.startswith("#")]
    assert headings == [
        "## When", "### Meaning", "### Impact",
        "## Before",
        "## Steps", "### Diagnosis", "## not a heading", "#### Deeper", "### Mitigation",
        "## Check",
        "## Undo", "### Rollback",
        "## Contacts",
    ]  # fmt: skip
    assert "does not say how to check" in made.body
    assert "[node](https://example.com/node)" in made.body


def test_destructive_commands_get_a_box_in_their_step_and_a_note(source: Path, into: Path) -> None:
    (source / "node.md").write_text(RUNBOOK)

    done = import_markdown(source, into)

    assert (
        "1. Read this first.\n\n   > [!CAUTION]\n   > This command deletes files. Find out what it affects before you "
        "run it.\n\n   Run `rm -rf /var/lib/foo` now.\n"
    ) in page(done, "node").body
    assert len(done.imported[0].notes) == 2
    assert "a box was added before it" in done.imported[0].notes[0]


def test_front_matter_of_other_tools_is_understood_and_the_rest_kept(source: Path, into: Path) -> None:
    (source / "dns.md").write_text(
        "---\n"
        "Title: 'DNS: down'\n"
        "description: >\n  Names are\n  not resolved.\n"
        "tags: [dns, network]\n"
        "alerts:\n- DnsDown\n- DnsSlow\n"
        "severity: critical\n"
        "owner:\n  team: infra\n"
        "---\n"
        "# DnsRunbook\n\nSome words.\n\n## Steps\n\n1. Restart it.\n"
    )

    made = page(import_markdown(source, into), "dns")

    checked(into)
    assert (made.title, made.summary) == ("DNS: down", "Names are not resolved.")
    assert made.subjects == ("dns", "network")
    assert made.aliases == ("DnsDown", "DnsSlow", "DnsRunbook")
    assert "```yaml\nseverity: critical\nowner:\n  team: infra\n```" in made.body


def test_toml_front_matter_is_understood(source: Path, into: Path) -> None:
    (source / "dns.md").write_text('+++\ntitle = "DNS is slow"\ntags = ["dns"]\nweight = 3\n+++\nWords.\n')

    made = page(import_markdown(source, into), "dns")

    assert (made.title, made.subjects) == ("DNS is slow", ("dns",))
    assert "weight = 3" in made.body


def test_title_comes_from_the_first_heading_or_else_from_the_file_name(source: Path, into: Path) -> None:
    (source / "under.md").write_text("Underlined title\n======\n\nWords.\n\nSub\n---\n\nMore.\n")
    (source / "tape-jam.md").write_text("Words first.\n\n1. Look.\n2. Act.\n")
    (source / "README.md").write_text("## Symptoms\n\nSlow.\n\n## Fix\n\nWait.\n")
    (source / "TapeLibraryJammed.md").write_text("## Only heading\n\nx\n")

    done = import_markdown(source, into)

    checked(into)
    assert page(done, "under").title == "Underlined title"
    assert page(done, "tape-jam").title == "tape jam"
    assert page(done, "runbooks").title == "runbooks"
    assert page(done, "tape-library-jammed").title == "Only heading"
    assert "1. Look.\n2. Act." in page(done, "tape-jam").body.partition("## Steps")[2]


def test_links_between_runbooks_lead_to_their_pages_and_other_ones_become_words(source: Path, into: Path) -> None:
    (source / "deep").mkdir()
    (source / "deep" / "b.md").write_text("# Page B\n\nSee [a](../a.md#x), [gone](gone.md) and ![pic](pic.png).\n")
    (source / "a.md").write_text("# Page A\n\n[b](./deep/b.md) [bad](bad.md) [![i](i.png)](x.html) `[b](b.md)`\n")
    (source / "bad.md").write_bytes(b"\xff")

    done = import_markdown(source, into)

    checked(into)
    assert "See [a](a.md), gone (gone.md) and pic (image pic.png)." in page(done, "b").body
    assert "[b](b.md) bad (bad.md) i (image i.png) (x.html) `[b](b.md)`" in page(done, "a").body


def test_links_of_hugo_and_links_with_spaces_are_understood(source: Path, into: Path) -> None:
    (source / "_index.md").write_text(
        '# All\n\n[a]({{< ref "CPUHigh.md" >}}), [b]({{% relref "./CPUHigh" %}}), [c](d e)\n'
    )
    (source / "CPUHigh.md").write_text("# CPUHigh\n\nWords.\n")

    done = import_markdown(source, into)

    checked(into)
    assert "[a](cpu-high.md), [b](cpu-high.md), c (d e)" in page(done, "runbooks").body


def test_nothing_is_replaced(source: Path, into: Path) -> None:
    (source / "datastore-full.md").write_text("# Datastore full\n\nOurs.\n")
    (source / "x").mkdir()
    (source / "x" / "README.md").write_text("# First\n\nx\n")
    (source / "x.md").write_text("# Second\n\nx\n")

    done = import_markdown(source, into)
    again = import_markdown(source, into)

    checked(into)
    slugs = {each.source.removeprefix(f"{source}/"): each.slug for each in done.imported}
    assert slugs == {"datastore-full.md": "team-datastore-full", "x/README.md": "x", "x.md": "team-x"}
    assert page(done, "team-datastore-full").title != page(done, "x").title
    assert again.imported == ()
    assert all("exists already" in one.message for one in again.failed)


def test_names_of_other_pages_are_not_taken(source: Path, into: Path) -> None:
    (source / "ours.md").write_text("---\naliases: [DatastoreFull, Ours]\n---\n# Purple screen\n\nWords.\n")

    done = import_markdown(source, into)

    checked(into)
    assert page(done, "ours").aliases == ("Ours",)
    assert any("DatastoreFull" in note for note in done.imported[0].notes)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.md:1: the file is empty"),
        (b" \n\n", "x.md:1: the file is empty"),
        (b"# a\n\n\xff", "x.md:3: byte 0xff is not UTF-8"),
        (b"# a\nb\0", "x.md:2: the character U+0000 is not allowed"),
        (b"x" * 5_000_000, f"x.md:1: the page has more than {MAX_BYTES:,} bytes"),
        (b"---\ntitle: a\n\n# b", "x.md:1: the front matter is not closed"),
        (b"+++\ntitle =\n+++\n# b", "x.md:1: the front matter is not TOML"),
        (b"+++\na = " + b"[" * 5000 + b"\n+++\n# b", "x.md:1: the front matter is not TOML"),
    ],
)
def test_what_cannot_be_a_page_is_refused_with_file_and_line(
    source: Path, into: Path, data: bytes, message: str
) -> None:
    assert message in failure(source, into, data)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        "`" * 100_000,
        "# " + " " * 100_000,
        "- " * 50_000,
        "rm x\n\n" * 2_000,
        "    rm x\n1. `rm x`\n" * 900,
    ],
    ids=lambda line: line[:4],
)
def test_hostile_text_takes_no_longer_than_a_page(source: Path, into: Path, line: str) -> None:
    (source / "x.md").write_text(f"# Title\n\nWords.\n\n## Steps\n\n{line}\n")
    began = time.monotonic()

    done = import_markdown(source, into)

    assert time.monotonic() - began < 30
    assert [*done.imported, *done.failed]


def test_links_and_special_files_are_left_out(source: Path, into: Path) -> None:
    (source / "passwd.md").symlink_to("/etc/passwd")
    (source / "loop").symlink_to(source)
    os.mkfifo(source / "pipe.md")
    (source / ".hidden.md").write_text("# x\n\nx\n")
    (source / "notes.txt").write_text("x")

    done = import_markdown(source, into)

    assert (done.imported, done.failed) == ((), ())
    assert [(Path(each.source).name, each.reason.partition(":")[0]) for each in done.skipped] == [
        ("loop", "it is a symbolic link"),
        ("passwd.md", "it is a symbolic link"),
        ("pipe.md", "it is not a regular file"),
    ]


def test_links_that_become_words_are_named_once_each_and_not_all(source: Path, into: Path) -> None:
    links = " ".join(f"[x](../wiki/{number}.html) [y](../wiki/{number}.html)" for number in range(13))
    (source / "pump.md").write_text(f"# Pump\n\nIt stands.\n\n## Fix\n\n{links}\n\n1. `reboot`\n2. `reboot`\n")

    (pump,) = import_markdown(source, into).imported

    assert pump.notes[:2] == tuple(
        f"the link to ../wiki/{number}.html leads to no imported page: it is plain text now" for number in (0, 1)
    )
    assert pump.notes[10] == "and 3 more links of this kind"
    assert len(pump.notes) == 12
    assert pump.notes[11].endswith(" (2 times)")


def test_same_problem_is_printed_once(source: Path, into: Path) -> None:
    (source / "x.md").write_text("# x\n\nwords\n\n## Fix\n\n[a](https:///x) and [a](https:///x)\n\n[a](https:///x)\n")

    done = import_markdown(source, into)

    assert len(done.failed) == len(set(done.failed)) <= 1


def test_very_many_files_are_refused_before_one_is_written(source: Path, into: Path) -> None:
    for number in range(MOST_FILES + 1):
        (source / f"{number}.md").touch()

    with pytest.raises(OSError, match="more than 10,000 runbooks"):
        import_markdown(source, into)
    assert not into.exists()


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        import_markdown(tmp_path / "nothing", tmp_path / "pages")


LINES = (
    "# A|## Steps|## B|#|---|===|- x|1. `rm -rf /`|```|~~~|```vmkops|vmkops x {y}|> [!NOTE]|[a](b.md)|![a](b)|text||"
    "    rm -rf /|title: x|reboot|\t|> x|## Rollback|#### C|`` ` ``|10. x|\\"
)
MARKDOWN = st.lists(st.sampled_from([*LINES.split("|"), "| a | b |"]), max_size=25)


@given(MARKDOWN)
def test_any_markdown_becomes_a_page_that_passes_the_check_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "x.md").write_text("\n".join(lines))

    done = import_markdown(folder / "x.md", folder / "pages")

    if any(line.strip() for line in lines) and lines[0] != "---":
        assert [str(one) for one in done.failed] == []
    checked(folder / "pages")
