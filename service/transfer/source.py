"""One file to upload: where its bytes are, and which digest they must have."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SourceFile(BaseModel):
    """One file of a package: `name` as in the descriptor; its bytes are `size` bytes from `offset` in `path`.

    `path` is relative to the root of the package. `digest` is in hex, computed with hashlib's `algorithm`; both are
    empty when no manifest lists the file.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    path: str
    size: int
    offset: int = 0
    algorithm: str = ""
    digest: str = ""
    disk: bool = True
