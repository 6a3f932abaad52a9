"""OVF and OVA packages: their advantages, how to make one, and a linter with the best practices for appliances.

Start at ``lint`` (a path) and ``lint_bytes`` (a descriptor or OVA in memory). ``descriptor``, ``machines``,
``manifest``, ``package`` and ``xml`` parse a package; ``sections``, ``references``, ``unused``, ``storage``,
``compatibility``, ``ranges``, ``properties``, ``vmware_settings``, ``hardware``, ``identity``, ``contents`` and
``manifest`` check it.
"""

from knowledge.finding import Finding
from knowledge.ovf.about import GAINS, PRACTICES, WAYS, Fact
from knowledge.ovf.checks import lint, lint_bytes

__all__ = ["GAINS", "PRACTICES", "WAYS", "Fact", "Finding", "lint", "lint_bytes"]
