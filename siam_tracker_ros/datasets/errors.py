"""The one error of this package's readers."""


class DatasetError(ValueError):
    """A data set, sequence or image cannot be used; the message says which one, why, and what to do."""
