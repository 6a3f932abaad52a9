"""The written procedures: read, checked, indexed and found by words."""
