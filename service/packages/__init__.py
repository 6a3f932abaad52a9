"""OVF packages on their way in and out: found, fetched, read, checked and packed."""
