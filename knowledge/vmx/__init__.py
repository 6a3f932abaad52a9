"""VMX files: parses and lints them, renders snippets for them, and merges settings with a diff of the changes.

Start at `parse.parse`, `lint.lint`, `snippets.render` and `merge.merge`. They are pure functions on text. The modules
`serial`, `tools`, `storage`, `network`, `removable` and `boot` declare the snippets.
"""
