"""Backup packages on disk: written aside, hashed as they are written, renamed when whole."""
