"""One setting for all property tests here: a slow machine does not make a test fail."""

from hypothesis import settings

settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")
