"""The HTTP side: thin handlers, one module for each group of calls, found by scanning."""
