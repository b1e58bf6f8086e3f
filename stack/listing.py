"""Lists within a sentence."""

from collections.abc import Iterable


def few(texts: Iterable[str], most: int = 6, between: str = ", ") -> str:
    """The first of the texts, each once, and how many more there are."""
    different = list(dict.fromkeys(texts))
    more = len(different) - most
    return between.join(different[:most]) + (f" and {more:,} more" if more > 0 else "")
