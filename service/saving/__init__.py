"""Saving disks with a save command: decoded on the way and piped into restic, borg, tar or a team's own command."""
