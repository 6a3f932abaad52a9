"""`python -m tests.e2e.faults` prints the table of faults as docs/faults.md has it."""

from tests.e2e.faults.page import page

print(page(), end="")
