"""Finds why an iSCSI target refused a login (status class and detail), and the connection errors of open-iscsi.

The status is found as ESXi, open-iscsi (which ESXi's own iscsid derives from), other initiators and drivers print it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.vmklog.facts import facts
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.line import Finder, Line

STATUS = "iSCSI login status {status}: {meaning}"
UNKNOWN_STATUS = "iSCSI login status {status}: RFC 7143 does not define it"
CLASSES = ("success", "redirection", "an error of the initiator", "an error of the target")
OF_CLASS = "iSCSI login status {status}: {class_}; RFC 7143 does not define the detail"
OF_RFC = "the iSCSI standard (RFC 7143) defines this status"
NOT_OF_RFC = "the iSCSI standard (RFC 7143) does not define this status"
OF_OPEN_ISCSI = "open-iscsi defines this error"
EITHER = "iSCSI login refused: authentication (0201) or authorization (0202)"
BOTH_ALIKE = "open-iscsi prints this text for both"
CONNECTION = "iSCSI connection error {code} {meaning}"

_BYTE = r"(?:0x)?[0-9a-f]{1,2}"
_FORMS = (
    r"\blogin (?:error of|failed with status|response status|status):? {0,2}(?:0x)?(?P<pair>0[0-9a-f]{3})(?!\w|\.\w)",
    r"\blogin\b[^\n]{0,160}?(?:reject|fail|error)[^\n]{0,80}?"
    r"(?P<slashed>\((?:0[0-3]/[0-9a-f]{2}|0x0?[0-3]/0x[0-9a-f]{1,2})\))",
    rf"\bstatus[ _-]?class[:= ]{{1,3}}(?P<class>{_BYTE}),? {{0,2}}"
    rf"(?:status[ _-]?)?detail[:= ]{{1,3}}(?P<detail>{_BYTE})(?!\w)",
    r"\blog in to target[^\n]{0,40}?\((?P<decimal>\d{3})\)",
    r"(?P<authentication>\binitiator failed authentication with target)",
    r"(?P<authorization>\binitiator failed authorization with target)",
    r"(?P<either>\biSCSI login failed due to authorization failure|\binitiator failed authorization(?! with))",
    r"\bconn error \((?P<conn>10\d\d)\)",
    r"\biSCSI connection \d+:\d+ error \((?P<kernel>10\d\d)\b",
)
_STATUS = re.compile("|".join(_FORMS), re.IGNORECASE)


def find(line: Line) -> Iterator[Finding]:
    """Yield the login statuses and connection errors of a line."""
    for found in _STATUS.finditer(line.text):
        name = found.lastgroup
        if name == "detail":
            start, end = found.span("class")[0], found.span("detail")[1]
            pair = _number(found["class"]) << 8 | _number(found["detail"])
        else:
            assert name, "each alternative has a group"
            start, end = found.span(name)
            pair = _pair(name, found[name])
        if name in ("conn", "kernel"):
            meaning = _connection_meaning(found[name])
        elif name == "either":
            meaning = _either_meaning()
        else:
            meaning = _status_meaning(f"{pair:04x}")
        if meaning:
            yield line.finding(start, end, meaning)


FINDER = Finder(
    lambda _: (
        r"login (?:error|failed|response|status)",
        r"login[^\n]*\(0x?[0-3]{1,2}/",
        *(rf"status{gap}class" for gap in ("", " ", "_", "-")),
        r"log in to target",
        r"initiator failed auth",
        r"conn error \(10",
        r"iscsi connection \d+:\d+ error \(10",
    ),
    find,
)


def _pair(name: str, text: str) -> int:
    """Return class and detail as one number, from the text of a group."""
    if name == "authentication":
        return 0x201
    if name == "authorization":
        return 0x202
    if name == "slashed":
        class_, detail = text.strip("()").split("/")
        return _number(class_) << 8 | _number(detail)
    if name == "pair":
        return _number(text)
    return int(text) if name == "decimal" else 0


def _number(digits: str) -> int:
    return int(digits, 16)


@lru_cache(maxsize=256)
def _status_meaning(status: str) -> Meaning:
    if fact := facts("iscsi_login_status.tsv").get(status):
        return fact.as_meaning("iscsi-login", STATUS.format(status=status, meaning=fact.meaning), reason=OF_RFC)
    class_ = int(status[:2], 16)
    text = OF_CLASS.format(status=status, class_=CLASSES[class_]) if class_ < len(CLASSES) else ""
    return Meaning(
        kind="iscsi-login",
        summary=text or UNKNOWN_STATUS.format(status=status),
        certainty="open",
        reason=NOT_OF_RFC,
        procedures=("iscsi-login-failed",),
    )


@lru_cache(maxsize=1)
def _either_meaning() -> Meaning:
    return facts("iscsi_login_status.tsv")["0201"].as_meaning("iscsi-login", EITHER, "open", BOTH_ALIKE)


@lru_cache(maxsize=64)
def _connection_meaning(code: str) -> Meaning | None:
    fact = facts("iscsi_connection_errors.tsv").get(code)
    return fact and fact.as_meaning(
        "iscsi-connection", CONNECTION.format(code=code, meaning=fact.meaning), reason=OF_OPEN_ISCSI
    )
