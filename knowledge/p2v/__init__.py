"""P2V for Linux: the checklist for a described source, its calculators, the tools, and a run of the checklist."""
