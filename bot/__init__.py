"""The Slack bot. It calls the service over HTTP."""
