"""Jobs in Slack: starting one, the thread that shows it, and keeping that thread up to date."""
