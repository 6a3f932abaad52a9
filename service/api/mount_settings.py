"""The settings of `mount`: where packages for other backup products are staged, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field, field_validator

from service.api.config_lines import Key
from service.api.typed_settings import TypedSettings

MOST_HOURS = 30 * 24
"""The longest lease of a mount."""
DATA, MOUNTS = "VMKOPS_DATA_DIR", "VMKOPS_MOUNT_DIR"


class MountSettings(TypedSettings):
    """Where `mount` may write, and when what it wrote is removed."""

    mount_dir: Path | None = Field(
        default=None,
        alias="VMKOPS_MOUNT_DIR",
        description="The folder in which `mount` stages VMs for other backup products; without it, `mounts` in the "
        "data directory. If its group may read it, the group may also read what is staged.",
    )
    mount_lease_hours: int = Field(
        default=24,
        ge=1,
        le=MOST_HOURS,
        alias="VMKOPS_MOUNT_LEASE_HOURS",
        description="How many hours a mount stays unless it asks for another lease; then its files are removed.",
    )

    @field_validator("mount_dir")
    @classmethod
    def _mount_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"there is no folder {value}. Create it for the user of the service, or correct the path.")
        return value

    @classmethod
    def contradictions(cls, values: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
        """A folder for mounts that is among the data of vmkops, or around them."""
        if MOUNTS in values:
            data, mounts = Path(str(values.get(DATA, "data"))).resolve(), Path(str(values[MOUNTS])).resolve()
            own = data / "mounts"
            if data.is_relative_to(mounts) or (mounts.is_relative_to(data) and not mounts.is_relative_to(own)):
                yield (MOUNTS,), f"must be {own}, or a folder outside of {DATA}, which has the backups and databases."
        yield from super().contradictions(values)
