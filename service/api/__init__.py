"""The contract of the service: the values of its HTTP API, its client, and its settings."""
