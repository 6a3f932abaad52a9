"""Which file an import path means, below the import folder or the exports and nowhere else; reads a URL from one."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from service.api.settings import Settings
from service.errors import InvalidParams, NotFound
from service.packages.url_guard import LONGEST_URL
from service.transfer.safe_open import safe_open

EXPORTS = "exports"


def locate(settings: Settings, path: str) -> tuple[Path, str]:
    """The root folder of `path`, and the path relative to it; `exports/...` is below the exports of this service.

    Raises InvalidParams for a path that leads elsewhere, NotFound when the import folder is missing.
    """
    given = PurePosixPath(path.strip())
    if given.is_absolute() or ".." in given.parts or "\\" in path or not path.isprintable() or not given.parts:
        raise InvalidParams(
            f"{path[:80]!r} is not a path that packages are imported from. Give a path below {settings.inbox}, or "
            f"{EXPORTS}/ and a path below {settings.exports_dir}."
        )
    if given.parts[0] == EXPORTS and len(given.parts) > 1:
        root, below = settings.exports_dir, PurePosixPath(*given.parts[1:])
    else:
        root, below = settings.inbox, given
    if not root.is_dir():
        raise NotFound(
            f"The folder {root} is missing. Create it and put the package there, or set VMKOPS_IMPORTS_DIR to another "
            "folder."
        )
    return root, str(below)


def read_url_file(settings: Settings, path: str) -> str:
    """The URL in the file `path`, a path as `locate` takes it; no message repeats what the file holds.

    Raises what `locate` does, and InvalidParams when the file cannot be read or does not hold one URL.
    """
    root, below = locate(settings, path)
    try:
        with safe_open(root, below) as file:
            text = file.read(LONGEST_URL + 2).decode().strip()
    except OSError as error:
        raise InvalidParams(f"{below} in {root} cannot be read: {error.strerror}. Correct the path.") from error
    except ValueError as error:
        raise InvalidParams(f"{below} in {root} is not UTF-8 text. Write the URL on one line.") from error
    if "://" not in text or len(text.splitlines()) != 1:
        raise InvalidParams(f"{below} in {root} does not hold a URL. Write the URL on one line and nothing else.")
    return text
