"""The figures that `/metrics` reports of jobs, backups, schedules, snapshots and vCenters."""
