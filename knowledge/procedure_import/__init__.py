"""Imports Markdown runbooks, as other teams keep them, as pages: ``folder.import_markdown`` is where it starts."""
