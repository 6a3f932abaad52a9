"""What a whole log shows: each device, path, adapter, datastore and VM, what happened to it, when, and how bad it was.

``LogHistory`` reads the decoded lines of a log of any size in bounded memory, and makes the ``Report``.
"""

from knowledge.loghistory.history import LogHistory
from knowledge.loghistory.values import LogSubject, Report, StateAt, SubjectKind

__all__ = ["LogHistory", "LogSubject", "Report", "StateAt", "SubjectKind"]
