"""Lookups in documented facts: pure functions that need no network and import nothing from the service or the bot.

Each package answers one kind of question (``vmkerr``, ``vmklog``, ``iscsi``, ``vmx``, ``ovf``, ``p2v``, ``drivermap``,
``procedure_store``). The facts are in ``data`` and ``procedures``; ``data_files`` reads the tables. Every lookup
reports wrong input with the two exceptions of ``errors``.
"""
