"""Products whose own rules for names differ from the RFCs: they refuse a valid name, or accept an invalid one.

Each product has one function that returns why it refuses a name as typed, or None when it accepts the name. The
functions follow the code and issue threads of the products, named as ``source``; they are not tested on live systems.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from knowledge.iscsi.values import FieldVerdict

FREEBSD_LONGEST = 222


class Product(NamedTuple):
    """The rules of one product: why it refuses a name, which invalid names it accepts, and the source."""

    who: str
    refuses: Callable[[str], str | None]
    lets_through: str | None
    """None where it is not known."""
    source: str


def verdicts(name: str, *, valid: bool) -> tuple[tuple[FieldVerdict, ...], tuple[FieldVerdict, ...]]:
    """Return the products that refuse ``name`` although it is valid, and those that accept it although it is not."""
    refused: list[FieldVerdict] = []
    accepted: list[FieldVerdict] = []
    if not name.strip():
        return (), ()
    for product in PRODUCTS:
        reason = product.refuses(name)
        if valid and reason:
            refused.append(FieldVerdict(who=product.who, why=reason, source=product.source))
        if not valid and not reason and product.lets_through:
            accepted.append(FieldVerdict(who=product.who, why=product.lets_through, source=product.source))
    return tuple(refused), tuple(accepted)


def _targetcli(name: str) -> str | None:
    lowered = name.strip().lower()
    bare = lowered.replace("-", "").replace(":", "")
    if re.fullmatch(r"(naa\.)?[125c-f][0-9a-f]{15}|(eui\.)?[0-9a-f]{16}", bare):
        return None
    if lowered.startswith("naa."):
        return "it supports only naa. names of 16 digits with NAA types 1, 2 and 5, and c to f since August 2022"
    if re.match(r"iqn\.[0-9]{4}-[01][0-9]\..*\.", lowered) and " " not in lowered and "_" not in lowered:
        return None
    return "it requires iqn., a date, and at least one dot after that of the date, without spaces and underscores"


def _kubernetes(name: str) -> str | None:
    if name.startswith("naa"):
        fits = re.fullmatch(r"naa.[A-Za-z0-9]{32}", name)
        return None if fits else "it accepts only naa. names of 32 digits, so no 64-bit ones"
    if name.startswith("eui"):
        return None if re.fullmatch(r"eui.[A-Za-z0-9]{16}", name) else "it requires 16 letters or digits after eui."
    if not name.startswith("iqn"):
        return "it requires iqn, eui or naa in lower case at the beginning"
    if re.search(r"iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9.-]+:[^,;*&$|\s]+\Z", name, re.ASCII):
        return None
    return "it requires a colon and a string after the domain, and only ASCII letters in the domain"


def _freebsd(name: str) -> str | None:
    if len(name.encode("utf-8", "surrogatepass")) > FREEBSD_LONGEST:
        return f"its limit is one byte too low, {FREEBSD_LONGEST} bytes"
    return None


def _truenas(name: str) -> str | None:
    if re.fullmatch(r"[-a-z0-9.:]+", name):
        return None
    return "it accepts only lowercase ASCII letters, digits, dot, dash and colon, and does not convert to lower case"


def _anaconda(name: str) -> str | None:
    if re.fullmatch(r"eui\.[0-9A-Fa-f]{16}", name):
        return None
    if re.fullmatch(r"iqn\.\d{4}-\d{2}(\.(?!-)[A-Za-z0-9-]+(?<!-))+(:\S+)?", name):
        return None
    if name.lower().startswith("naa."):
        return "it supports only iqn. and eui. names"
    return "it requires 'iqn.' in lower case, a date and ASCII labels"


def _esxi(name: str) -> str | None:
    if name.lower().startswith("naa."):
        return "its documentation names only iqn. and eui. names for targets (not tested)"
    if name.lower().startswith(("iqn.", "eui.")):
        return None
    return "it checks that the name begins with iqn. or eui."


def _macos_initiator(name: str) -> str | None:
    if re.fullmatch(r"eui\.[0-9A-Fa-f]{16}", name):
        return None
    if re.match(r"iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9]+\.[A-Za-z0-9.-]", name):
        return None
    return "it requires eui., or iqn. with a domain of two or more ASCII labels (before 2016, the first with 3 letters)"


def _accepts_anything(_name: str) -> str | None:
    return None


PRODUCTS = (
    Product(
        "targetcli and ceph-iscsi (rtslib-fb)",
        _targetcli,
        "it checks little more than the digits of the date: it accepts months 00 to 19, and ../../",
        "open-iscsi/rtslib-fb rtslib/utils.py normalize_wwn, commit 66264ea; open-iscsi/rtslib-fb#139",
    ),
    Product(
        "Kubernetes",
        _kubernetes,
        "it accepts any letter as a hex digit, any two digits as a month, and _ and ../ in the string",
        "kubernetes/kubernetes pkg/apis/core/validation/volumes.go; kubernetes/kubernetes#140129",
    ),
    Product(
        "FreeBSD (ctld, iscsictl)",
        _freebsd,
        "it refuses a name only because of its length; everything else is a warning in its log",
        "freebsd/freebsd-src lib/libiscsiutil/utils.c valid_iscsi_name",
    ),
    Product(
        "open-iscsi up to June 2026",
        _accepts_anything,
        "it checked nothing",
        "open-iscsi/open-iscsi#530",
    ),
    Product(
        "udisks",
        _accepts_anything,
        "it leaves the check to other programs",
        "storaged-project/udisks#32",
    ),
    Product(
        "TrueNAS (target names)",
        _truenas,
        "it checks the characters, not the form",
        "truenas/truenas-csi#8; truenas/middleware RE_TARGET_NAME",
    ),
    Product(
        "the Fedora and Red Hat installer (anaconda)",
        _anaconda,
        "it does not check the month, and in the string it refuses only spaces",
        "rhinstaller/anaconda pyanaconda/core/regexes.py; rhinstaller/anaconda#2171",
    ),
    Product(
        "ESXi",
        _esxi,
        None,
        "ESXCLI Concepts and Examples, Discovery Target Names (vSphere 8.0)",
    ),
    Product(
        "iSCSI Initiator for macOS",
        _macos_initiator,
        "it checks only the beginning of the name",
        "iscsi-osx/iSCSIInitiator iSCSIUtils.c; iscsi-osx/iSCSIInitiator#29",
    ),
)
