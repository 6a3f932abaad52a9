"""A headless browser that takes a picture of a page."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.peers.fetch import obtain

PNG_START = b"\x89PNG\r\n\x1a\n"


def screenshot(
    url: str, path: Path, *, width: int = 1280, height: int = 900, wait_ms: int = 4000, timeout: float = 60
) -> Path:
    """Write a PNG of the page at `url` to `path` and return it.

    The page gets `wait_ms` of its own time to draw what a WebSocket brings it. RuntimeError when there is no picture.
    """
    with tempfile.TemporaryDirectory(prefix="chromium-") as profile:
        done = subprocess.run(
            [
                str(obtain("chromium")),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--virtual-time-budget={wait_ms}",
                f"--screenshot={path}",
                url,
            ],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    if not path.is_file() or not path.read_bytes().startswith(PNG_START):
        raise RuntimeError(f"no picture of {url}: chromium ended with {done.returncode}\n{done.stderr[-2000:]}")
    return path
