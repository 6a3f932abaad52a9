"""Reads the files of one package: finds what a path means, lists, searches and reads."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from service.errors import DiskUnreadable, InvalidParams, NotFound
from service.files.disk_files import Slice
from service.files.extents import extents_of
from service.files.layout import Opened, open_volumes
from service.files.mounts import used_as
from service.files.names import DEEPEST, Target, escape, path_text, read_target
from service.files.tar_tree import open_archives, open_tar
from service.files.trees import Node, Tree, open_tree
from service.files.values import Entry, Extent, Volume, Volumes

MOST_HOPS = 32
"""Symbolic links that are followed for one path, all inside the file systems of the package."""
MOST_NODES = 20_000_000
"""Files that a search visits."""
SHOWN = 20
"""Volumes in an error."""
Parts = tuple[bytes, ...]
Bytes = bytes | list[Extent]
"""Bytes of a file, or where they are."""


class Place(NamedTuple):
    """A node and where it is: its volume, its parts there, and what comes before its path: nothing, or a volume."""

    volume: Volume
    tree: Tree
    node: Node
    parts: Parts
    prefix: str


class PackageReader:
    """The disks with these file names in the folder of a package; see `open_volumes`. Or its `archives`: volumes, each
    with the tar archive that has its files."""

    def __init__(
        self,
        folder: Path,
        files: Sequence[str],
        members: Mapping[str, str] | None = None,
        archives: Sequence[tuple[Volume, str]] = (),
    ) -> None:
        self._opened = open_archives(folder, archives) if archives else open_volumes(folder, files, members or {})
        self._open = open_tar if archives else open_tree
        self._trees: dict[str, Tree] = {}
        self._mounts = {volume.name: volume.used_as for volume, _ in archives if volume.used_as} if archives else None
        self._folder: tuple[tuple[str, Parts], str] = (("", ()), "/")

    def volumes(self) -> Volumes:
        """All volumes, each with what it is used as."""
        mounts = self._used_as()
        return Volumes(
            volumes=[replace(each.volume, used_as=mounts.get(each.volume.name, "")) for each in self._opened]
        )

    def stat(self, path: str, *, follow: bool = False, by_volume: bool = False) -> Entry:
        """What a path means; `by_volume`: the entry's path begins with the volume, as in `disk0/p1:/etc`.

        Raises InvalidParams, NotFound and DiskUnreadable.
        """
        place = self._find(path, follow=follow)
        return self._entry(place._replace(prefix=f"{place.volume.name}:") if by_volume else place)

    def entries(self, path: str, *, depth: int = 0, pattern: str = "") -> Iterator[Entry]:
        """What is in a folder, sorted, down to `depth` folders (0: all); or the one entry when it is no folder.

        `pattern` chooses by name, as a shell does, in any case. Links are listed, not followed; other volumes are not
        entered. Raises InvalidParams, NotFound and DiskUnreadable.
        """
        place = self._find(path, follow=True)
        fits = re.compile(fnmatch.translate(pattern), re.IGNORECASE).match if pattern else None
        if place.node.kind != "folder":
            yield self._entry(self._find(path, follow=False))
            return
        for each in self._below(place, depth):
            if fits is None or fits(escape(each.node.name)):
                yield self._entry(each)

    def pieces(self, path: str, offset: int = 0, size: int | None = None) -> Iterator[Bytes]:
        """The bytes of a file; links are followed inside the package. Raises as `entries`."""
        place = self._find(path, follow=True)
        yield from self._read(place, offset, size)

    def file(self, path: str, start: int | None, stop: int | None) -> Iterator[Entry | Bytes]:
        """What a path means, links followed; then its bytes `[start:stop]`, if it is a file. Raises as `entries`."""
        place = self._find(path, follow=True)
        yield self._entry(place)
        if place.node.kind == "file":
            first, end, _ = slice(start, stop).indices(place.node.size)
            yield from self._read(place, first, max(0, end - first))

    def contents(self, path: str) -> Iterator[Entry | Bytes]:
        """A file, or a folder with all that is in it: each entry, then the bytes of one that is a file.

        The paths are relative, and begin with the name of what `path` means. Raises as `entries`.
        """
        place = self._find(path, follow=True)
        top = place.parts[-1:] or (_folder_name(place.volume, place.prefix),)
        yield replace(self._entry(place), path=path_text(top)[1:])
        if place.node.kind != "folder":
            yield from self._read(place, 0, None)
            return
        for each in self._below(place, 0):
            relative = path_text((*top, *each.parts[len(place.parts) :]))[1:]
            yield replace(self._entry(each), path=relative)
            if each.node.kind == "file":
                yield from self._read(each, 0, None)

    def _read(self, place: Place, offset: int, size: int | None) -> Iterator[Bytes]:
        shown = _shown(place)
        if place.node.kind != "file":
            raise InvalidParams(f"{shown} is not a regular file.")
        size = place.node.size if size is None else size
        try:
            source = self._source(place.volume)
            if found := extents_of(place.tree, source, place.node, offset, min(place.node.size, offset + size)):
                yield found
            else:
                yield from place.tree.pieces(place.node, offset, size)
        except OSError as error:
            raise DiskUnreadable(f"{shown} cannot be read to its end: the disk is damaged there.") from error

    def _below(self, top: Place, depth: int) -> Iterator[Place]:
        """All that is in a folder, in the order of names, down to `depth` folders (0: all).

        Raises DiskUnreadable for a folder that contains itself, or with folders too deep in it: nothing is left out.
        """
        stack = [(top, frozenset({top.node.inode}))]
        visited = 0
        while stack:
            place, above = stack.pop()
            if place is not top:
                yield place
            levels = len(place.parts) - len(top.parts)
            if place.node.kind != "folder" or (depth and levels >= depth):
                continue
            if levels > DEEPEST:
                raise DiskUnreadable(
                    f"{_shown(top)} has folders that are more than {DEEPEST} deep. Name a folder further down."
                )
            if place is not top and place.node.inode in above:
                raise DiskUnreadable(f"The folder {_shown(place)} contains itself: the file system is damaged.")
            nodes = self._nodes(place)
            visited += len(nodes)
            if visited > MOST_NODES:
                raise DiskUnreadable(f"There are more than {MOST_NODES} files below {_shown(top)}. Name a folder.")
            within = above | {place.node.inode}
            volume, tree, _, parts, prefix = place
            stack += [(Place(volume, tree, node, (*parts, node.name), prefix), within) for node in reversed(nodes)]

    def _nodes(self, place: Place) -> list[Node]:
        try:
            found = [node for node in place.tree.nodes(place.node) if b"/" not in node.name]
        except OSError as error:
            raise DiskUnreadable(f"The folder {_shown(place)} cannot be read: the disk is damaged there.") from error
        return sorted((node for node in found if node.name not in (b"", b".", b"..")), key=lambda node: node.name)

    def _entry(self, place: Place) -> Entry:
        node, target = place.node, b""
        if node.kind == "link":
            try:
                target = place.tree.target(node)
            except OSError:
                target = b"?"
        name = escape(node.name)
        return Entry(
            path=f"{self._shown_folder(place)}{name}" if place.parts else _shown(place),
            name=name,
            kind=node.kind,
            size=node.size,
            mode=node.mode,
            uid=node.uid,
            gid=node.gid,
            mtime=node.mtime,
            target=escape(target),
            volume=place.volume.name,
        )

    def _shown_folder(self, place: Place) -> str:
        """The text of the folder of a place, with a slash at the end; that of the last one is kept."""
        where = (place.prefix, place.parts[:-1])
        if self._folder[0] != where:
            parts = "".join(f"/{escape(part)}" for part in where[1])
            self._folder = where, f"{place.prefix}{parts}/"
        return self._folder[1]

    def _find(self, path: str, *, follow: bool) -> Place:
        target = read_target(path)
        volume, parts, prefix = self._volume(target)
        return self._resolve(volume, parts, prefix, path, follow=follow)

    def _resolve(self, volume: Volume, parts: Parts, prefix: str, path: str, *, follow: bool) -> Place:
        """Walk the parts; a link leads on inside the package, from the top of its file system when it is absolute."""
        tree = self._tree(volume)
        todo = list(reversed(parts))
        chain: list[Node] = [tree.root()]
        hops = 0
        while todo:
            part = todo.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                chain = chain[:-1] or chain
                continue
            place = Place(volume, tree, chain[-1], tuple(each.name for each in chain[1:]), prefix)
            if place.node.kind != "folder":
                raise NotFound(f"{_shown(place)} is not a folder.")
            node = self._child(place, part, path)
            if node.kind == "link" and (todo or follow):
                hops += 1
                if hops > MOST_HOPS:
                    raise NotFound(f"{path[:200]} leads through more than {MOST_HOPS} symbolic links.")
                where = tree.target(node)
                if where.startswith(b"/"):
                    whole = (*(each for each in where.split(b"/") if each), *reversed(todo))
                    if not prefix:  # a path of the guest: the link may lead to another volume
                        volume, rest, prefix = self._volume(Target("", "", tuple(whole)))
                        tree, whole = self._tree(volume), rest
                    chain, todo = [tree.root()], list(reversed(whole))
                else:
                    todo += list(reversed(where.split(b"/")))
                continue
            chain.append(node)
        return Place(volume, tree, chain[-1], tuple(each.name for each in chain[1:]), prefix)

    def _child(self, place: Place, part: bytes, path: str) -> Node:
        try:
            node = place.tree.find(place.node, part)
        except OSError as error:
            raise DiskUnreadable(f"The folder {_shown(place)} cannot be read: the disk is damaged there.") from error
        if node is None:
            raise NotFound(f"There is no {escape(part)[:255]} in the folder {_shown(place)}, for {path[:200]}.")
        return node

    def _volume(self, target: Target) -> tuple[Volume, Parts, str]:
        """The volume of a target, the parts that are left there, and what comes before its paths."""
        if target.volume:
            for each in self._opened:
                if each.volume.name == target.volume:
                    return self._readable(each), target.parts, f"{target.volume}:"
            raise NotFound(f"There is no volume {target.volume}.", self._named())
        mounts = self._used_as()
        if target.letter:
            for each in self._opened:
                if mounts.get(each.volume.name) == f"{target.letter}:":
                    return self._readable(each), target.parts, f"{target.letter}:"
            raise NotFound(f"No volume is known to be {target.letter}:. Name the volume instead.", self._named())
        by_mount = {tuple(p.encode() for p in at.split("/") if p): name for name, at in mounts.items() if at[:1] == "/"}
        fitting = [at for at in by_mount if target.parts[: len(at)] == at]
        readable = [each for each in self._opened if each.volume.readable]
        if fitting and () in by_mount:
            at = max(fitting, key=len)
            chosen = next(each for each in self._opened if each.volume.name == by_mount[at])
            prefix = "" if not at else "/" + "/".join(map(escape, at))
            return self._readable(chosen), target.parts[len(at) :], prefix
        if len(readable) == 1:
            return readable[0].volume, target.parts, ""
        if not readable:
            notes = [each.volume.note for each in self._opened if each.volume.note]
            raise NotFound(" ".join(["The package has no volume whose files can be read.", *notes[:3]]))
        raise NotFound("There are several volumes, and none is known to be the root. Name one.", self._named())

    def _readable(self, opened: Opened) -> Volume:
        if not opened.volume.readable:
            why = opened.volume.note or f"it is {opened.volume.type or 'of an unknown type'}"
            raise NotFound(f"The volume {opened.volume.name} has no files that can be read: {why}", self._named())
        return opened.volume

    def _named(self) -> list[str]:
        return [f"{each.volume.name}:/" for each in self._opened if each.volume.readable][:SHOWN]

    def _tree(self, volume: Volume) -> Tree:
        if volume.name not in self._trees:
            self._trees[volume.name] = self._open(self._source(volume), volume.type, volume.name)
        return self._trees[volume.name]

    def _source(self, volume: Volume) -> Slice:
        source = next(each.source for each in self._opened if each.volume.name == volume.name)
        assert source is not None
        return source

    def _used_as(self) -> dict[str, str]:
        if self._mounts is None:
            readable = [each.volume for each in self._opened if each.volume.readable]
            self._mounts = used_as([each.volume for each in self._opened], readable, self._tree)
        return self._mounts


def _shown(place: Place) -> str:
    return (
        f"{place.prefix}{path_text(place.parts)}" if place.parts or not place.prefix.startswith("/") else place.prefix
    )


def _folder_name(volume: Volume, prefix: str) -> bytes:
    """The name of the folder that the whole of a volume becomes."""
    return (prefix.strip(":/") or volume.name).replace("/", "-").encode()
