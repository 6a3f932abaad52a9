"""The page of a log: what it shows, what it leaves out, and that no log can put anything else into it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.loginput.decoding import decode_input
from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.source import of_bytes
from knowledge.vmkerr.table import bundled
from service.api.words import printable
from service.web.log_page import MOST_LINES, LogPage
from service.web.timeline import minute_text
from tests.knowledge.loginput.archives import tar
from tests.peers.chromium import screenshot

DISK = "naa.600140500000000000000000000000cc"
OUTAGE = f"""\
2025-01-15T02:10:20.002Z In(14) vobd[209]:  [esx.problem.storage.apd.start] Device with identifier [{DISK}] is down.
2025-01-15T02:12:29.000Z In(14) vobd[209]:  [esx.problem.scsi.device.state.permanentloss] Device: {DISK} is gone.
2025-01-15T02:15:01.000Z In(14) vobd[209]:  [esx.clear.storage.apd.exit] Device with identifier [{DISK}] is back.
2025-01-15T02:16:00.000Z In(182) vmkernel: cpu5:3343193)WARNING: Migrate: 269: 14 S: Failed: IO was aborted (0xbad00e0)
"""


def page_of(log: str | bytes, name: str = "", *, served: bool = False) -> str:
    page, looked = LogPage(name), LookedAt()
    content = log if isinstance(log, bytes) else log.encode(errors="replace")
    for lines in decode_input(of_bytes(content), None, bundled(), looked):
        page.add(lines)
    return page.html(looked, served=served)


class Elements(HTMLParser):
    """Reads a page: its tags and attributes, the text of each log line, and what is in its tooltips."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.tips = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        kind = dict(attrs).get("class") or tag
        if tag not in ("meta", "link", "br", "input"):
            self._open.append(kind)
        if kind == "text":
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if "tip" in self._open:
            self.tips += data
        elif "text" in self._open:
            self.lines[-1] += data


OF_THE_TEMPLATE = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "h1", "h2", "p", "a", "b", "br", "code"),
    *("ol", "li", "span", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "td", "th", "div"),
    *("figure", "figcaption", "svg", "rect"),
}
HOSTILE = st.text(alphabet=st.sampled_from("<>&\"'/=;:()[] \x00\x1b\x9b\u202e\r\tascriptonerrimg-!0x"), max_size=40)
AROUND = st.sampled_from(
    [
        "{} 0xbad0006 {}",
        '0xbad0006 Affected datastores: "{}", "{}"',
        "0xbad0006 [/vmfs/volumes/{}/x/{}.vmx]",
        "2025-01-15T02:10:20Z {} vmkernel: [esx.problem.storage.apd.start] [{}] naa.600140500000000000000000000000cc",
        "esx.problem.net.vmnic.linkstate.down {} {} 0xbad0006",
        "iqn.2001-04.com.example:{} t10.{}",
        "0xbad0006 <img src=x onerror=alert(1)> \"{}\" vol '{}'",
    ]
)


@given(st.lists(st.tuples(AROUND, HOSTILE, HOSTILE), min_size=1, max_size=4), HOSTILE)
@settings(max_examples=150, deadline=None)
def test_no_log_can_put_markup_or_control_characters_into_the_page(
    lines: list[tuple[str, str, str]], name: str
) -> None:
    log = [around.format(first, second).replace("\n", "").rstrip("\r") for around, first, second in lines]
    html = page_of("\n".join(log), name)
    elements = Elements(html)

    assert elements.tags <= OF_THE_TEMPLATE
    assert not [name for name, _ in elements.attributes if name.startswith("on") or name in ("src", "style")]
    assert all(re.fullmatch(r"#m\d+", value) for name, value in elements.attributes if name == "href")
    assert set(elements.lines) <= {printable(line).replace("\r", "\u240d") for line in log}
    assert not set(html) & {*map(chr, (*range(9), *range(11, 32), *range(127, 160))), "\u202e"}


def test_the_page_shows_the_incident_the_timeline_and_each_code_with_its_meaning() -> None:
    html = page_of(OUTAGE, "vmkernel.log")
    elements = Elements(html)

    assert "<title>vmkernel.log · vmkops</title>" in html
    assert f"Device {DISK}: PDL at 2025-01-15 02:12:29 UTC (1 line; also APD 1, transient 1)" in html
    assert "APD 02:10:20 -&gt; PDL 02:12:29 -&gt; recovered 02:15:01" in html
    assert "svg" in elements.tags
    assert [line[:24] for line in elements.lines] == [line[:24] for line in OUTAGE.splitlines()]
    assert "0xbad00e0 IO was aborted (VMK_ABORTED)" in elements.tips
    assert "vmkops kb show permanent-device-loss" in html


def test_the_page_of_a_bundle_names_the_file_of_each_line_and_of_each_state() -> None:
    first, last = OUTAGE.splitlines(keepends=True)[:2], OUTAGE.splitlines(keepends=True)[2:]
    html = page_of(tar({"logs/vobd.log": "".join(last).encode(), "logs/vobd.0.log": "".join(first).encode()}))
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))

    assert [*re.findall(r'<li class="file">(.*?)</li>', html)] == ["logs/vobd.log", "logs/vobd.0.log"]
    assert re.findall(r"(vobd[.\d]*log:) (\d)", text) == [
        ("vobd.log:", "1"), ("vobd.log:", "2"), ("vobd.0.log:", "1"), ("vobd.0.log:", "2"),
    ]  # fmt: skip
    assert "APD from 2025-01-15 02:10 UTC (line 1 of logs/vobd.0.log)" in text
    assert "recovered from 2025-01-15 02:15 UTC (line 1 of logs/vobd.log)" in text
    assert text.count("irst in line 1 of logs/vobd.0.log") == 2  # in the timeline, and in the table of subjects
    assert "APD 02:10:20 -&gt; PDL 02:12:29 -&gt; recovered 02:15:01" in text


def test_the_name_of_a_file_in_an_archive_cannot_put_markup_into_the_page() -> None:
    html = page_of(tar({"logs/<b onload=x>\x1b[2J&.log": OUTAGE.encode()}))
    assert Elements(html).tags <= OF_THE_TEMPLATE
    assert "logs/&lt;b onload=x&gt;\\x1b[2J&amp;.log" in html
    assert "\x1b" not in html


def test_each_mark_is_a_link_to_a_meaning_that_also_describes_it() -> None:
    elements = Elements(page_of(OUTAGE))
    numbers = {value for name, value in elements.attributes if name == "id"}
    links = [value for name, value in elements.attributes if name == "href"]
    described = [word for name, value in elements.attributes if name == "aria-describedby" for word in value.split()]

    assert links
    assert {link.removeprefix("#") for link in links} | set(described) == numbers


def test_the_file_needs_nothing_else_and_the_page_of_the_service_links_to_its_files_and_procedures() -> None:
    written, served = page_of(OUTAGE), page_of(OUTAGE, served=True)
    assert "<style>" in written
    assert "<link" not in written
    assert "<style>" not in served
    assert 'href="/static/decode.css"' in served
    assert 'href="/procedures/permanent-device-loss"' in served
    assert "<script" not in written + served


def test_a_long_log_is_cut_and_the_page_says_so() -> None:
    html = page_of("0xbad0006\n" * (MOST_LINES + 5))
    assert f"The first {MOST_LINES} are shown; 5 more lines with findings not shown." in html
    assert len(Elements(html).lines) == MOST_LINES
    assert f'<td class="count">{MOST_LINES + 5}</td>' in html


def test_a_very_long_line_and_one_with_many_codes_are_cut() -> None:
    (line,) = Elements(page_of("a" * 100_000 + " 0xbad0006 " + "b" * 100_000)).lines
    assert line.startswith("…aaa")
    assert "0xbad0006" in line
    assert len(line) < 3000
    many = page_of("0xbad0006 " * 10_000)
    assert len(many) < 100_000


def test_a_log_without_times_has_no_timeline_and_one_without_findings_says_so() -> None:
    assert "There is no timeline" in page_of("0xbad0006")
    assert "Nothing found" in page_of("nothing")


def test_the_timeline_shows_the_times_of_the_lines_and_not_those_of_its_buckets() -> None:
    days = [f"2025-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(0, 112)]
    lines = [f"{day}T{hour:02}:41:20.002Z vobd: [esx.problem.storage.apd.start] [{DISK}]"
             for day in days for hour in (7, 15, 21)]  # fmt: skip
    html = page_of("\n".join(lines))

    labels = re.findall(r'class="bar"[^>]*><title>(.*?)</title>', html)
    assert labels[0].startswith("2025-01-01 07:41 UTC to 2025-01-0")
    assert labels[-1].split(": ")[0].endswith("to 2025-04-28 21:41 UTC")
    assert '<p class="axis"><span>2025-01-01 07:41 UTC</span><span>2025-04-28 21:41 UTC</span></p>' in html
    starts, ends = zip(*(label.rsplit(": ", 1)[0].split(" to ") for label in labels), strict=True)
    assert all(end < start for end, start in zip(ends, starts[1:], strict=False))
    assert sum(int(label.rsplit(": ", 1)[1].split()[0]) for label in labels) == len(lines)


def test_the_bar_of_one_minute_shows_that_minute() -> None:
    assert "<title>2025-01-15 02:10 UTC: 1 line</title>" in page_of(OUTAGE)


@pytest.mark.parametrize(
    ("clock", "minute", "text"),
    [
        ("calendar", 28943050, "2025-01-11 08:10 UTC"),
        ("yearless", 59 * 1440, "02-29 00:00"),
        ("uptime", 4009, "uptime 2:18:49"),
    ],
)
def test_a_minute_is_written_as_its_clock_has_it(clock: str, minute: int, text: str) -> None:
    assert minute_text(clock, minute) == text  # type: ignore[arg-type]


def test_a_browser_draws_the_page(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page_of(OUTAGE, "vmkernel.log"), "utf-8")
    drawn = screenshot(file.as_uri(), tmp_path / "page.png", wait_ms=200).read_bytes()
    blank = tmp_path / "blank.html"
    blank.write_text("<!doctype html>", "utf-8")
    assert len(drawn) > 4 * len(screenshot(blank.as_uri(), tmp_path / "blank.png", wait_ms=200).read_bytes())
