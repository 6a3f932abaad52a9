"""Which file a path means that somebody gave: below the import folder or the exports, and nowhere else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from service.api.settings import Settings
from service.errors import InvalidParams, NotFound

EXPORTS = "exports"


def locate(settings: Settings, path: str) -> tuple[Path, str]:
    """The folder and the path below it that `path` means; `exports/...` is below the exports of this service.

    Raises InvalidParams for a path that leads elsewhere, NotFound when the folder is not there.
    """
    given = PurePosixPath(path.strip())
    where = f"Give a path below {settings.inbox}, or {EXPORTS}/ and a path below {settings.exports_dir}."
    if given.is_absolute() or ".." in given.parts or "\\" in path or not path.isprintable() or not given.parts:
        raise InvalidParams(f"{path[:80]!r} is no path that packages are imported from. {where}")
    if given.parts[0] == EXPORTS and len(given.parts) > 1:
        root, below = settings.exports_dir, PurePosixPath(*given.parts[1:])
    else:
        root, below = settings.inbox, given
    if not root.is_dir():
        raise NotFound(f"There is no folder {root}. Make it and put the package there, or set VMKOPS_IMPORTS_DIR.")
    return root, str(below)
