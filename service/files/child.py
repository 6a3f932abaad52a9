"""The process that reads the disks of one package: ``python -m service.files.child MEMORY PARENT``.

It takes one request on its standard input and answers with frames (see `service.workers.frames`). The bytes of each are
JSON, or those of a file when its header says ``data``. With ``extents``, the JSON is a list of `values.Extent`: where
the bytes of a file are. The last frame has ``end``, or ``error`` with the name of an error of `service.errors`,
``detail`` and ``suggestions``. A request has ``do``, ``folder``, ``files``, ``members``, ``archives`` and
``arguments``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.workers import frames
from service.workers.confinement import allow_cpu, confine
from service.workers.landlock import READ_DIR, READ_FILE, read_only

if TYPE_CHECKING:
    from service.files.reader import Bytes

CPU_SECONDS = 60
"""CPU time until the next frame; the kernel then ends the process."""
LIBRARIES = ("pytsk3", "pyvmdk", "pyfsxfs")
BATCH = 500
"""Entries in a frame."""


def main(words: list[str]) -> int:
    """Confine this process, answer one request, and end."""
    confine(int(words[0]), int(words[1]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    allow_cpu(CPU_SECONDS)
    request = frames.read_frame(sys.stdin.buffer.read)
    if request is None:
        return 1

    def send(header: dict[str, Any], body: bytes = b"") -> None:
        for part in frames.frame(header, body):
            answers.write(part)
        answers.flush()
        allow_cpu(CPU_SECONDS)

    _close_in(request[0])
    for header, body in _answers(request[0]):
        send(header, body)
    return 0


def _close_in(request: dict[str, Any]) -> None:
    """Import all that is needed, then let this process read the disks of the request and nothing else; see `landlock`.

    A tar archive holds a disk or the files of a volume; a VMDK may name others of its folder, which is that of one
    package.
    """
    from service.files import reader  # noqa: F401

    for library in LIBRARIES:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(library)
    folder, members = Path(request["folder"]), request["members"]
    files = request["files"] + [name for _, name in request["archives"] if name]
    if request["archives"] or all(file in members for file in files):
        read_only({folder: READ_DIR, **{folder / file: READ_FILE for file in files}})
    else:
        read_only({folder: READ_DIR | READ_FILE})


def _answers(request: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    from service.errors import VmkopsError

    try:
        yield from _carry_out(request)
        yield {"end": True}, b""
    except VmkopsError as error:
        yield {"error": type(error).__name__, "detail": error.detail[:2000], "suggestions": error.suggestions}, b""
    except MemoryError:
        yield {"error": "memory"}, b""
    except ModuleNotFoundError as error:
        yield {"error": "missing", "detail": error.name or ""}, b""
    except Exception as error:  # the libraries raise what they like for damaged disks
        yield {"error": "damaged", "detail": f"{type(error).__name__}: {error}"[:2000]}, b""


def _carry_out(request: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    from service.files.reader import PackageReader
    from service.files.values import Entry, Volume

    archives = [(Volume(**volume), name) for volume, name in request["archives"]]
    reader = PackageReader(Path(request["folder"]), request["files"], request["members"], archives)
    arguments = request["arguments"]
    match request["do"]:
        case "volumes":
            yield {}, _json(asdict(reader.volumes()))
        case "stat":
            yield {}, _json(vars(reader.stat(**arguments)))
        case "entries":
            batch: list[Entry] = []
            for entry in reader.entries(**arguments):
                batch.append(entry)
                if len(batch) == BATCH:
                    yield {}, _json([vars(entry) for entry in batch])
                    batch = []
            yield {}, _json([vars(entry) for entry in batch])
        case "pieces":
            yield from map(_bytes, reader.pieces(**arguments))
        case "file" | "contents":
            for each in reader.file(**arguments) if request["do"] == "file" else reader.contents(**arguments):
                yield _bytes(each) if isinstance(each, bytes | list) else ({}, _json(vars(each)))


def _bytes(of_file: Bytes) -> tuple[dict[str, Any], bytes]:
    return ({"data": True}, of_file) if isinstance(of_file, bytes) else ({"extents": True}, _json(of_file))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
