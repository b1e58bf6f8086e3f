"""What a person can put right: said in a sentence, without a traceback."""


class Problem(Exception):
    """A mistake or an obstacle outside this program. Its text names the thing, its state and what to do."""
