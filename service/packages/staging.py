"""A package, or the files in it, in a folder of VMKOPS_MOUNT_DIR, where another backup product reads them.

Nothing here follows a link, and only what a job wrote is removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from service.api.words import printable
from service.errors import Conflict, InvalidParams, NotFound
from service.packages.folder import PARTIAL, Package, safe_name
from service.store.deep_folders import remove_tree

MARKER = ".vmkops-mount"
"""The file in each staged folder that names its job."""
PREFIX = ".vmkops-"
"""The names of folders that are not complete yet: this, the id of the job, and `.partial`."""
FILES = ".files"
"""The folder in an incomplete package whose content is staged instead of the package."""
OWN_FOLDER, OWN_FILE, GROUP_FOLDER, GROUP_FILE = 0o700, 0o600, 0o050, 0o040
LARGEST_MARKER = 1000


class Modes(NamedTuple):
    """The permissions of what is staged: the group that may read the directory may read that too."""

    folder: int
    file: int


def modes_in(root: Path) -> Modes:
    """The permissions of folders and files that are staged in this directory."""
    mode = root.stat().st_mode
    return Modes(OWN_FOLDER | mode & GROUP_FOLDER, OWN_FILE | mode & GROUP_FILE)


def folder_name(dest: str, root: Path) -> str:
    """The name of the folder that `dest` means: a name, or the full path of a folder directly in `root`.

    Raises InvalidParams for every other path, and for a name that is hidden or has unusual characters.
    """
    path = Path(dest)
    name = path.name
    if "/" in dest.rstrip("/") and (".." in path.parts or path.parent not in (root, root.resolve())):
        raise InvalidParams(
            f"{printable(dest)} is not directly in the folder where mounts are (VMKOPS_MOUNT_DIR on the host of the "
            f"service). Give only a name, such as {safe_name(name)}."
        )
    if name != safe_name(name) or name.endswith(PARTIAL):
        raise InvalidParams(
            f"{name!r} cannot be the name of a mount. Use letters, digits and - _ . inside of it, at most 80 "
            f"characters, such as {safe_name(name.removesuffix(PARTIAL))}."
        )
    return name


class StagedPackage(Package):
    """The package that a job stages: it keeps the name of an incomplete one until `stage`."""

    def __init__(self, root: Path, folder: str, vm_name: str, job_id: str) -> None:
        """`folder` is its name in `root` in the end."""
        self._root = root
        self._job = job_id
        self.name = safe_name(vm_name)
        self.path = root / folder
        self.partial = root / f"{PREFIX}{job_id}{PARTIAL}"

    @property
    def complete(self) -> bool:
        """Never: a step that runs again writes descriptor and manifest again."""
        return False

    def open(self) -> Path:
        """Create the folder to write into, with its marker; raises Conflict for something else with its name."""
        self._root.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self.partial.mkdir(OWN_FOLDER)
        self._mark(self.partial)
        return self.partial

    def _mark(self, folder: Path) -> None:
        """Write the marker of the job into a folder, unless it is there."""
        with _opened(folder.parent, folder.name) as opened, contextlib.suppress(FileExistsError):
            marker = os.open(MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWN_FILE, dir_fd=opened)
            with os.fdopen(marker, "w") as file:
                json.dump({"job": self._job}, file)

    def open_files(self) -> Path:
        """An empty folder for files that are staged instead of the package; what an earlier attempt wrote is gone."""
        with _opened(self._root, self.partial.name) as folder:
            remove_tree(folder, FILES)
            os.mkdir(FILES, OWN_FOLDER, dir_fd=folder)
        return self.partial / FILES

    def publish(self) -> list[str]:
        """The names of the files; `stage` gives the folder its name."""
        return sorted(item.name for item in self.partial.iterdir())

    def stage(self, *, files: bool = False) -> None:
        """Give the folder its name, or that of `open_files`, and remove the package then.

        Doing it again changes nothing. Raises Conflict when there is something else.
        """
        if staged_by(self._root, self.path.name) != self._job:
            self._give_name(self.partial / FILES if files else self.partial)
        if files:
            discard_partial(self.partial)

    def _give_name(self, source: Path) -> None:
        if os.path.lexists(self.path):
            raise Conflict(exists(self.path))
        self._mark(source)
        modes = modes_in(self._root)
        with _opened(source.parent, source.name) as folder:
            for name in _names(folder):
                _set_mode(folder, name, modes)
            os.fchmod(folder, modes.folder)
            os.fsync(folder)
        try:
            source.rename(self.path)
        except OSError as error:  # somebody has put something there meanwhile
            raise Conflict(exists(self.path)) from error

    def discard(self) -> None:
        """Remove the folder of a package that will not be staged, also when it has its name already."""
        if staged_by(self._root, self.path.name) == self._job:
            _discard(self.path, self._job)
        discard_partial(self.partial)


def exists(path: Path) -> str:
    """Why nothing can be staged at `path`, which is there already."""
    return f"{path} exists already. Choose another folder, or move it away, then try again."


def staged_by(root: Path, name: str) -> str:
    """The id of the job that staged the folder `name`; empty when there is none, or when it is not of vmkops."""
    try:
        with _opened(root, name) as folder:
            return _job_of(folder)
    except (NotFound, Conflict):
        return ""


def remove_staged(root: Path, name: str, job: str, files: Collection[str]) -> list[str]:
    """Remove these files of a staged folder, and the folder when it is empty then; returns the names that stay.

    A name that ends in `/` is a folder, which goes with all that is in it. Doing it again changes nothing, also at the
    same time. Raises Conflict for a folder that this job did not stage, and OSError.
    """
    try:
        with _opened(root, name) as folder:
            found = _names(folder)
            ours = [each for each in files if each != MARKER and "/" not in each.removesuffix("/")]
            owner = _job_of(folder)
            if owner != job:
                if not owner and not {each.removesuffix("/") for each in ours} & {*found}:
                    return found  # another removal of the same mount is as far as this
                raise Conflict(
                    f"{root / name} is not what job {job} staged. Somebody has replaced it, so vmkops removes nothing "
                    "there. Look at it, and remove it yourself."
                )
            # The marker goes last, so that an interrupted removal can be repeated.
            for each in ours:
                if each.endswith("/"):
                    remove_tree(folder, each.removesuffix("/"))
                else:
                    _unlink(folder, each)
            left = [each for each in _names(folder) if each != MARKER]
            _unlink(folder, MARKER)
    except NotFound:
        return []
    if not left:
        with contextlib.suppress(FileNotFoundError):
            (root / name).rmdir()
    return left


def partial_folders(root: Path) -> Iterator[tuple[Path, str]]:
    """The folders of packages that are not complete yet, each with the id of its job."""
    for folder in sorted(root.glob(f"{PREFIX}*{PARTIAL}")):
        yield folder, folder.name.removeprefix(PREFIX).removesuffix(PARTIAL)


def discard_partial(folder: Path) -> bool:
    """Remove an incomplete package that has the marker of its job, or is empty; whether it is gone."""
    return _discard(folder, folder.name.removeprefix(PREFIX).removesuffix(PARTIAL))


def _discard(folder: Path, job: str) -> bool:
    """Remove a folder that has the marker of this job, or is empty; whether it is gone."""
    try:
        with _opened(folder.parent, folder.name) as opened:
            if _job_of(opened) == job:
                for name in sorted(_names(opened), key=lambda each: each == MARKER):
                    remove_tree(opened, name)
        folder.rmdir()
    except NotFound:
        return True
    except (Conflict, OSError):
        return False
    return True


@contextlib.contextmanager
def _opened(root: Path, name: str) -> Iterator[int]:
    """A descriptor of the folder `name` in `root`; raises NotFound, and Conflict for a link or a file."""
    try:
        handle = os.open(root / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise NotFound(f"There is no folder {root / name}.") from error
    except OSError as error:
        raise Conflict(f"{root / name} is not a folder that vmkops made. Remove it yourself.") from error
    try:
        yield handle
    finally:
        os.close(handle)


def _job_of(folder: int) -> str:
    """The job that the marker in this folder names; empty without a good one."""
    try:
        handle = os.open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(handle, "rb") as file:
            found = json.loads(file.read(LARGEST_MARKER))
    except (OSError, ValueError):
        return ""
    return str(found.get("job", "")) if isinstance(found, dict) else ""


def _unlink(folder: int, name: str) -> None:
    """Remove a file or a link, not what the link names; a folder stays."""
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        os.unlink(name, dir_fd=folder)


def _set_mode(folder: int, name: str, modes: Modes) -> None:
    """Set the permissions of a file or a folder; a link, or anything else, is left as it is."""
    with contextlib.suppress(OSError):
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        try:
            kind = os.fstat(handle).st_mode
            if stat.S_ISDIR(kind):
                os.fchmod(handle, modes.folder)
            elif stat.S_ISREG(kind):
                os.fchmod(handle, modes.file)
        finally:
            os.close(handle)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)
