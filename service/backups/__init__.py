"""Backups: how one is made, and the packages that are kept."""
