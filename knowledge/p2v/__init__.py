"""P2V (physical to virtual) for Linux: a checklist for a described source, size and time estimates, and P2V tools.

Start at ``source.described``, then ``checklist.checklist``. ``run`` is a checklist in progress, ``estimate`` calculates
sizes and times, and ``facts.tools`` lists the tools. "The page" is the Linux P2V page that the checklist is based on.
"""
