"""Vmkernel status codes (as ``vmkerrcode`` lists them) and their meaning in each ESX release.

Start at ``lookup.find`` for one code, name, errno or words, and at ``lookup.whole_table`` for all of them. ``listing``
prints and imports tables in the format of ``vmkerrcode -l``.
"""
