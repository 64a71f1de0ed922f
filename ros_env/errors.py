"""The one kind of failure that a user of the set-up can do something about."""


class SetupError(Exception):
    """Set-up cannot go on. The message says what is wrong and what to do."""
