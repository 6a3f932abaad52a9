"""A parser process: ``python -m service.workers.child MEMORY PARENT DATA_DIR`` answers requests on its standard input.

MEMORY is in bytes, and PARENT is the process id of the service. It ends with its input, and is killed when a request
takes too long.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, BinaryIO

from service.workers import frames
from service.workers.confinement import allow_cpu, confine, memory_used

LONGEST_TRACEBACK = 8000
"""Characters of a traceback, from its end."""


def main(words: list[str]) -> int:
    """Confine this process, then answer until the input ends."""
    memory, parent = int(words[0]), int(words[1])
    confine(memory, parent)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no answer
    requests = sys.stdin.buffer

    from service.workers.functions import load_all

    load_all(words[2])
    _write(answers, {"ready": True}, b"")
    while (request := frames.read_frame(requests.read)) is not None:
        header, file = request
        del request
        allow_cpu(int(header["cpu_seconds"]))
        answer, value = _answer(header, file)
        del file
        answer["retire"] = memory_used() > memory // 2 or answer.get("error") == frames.MEMORY
        _write(answers, answer, value)
        if answer["retire"]:
            return 0
    return 0


def _answer(header: dict[str, Any], file: bytes) -> tuple[dict[str, Any], bytes]:
    import knowledge.errors
    from service.errors import VmkopsError
    from service.workers.functions import run_function

    try:
        return {"ok": True}, run_function(header["function"], header["arguments"], file)
    except knowledge.errors.Unreadable as error:
        return _error(frames.UNREADABLE, error.message, error.suggestions), b""
    except knowledge.errors.NotFound as error:
        return _error(frames.NOT_FOUND, error.message, error.suggestions), b""
    except VmkopsError as error:
        return _error(frames.SERVICE, error.detail, error.suggestions) | {"name": type(error).__name__}, b""
    except MemoryError:
        return _error(frames.MEMORY), b""
    except RecursionError:
        return _error(frames.DEPTH), b""
    except Exception:
        return _error(frames.UNEXPECTED, traceback.format_exc()[-LONGEST_TRACEBACK:]), b""


def _error(kind: str, detail: str = "", suggestions: Any = ()) -> dict[str, Any]:
    return {"error": kind, "detail": detail, "suggestions": list(suggestions)}


def _write(answers: BinaryIO, header: dict[str, Any], value: bytes) -> None:
    for part in frames.frame(header, value):
        answers.write(part)
    answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
