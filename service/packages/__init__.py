"""OVF packages: found, fetched, read, checked, and written."""
