"""Moves the bytes of disks and packages: downloads, uploads, checksums and progress."""
