"""TLS to PostgreSQL: encrypted and with a checked certificate, unless the server is this machine or the URL differs.

The names and their meanings are those of libpq (PostgreSQL documentation, "Parameter Key Words" and "SSL Support").
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

import sqlalchemy as sa

CHECKED = "verify-full"
"""The connection is encrypted, a trusted CA has signed the certificate, and it is for the host in the URL."""


def with_tls(url: str, environ: Mapping[str, str] = os.environ) -> str:
    """The URL of a PostgreSQL, with `sslmode=verify-full` if the server is elsewhere and nothing names an `sslmode`."""
    if not needs_default(url, environ):
        return url
    return f"{url}{'&' if '?' in url else '?'}sslmode={CHECKED}"


def needs_default(url: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether vmkops decides how the connection is protected. Raises ArgumentError for what is not a URL."""
    return not _chosen(url, environ) and not is_local(url, environ)


def weakness(url: str, environ: Mapping[str, str] = os.environ) -> str:
    """What the chosen `sslmode` leaves open for a server elsewhere, and what to do; empty when there is nothing."""
    mode = _chosen(url, environ)
    if not mode or mode == CHECKED or is_local(url, environ):
        return ""
    open_to = {
        "verify-ca": "accepts the certificate of another host, if a trusted CA has signed it",
        "require": "does not check whose certificate the server shows",
    }.get(mode, "can send the password and the records of jobs without encryption")
    return (
        f"VMKOPS_DATABASE_URL: sslmode={mode} {open_to}. Remove sslmode from the URL and from PGSSLMODE, and name the "
        "CA of the server with sslrootcert."
    )


def explain(reason: str) -> str:
    """What to do about a connection that failed for this reason with the default; empty for a reason without TLS."""
    if not re.search(r"\bSSL\b|certificate", reason):
        return ""
    return (
        "The database is not on this machine, so vmkops encrypts the connection and checks the certificate. Add the CA "
        "that signed the certificate to the URL: ?sslrootcert=/path/to/ca.pem, or ?sslrootcert=system for a CA that "
        "the system trusts. If the network between them is trusted, choose another ?sslmode=, such as disable."
    )


def is_local(url: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether each server that the URL names is on this machine. Raises ArgumentError for what is not a URL."""
    return all(map(_is_loopback, _hosts(url, environ)))


def _hosts(url: str, environ: Mapping[str, str]) -> Iterator[str]:
    parsed = sa.make_url(url)
    query = parsed.normalized_query
    named = [parsed.host or "", *query.get("host", ()), *query.get("hostaddr", ())]
    if not any(named):
        named.append(environ.get("PGHOST", ""))
    if "hostaddr" not in query:
        named.append(environ.get("PGHOSTADDR", ""))
    for each in named:
        yield from filter(None, each.split(","))


def _is_loopback(host: str) -> bool:
    name = host.partition(":")[0] if host.count(":") == 1 else host  # without a port
    if name.startswith(("/", "@")) or name.lower() == "localhost":  # a Unix socket, by its path or its abstract name
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _chosen(url: str, environ: Mapping[str, str]) -> str:
    found = sa.make_url(url).normalized_query.get("sslmode", ())
    return found[-1] if found else environ.get("PGSSLMODE", "")
