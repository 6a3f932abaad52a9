"""The offline lookups on a terminal, one module each, found by name; see ``knowledge.cli`` for their shape."""
