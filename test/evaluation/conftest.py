"""Hypothesis without a deadline: on a busy machine the first example alone may take longer."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
