"""Amounts of bytes and times in the one form that people read everywhere. Pure: no I/O."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def amount(number: float, unit: str = "bytes") -> str:
    """A number of bytes in decimal units (1 GB = 1,000,000,000 bytes), or another number with its unit."""
    if unit != "bytes":
        return f"{number:,.0f} {unit}"
    for factor, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= factor:
            return f"{number / factor:.1f} {name}"
    return f"{number:.0f} byte{'' if round(number) == 1 else 's'}"


def when(at: str | datetime | None, zone: tzinfo | None = UTC) -> str:
    """A time (RFC 3339, or a datetime with its zone): `2026-11-26 17:19 UTC`; empty without a time.

    `zone` None is the local one, whose offset is shown: `2026-11-26 18:19 +01:00`.
    """
    if not at:
        return ""
    local = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(zone)
    offset = "UTC" if zone is UTC else local.isoformat()[-6:]
    return f"{local:%Y-%m-%d %H:%M} {offset}"
