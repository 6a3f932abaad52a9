"""iSCSI names, addresses, aliases and discovery, checked against the RFCs and against the rules of known products.

Start at ``validate``, ``build``, ``parse_address``, ``check_alias`` and ``discovery``; ``values`` has what they return.

>>> validate("iqn.2001-04.com.example:Disk1").normalized
'iqn.2001-04.com.example:disk1'
"""

from knowledge.iscsi.address import DEFAULT_PORT, parse_address
from knowledge.iscsi.alias import check_alias
from knowledge.iscsi.building import BuildRefused, build
from knowledge.iscsi.discovery import discovery
from knowledge.iscsi.names import validate
from knowledge.iscsi.values import Address, Alias, FieldVerdict, Name, Problem

__all__ = [
    "DEFAULT_PORT",
    "Address",
    "Alias",
    "BuildRefused",
    "FieldVerdict",
    "Name",
    "Problem",
    "build",
    "check_alias",
    "discovery",
    "parse_address",
    "validate",
]
