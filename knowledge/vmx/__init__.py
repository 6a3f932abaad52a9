"""VMX files: parse, check, write snippets for them, and show what merging one would change.

Start at `parse.parse`, `lint.lint`, `snippets.render` and `merge.merge`; all are pure and work on text.
"""
