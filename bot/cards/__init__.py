"""The cards: pure functions that turn a value into a Slack message, one module for each subject."""
