"""The HTTP service, the durable jobs and vSphere."""
