"""The tokens that `vmkops login` keeps: one file for each service, which only its owner can read.

They are in `$XDG_CONFIG_HOME/vmkops/logins` (`~/.config/vmkops/logins` without it). The token is kept in a file and not
in a keyring of the desktop, because the machines that people operate VMs from have none, and a keyring that asks for a
password would stop a script.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path
from urllib.parse import urlsplit

from knowledge.atomic_file import replace_file

LOCAL = ("127.0.0.1", "localhost", "::1")
"""The names of this machine."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def config_home() -> Path:
    """The folder for what a person keeps of vmkops; not made here."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    # The specification of XDG ignores a relative path.
    return (Path(given) if given.startswith("/") else Path.home() / ".config") / "vmkops"


def login_file(url: str) -> Path:
    """The file for the token of the service at this URL, whether or not it is there."""
    parts = urlsplit(url.rstrip("/"))
    user, at, host = parts.netloc.rpartition("@")
    plain = parts._replace(netloc=f"{user}{at}{host.lower()}").geturl()  # the path keeps its case; the scheme has none
    name = re.sub(r"[^a-z0-9.]+", "-", plain.partition("://")[2].lower()).strip("-")[:60]
    return config_home() / "logins" / f"{name}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def read_login(url: str) -> str | None:
    """The kept token for this service; None without one. Raises SettingError for a file that others can open."""
    from service.errors import SettingError

    path = login_file(url)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                raise SettingError("login", f"{path} is not a file of yours. Remove it, and run vmkops login again.")
            if found.st_mode & OTHERS:
                words = f"other users of this machine can open {path}, so the token in it is not used. Run: chmod 600"
                raise SettingError("login", f"{words} {path}. If they may have read it, revoke the token instead.")
            return file.read(1000).strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SettingError("login", f"{path} cannot be used ({reason}). Remove it, and run vmkops login.") from error


def same_machine(url: str) -> str:
    """Another address of the service at this URL of the local machine for which a token is kept; or empty.

    `localhost` and `127.0.0.1` may lead to different programs, so the token of one never goes to the other by itself.
    """
    parts = urlsplit(url.rstrip("/"))
    host = parts.hostname or ""
    if host not in LOCAL:
        return ""
    port = f":{parts.port}" if parts.port else ""
    others = (f"[{each}]" if ":" in each else each for each in LOCAL if each != host)
    urls = (parts._replace(netloc=f"{each}{port}").geturl() for each in others)
    return next((each for each in urls if login_file(each).exists()), "")


def keep_login(url: str, token: str) -> Path:
    """Keep the token of a service, readable by its owner alone; returns the file. Raises OSError."""
    path = login_file(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, f"{token}\n".encode(), mode=0o600)
    return path


def forget_login(url: str) -> bool:
    """Remove the kept token of a service; whether there was one."""
    try:
        login_file(url).unlink()
    except FileNotFoundError:
        return False
    return True
