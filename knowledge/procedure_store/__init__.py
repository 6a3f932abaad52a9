"""The store of written procedures (Markdown pages): parses, checks and indexes them, and finds them by words.

Start at ``store.Store``. ``procedure.parse_page`` reads one page, and ``check.check_folder`` checks a folder of them.
"""
