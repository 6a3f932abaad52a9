"""Works in the directory of a copy target: ``python -I -S directory.py VERB ROOT WORDS...``.

It imports nothing of vmkops and runs as a process of its own, which can be given up when the directory is on a server
that no longer answers. Names are opened relative to their folder, and no symbolic link is followed. VERB is one of

- `list [COPY]`: print the regular files of ROOT, or of its folder COPY, as JSON: a list of
  `{"Path": "COPY/NAME", "Size": n}`;
- `put COPY NAME SIZE`: write standard input to COPY/NAME, under another name until all bytes are on the disk;
- `read COPY NAME`: write a file to standard output;
- `gather NAMES INTO`: copy the small files whose paths are the lines of the file NAMES below the folder INTO;
- `remove COPY NAME`: remove the files of COPY, NAME last, and then COPY itself;
- `unlink COPY NAME`: remove a file; one that is gone is no error.

The exit status is 0; 3 for a file or a folder that is not there; or 1 with the reason on standard error.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys

PARTIAL = ".partial"
"""The end of the name of a file that is not complete."""
PIECE = 1 << 20
ABSENT = 3
SMALL = 8 << 20
"""Bytes of the largest file that `gather` copies."""
MOST = 1 << 30
"""Bytes of all files together that `gather` copies."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def main(words: list[str]) -> int:
    """Do what the words say; see the text of the module."""
    verb, root, rest = words[0], words[1], words[2:]
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        return _failed(f"{root}: {error.strerror}")
    try:
        if verb == "list":
            print(json.dumps(_list(top, rest[0] if rest else "")))
        elif verb == "put":
            _put(top, *rest)
        elif verb == "read":
            _read(top, 1, rest[0], rest[1])
        elif verb == "gather":
            _gather(top, *rest)
        elif verb == "remove":
            _remove(top, *rest)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(rest[1], dir_fd=_below(top, rest[0]))
    except FileNotFoundError:
        return ABSENT
    except OSError as error:
        return _failed(f"{'/'.join(map(str, (root, *rest)))}: {error.strerror}")
    sys.stdout.flush()
    return 0


def _failed(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


def _below(top: int, name: str) -> int:
    return os.open(name, FOLDER, dir_fd=top)


def _list(top: int, only: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for copy in [only] if only else sorted(os.listdir(top)):
        try:
            folder = _below(top, copy)
        except OSError:  # a file, a link, or nothing
            continue
        try:
            for name in sorted(os.listdir(folder)):  # noqa: PTH208
                with contextlib.suppress(FileNotFoundError):
                    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        found.append({"Path": f"{copy}/{name}", "Size": about.st_size})
        finally:
            os.close(folder)
    return found


def _put(top: int, copy: str, name: str, size: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(copy, 0o700, dir_fd=top)
    folder, half = _below(top, copy), f"{name}{PARTIAL}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(half, dir_fd=folder)
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(handle, "wb", 0):
        while piece := os.read(0, PIECE):
            _write(handle, piece)
        os.fsync(handle)
        if os.fstat(handle).st_size != int(size):
            raise OSError(errno.EIO, "its end is missing")
    os.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)
    os.fsync(top)


def _read(top: int, to: int, copy: str, name: str, most: int = 0) -> None:
    folder = _below(top, copy)
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if most and os.fstat(handle).st_size > most:
        raise OSError(errno.EFBIG, "it is too large")
    while piece := os.read(handle, PIECE):
        _write(to, piece)
    os.close(handle)
    os.close(folder)


def _write(to: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(to, view) :]


def _gather(top: int, names: str, into: str) -> None:
    total = 0
    with open(names, encoding="utf-8") as lines:  # noqa: PTH123
        for line in lines:
            copy, _, name = line.rstrip("\n").partition("/")
            os.makedirs(f"{into}/{copy}", exist_ok=True)  # noqa: PTH103
            with open(f"{into}/{copy}/{name}", "xb", 0) as to:  # noqa: PTH123
                try:
                    _read(top, to.fileno(), copy, name, SMALL)
                except OSError as error:  # what is not there is missing in the answer
                    if error.errno in (errno.ENOSPC, errno.EDQUOT):
                        raise
                    os.unlink(to.name)  # noqa: PTH108
                    continue
                total += os.fstat(to.fileno()).st_size
            if total > MOST:
                raise OSError(errno.EFBIG, f"the records of the copies have more than {MOST >> 30} GiB together")


def _remove(top: int, copy: str, last: str) -> None:
    try:
        folder = _below(top, copy)
    except FileNotFoundError:
        return
    names = sorted(os.listdir(folder), key=lambda name: (name == last, name))  # noqa: PTH208
    for name in names:
        os.unlink(name, dir_fd=folder)
    os.fsync(folder)
    os.rmdir(copy, dir_fd=top)
    os.fsync(top)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
