"""Runs: steps that a team works through, with who did, skipped or reopened which one, and when.

``marks`` is what all runs share, ``procedure_run`` a run of a written procedure. The run of the P2V checklist is in
``knowledge/p2v``.
"""
