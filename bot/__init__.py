"""The Slack front-end; it talks to the service over HTTP."""
