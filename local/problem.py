"""Errors that a person can fix: shown as a sentence, without a traceback."""


class Problem(Exception):
    """A mistake or an obstacle outside this program. Its text names the thing, its state and what to do."""
