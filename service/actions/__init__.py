"""The host actions: one module each."""
