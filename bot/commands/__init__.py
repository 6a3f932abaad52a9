"""The slash commands: each module here that defines `command` is found by `find_commands`."""
