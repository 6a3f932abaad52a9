"""OVF and OVA packages: what they give, how to make one, and a lint against the best practices for appliances."""

from knowledge.finding import Finding
from knowledge.ovf.about import GAINS, PRACTICES, WAYS, Fact
from knowledge.ovf.checks import lint, lint_bytes

__all__ = ["GAINS", "PRACTICES", "WAYS", "Fact", "Finding", "lint", "lint_bytes"]
