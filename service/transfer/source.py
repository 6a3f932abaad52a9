"""One file to send: which bytes it is, and what digest they must have."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SourceFile(BaseModel):
    """One file of a package: `name` as the descriptor calls it; its bytes are `size` from `offset` on in `path`.

    `path` is below the package's root. `digest` is in hex, of hashlib's `algorithm`; empty when nobody knows it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    path: str
    size: int
    offset: int = 0
    algorithm: str = ""
    digest: str = ""
    disk: bool = True
