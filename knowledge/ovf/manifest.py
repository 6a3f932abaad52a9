"""Parses a manifest (``.mf``), recomputes its digests, and checks that it is complete."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.finding import Finding
from knowledge.ovf.package import Package, read_whole
from knowledge.ovf.quoting import printable, quoted
from knowledge.ovf.references import leaves_package

LARGEST_MANIFEST = 1024 * 1024
"""The largest manifest that is read, in bytes; a manifest has one line for each file."""

_ALGORITHMS = {"SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_LINE = re.compile(r"([A-Za-z0-9-]+)(\s*)\((.*)\)\s*=\s*([0-9A-Fa-f]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of a manifest: the digest of a file, in lowercase hex; ``algorithm`` is spelled like SHA256."""

    where: str
    algorithm: str
    name: str
    digest: str


def manifest_name(descriptor_name: str) -> str:
    """Return the manifest name that importers look for: the descriptor's name with the suffix ``.mf``."""
    return f"{descriptor_name.rpartition('.')[0] or descriptor_name}.mf"


def hash_name(algorithm: str) -> str:
    """Return the name in ``hashlib`` of the algorithm of an entry."""
    return _ALGORITHMS[algorithm]


def read_entries(name: str, data: bytes, entries: list[Entry]) -> Iterator[Finding]:
    """Append the lines of the manifest ``name`` to ``entries``, and yield findings for wrong lines."""
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if line.strip():
            yield from _read_line(line.strip(), f"{printable(name)} line {number}", entries)


def check_manifest(package: Package, descriptor_name: str, file_names: list[str]) -> Iterator[Finding]:
    """Yield findings about the manifest, or that it is missing; it must list the descriptor and ``file_names``."""
    name = manifest_name(descriptor_name)
    if package.size(name) is None:
        yield _missing(package, descriptor_name, name)
        return
    data = read_whole(package, name, LARGEST_MANIFEST)
    if data is None:
        message = f"The manifest is larger than {LARGEST_MANIFEST} bytes."
        yield Finding(
            "manifest-line", "error", printable(name), message, "Create it again, with one line for each file."
        )
        return
    entries: list[Entry] = []
    yield from read_entries(name, data, entries)
    yield from _check_entries(package, name, entries)
    first_sha1 = next((entry for entry in entries if entry.algorithm == "SHA1"), None)
    if first_sha1:
        message = "vSphere clients since 6.5 refuse SHA1 ('Invalid OVF checksum algorithm')."
        fix = "When the SHA1 digests match, write SHA256 ones, unless older products import the package."
        yield Finding("manifest-sha1", "warning", first_sha1.where, message, fix)
    listed = {entry.name for entry in entries}
    for absent in [file for file in (descriptor_name, *file_names) if file not in listed]:
        message = f"{quoted(absent)} is not in the manifest, so damage to it remains undetected."
        yield Finding("manifest-unlisted", "warning", printable(name), message, "Add a line for it.")
    certificate = f"{name.removesuffix('.mf')}.cert"
    if package.size(certificate) is not None:
        message = "The package is signed; the signature was not checked. A change to the manifest makes it invalid."
        yield Finding("signature-unchecked", "info", printable(certificate), message, "Check it with ovftool.")


def _missing(package: Package, descriptor_name: str, name: str) -> Finding:
    others = [other for other in package.names() if other.endswith(".mf")]
    hint = f" There is {quoted(others[0])}, which importers do not look for." if others else ""
    return Finding(
        "manifest-missing",
        "warning",
        printable(descriptor_name),
        f"There is no manifest {quoted(name)}, so damage to a file in transit cannot be detected.{hint}",
        "Create one with a line for each file, SHA256(file)= digest, or export with ovftool --shaAlgorithm=SHA256.",
    )


def _read_line(line: str, where: str, entries: list[Entry]) -> Iterator[Finding]:
    found = _LINE.fullmatch(line)
    if not found:
        message = f"{quoted(line)} does not have the format SHA256(file)= digest."
        yield Finding("manifest-line", "error", where, message, "Correct the line.")
        return
    spelled, blank, name, digest = found.groups()
    algorithm = spelled.upper().replace("SHA2-", "SHA").replace("SHA-", "SHA")
    if algorithm not in _ALGORITHMS:
        message = f"{quoted(spelled)} is not a digest algorithm of OVF (SHA1, SHA256, SHA512)."
        yield Finding("manifest-line", "error", where, message, "Use SHA256.")
        return
    digits = 2 * hashlib.new(hash_name(algorithm), usedforsecurity=False).digest_size
    if len(digest) != digits:
        message = f"The digest of {quoted(name)} has {len(digest)} hexadecimal digits; {algorithm} has {digits}."
        yield Finding("manifest-line", "error", where, message, "Compute the digest again, or get the manifest again.")
    if blank or spelled != algorithm:
        message = f"vSphere refuses the spelling {quoted(line.partition('(')[0])}."
        fix = f"Write {algorithm}({printable(name)})= without a space."
        yield Finding("manifest-spelling", "error", where, message, fix)
    entries.append(Entry(where=where, algorithm=algorithm, name=name, digest=digest.lower()))


def _check_entries(package: Package, manifest_name: str, entries: list[Entry]) -> Iterator[Finding]:
    checked: set[tuple[str, str]] = set()
    for entry in entries:
        if (entry.name, entry.algorithm) in checked:
            message = f"{quoted(entry.name)} is listed twice."
            yield Finding("manifest-line", "error", entry.where, message, "Keep only the line with the correct digest.")
            continue
        checked.add((entry.name, entry.algorithm))
        if entry.name == manifest_name:
            message = "The manifest lists itself, but its digest changes with every line."
            yield Finding("manifest-lists-itself", "warning", entry.where, message, "Remove the line.")
        elif leaves_package(entry.name):
            message = f"{quoted(entry.name)} is outside the package; it was not opened."
            yield Finding("manifest-outside", "error", entry.where, message, "List only files of the package.")
        elif package.size(entry.name) is None:
            message = f"{quoted(entry.name)} is in the manifest but not in the package."
            fix = "Add the file. Remove the line only if the descriptor does not refer to the file."
            yield Finding("manifest-file-missing", "error", entry.where, message, fix)
        else:
            yield from _check_digest(package, entry)


def _check_digest(package: Package, entry: Entry) -> Iterator[Finding]:
    computed = hashlib.new(_ALGORITHMS[entry.algorithm], usedforsecurity=False)
    for piece in package.pieces(entry.name):
        computed.update(piece)
    if computed.hexdigest() == entry.digest:
        return
    correct_line = f"{entry.algorithm}({printable(entry.name)})= {computed.hexdigest()}"
    yield Finding(
        "manifest-digest",
        "error",
        entry.where,
        f"{quoted(entry.name)} does not have the digest in the manifest: it was changed or damaged.",
        f"Download the package again; if you changed the file, write {correct_line}",
    )
