"""The slash commands, one a file: a module here with a `command` is found by itself."""
