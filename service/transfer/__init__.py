"""Bytes on the way: disks and packages that are read, written, counted and compared."""
