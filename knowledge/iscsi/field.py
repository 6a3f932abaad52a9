"""Who in the field judges a name otherwise than the RFCs: refuses a valid one, or takes an invalid one.

Each product is one function that answers why it refuses a name as typed, or None when it takes it. They follow
the products' own code and issue threads, named as ``source``; nothing was tried on a live system.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from knowledge.iscsi.values import FieldVerdict

FREEBSD_LONGEST = 222


class Product(NamedTuple):
    """One product's own rule: why it refuses a name, what it lets through, and where that is written."""

    who: str
    refuses: Callable[[str], str | None]
    lets_through: str | None
    """None where nobody knows, so that nothing is claimed."""
    source: str


def verdicts(name: str, *, valid: bool) -> tuple[tuple[FieldVerdict, ...], tuple[FieldVerdict, ...]]:
    """Return who refuses ``name`` although it is valid, and who takes it although it is not."""
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
    if re.fullmatch(r"(naa\.)?[125][0-9a-f]{15}|(eui\.)?[0-9a-f]{16}", bare):
        return None
    if lowered.startswith("naa."):
        return "it knows naa. names of 16 digits and NAA types 1, 2 and 5 only"
    if re.match(r"iqn\.[0-9]{4}-[01][0-9]\..*\.", lowered) and " " not in lowered and "_" not in lowered:
        return None
    return "it wants iqn., a date, and at least one more dot after the date's; no blank and no underscore"


def _kubernetes(name: str) -> str | None:
    if name.startswith("naa"):
        fits = re.fullmatch(r"naa.[A-Za-z0-9]{32}", name)
        return None if fits else "it takes naa. names of 32 digits only, so no 64-bit one"
    if name.startswith("eui"):
        return None if re.fullmatch(r"eui.[A-Za-z0-9]{16}", name) else "it takes 16 letters or digits after eui."
    if not name.startswith("iqn"):
        return "it wants iqn, eui or naa in small letters at the start"
    if re.search(r"iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9.-]+:[^,;*&$|\s]+\Z", name, re.ASCII):
        return None
    return "it wants a colon and a string after the domain, and only ASCII letters in the domain"


def _freebsd(name: str) -> str | None:
    if len(name.encode("utf-8", "surrogatepass")) > FREEBSD_LONGEST:
        return f"it counts one byte too few and stops at {FREEBSD_LONGEST}"
    return None


def _truenas(name: str) -> str | None:
    if re.fullmatch(r"[-a-z0-9.:]+", name):
        return None
    return "it takes small ASCII letters, digits, dot, dash and colon only, and lowers nothing itself"


def _anaconda(name: str) -> str | None:
    if re.fullmatch(r"eui\.[0-9A-Fa-f]{16}", name):
        return None
    if re.fullmatch(r"iqn\.\d{4}-\d{2}(\.(?!-)[A-Za-z0-9-]+(?<!-))+(:\S+)?", name):
        return None
    if name.lower().startswith("naa."):
        return "it knows iqn. and eui. names only"
    return "it wants 'iqn.' in small letters, a date and ASCII labels"


def _esxi(name: str) -> str | None:
    if name.lower().startswith("naa."):
        return "its documentation gives iqn. and eui. names only for targets (not tried)"
    if name.lower().startswith(("iqn.", "eui.")):
        return None
    return "it checks that the name begins with iqn. or eui."


def _macos_initiator(name: str) -> str | None:
    if re.fullmatch(r"eui\.[0-9A-Fa-f]{16}", name):
        return None
    if re.match(r"iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9]+\.[A-Za-z0-9.-]", name):
        return None
    return "it wants iqn. with a domain of two ASCII parts or more, or eui.; before 2016 also a three-letter first part"


def _takes_anything(_name: str) -> str | None:
    return None


PRODUCTS = (
    Product(
        "targetcli and ceph-iscsi (rtslib-fb)",
        _targetcli,
        "it checks little more than the date's digits: months 00 to 19 pass, and so does ../../",
        "open-iscsi/rtslib-fb rtslib/utils.py normalize_wwn; open-iscsi/rtslib-fb#139",
    ),
    Product(
        "Kubernetes",
        _kubernetes,
        "it takes any letter as a hex digit, any two digits as a month, and _ and ../ in the string",
        "kubernetes/kubernetes pkg/apis/core/validation/volumes.go; kubernetes/kubernetes#140129",
    ),
    Product(
        "FreeBSD (ctld, iscsictl)",
        _freebsd,
        "it refuses by length only; everything else is a warning in its log",
        "freebsd/freebsd-src lib/libiscsiutil/utils.c valid_iscsi_name",
    ),
    Product(
        "open-iscsi up to June 2026",
        _takes_anything,
        "it checked nothing",
        "open-iscsi/open-iscsi#530",
    ),
    Product(
        "udisks",
        _takes_anything,
        "it leaves the checking to others",
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
        "it does not check the month, nor the string beyond blanks",
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
        "it looks at the beginning of the name only",
        "iscsi-osx/iSCSIInitiator iSCSIUtils.c; iscsi-osx/iSCSIInitiator#29",
    ),
)
