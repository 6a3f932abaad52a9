"""The settings of the service whose data directory is on this machine, for commands that work on it directly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.api.settings import Settings


def own_settings(*, may_be_new: bool = False, hint: str = "") -> Settings:
    """The settings; raises StartError when there is no service here, or when its directory belongs to another user.

    With `may_be_new`, no service needs to have run here yet; `hint` says how else to make the directory.
    """
    from service.api.settings import read_settings
    from service.errors import StartError
    from service.store.database import has_database

    settings = read_settings()
    if not has_database(settings) and not may_be_new:
        raise StartError(
            f"There is no service in the data directory {settings.data_dir.absolute()}. Run this command with the "
            "VMKOPS_DATA_DIR of the service, in the folder where it runs; the first start of the service makes the "
            f"directory.{hint}"
        )
    if not settings.data_dir.exists():
        return settings
    owner = settings.data_dir.stat().st_uid
    if owner != os.geteuid():
        raise StartError(
            f"The data directory {settings.data_dir.absolute()} belongs to the user with the number {owner}, and the "
            "service could not read what another user puts there. Run this command as that user, for example with sudo "
            "-u vmkops."
        )
    return settings
