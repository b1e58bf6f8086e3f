"""Just enough reading of the servers' configuration files to judge them."""

import configparser
from collections.abc import Iterator, Mapping

_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 10**6, "mb": 1024**2, "g": 10**9, "gb": 1024**3}
_QUANTITIES = {"": 1, "k": 1000, "Ki": 1024, "M": 10**6, "Mi": 1024**2, "G": 10**9, "Gi": 1024**3, "Ti": 1024**4}


def directives(text: str) -> Iterator[list[str]]:
    """The lines of a redis.conf or sentinel.conf as words, without comments."""
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            yield words


def redis_settings(text: str) -> Mapping[str, str]:
    """A redis.conf by directive; of one given twice the last counts, as for Redis."""
    return {words[0].lower(): " ".join(words[1:]) for words in directives(text)}


def redis_bytes(text: str) -> int:
    """A size as redis.conf writes it: 1gb, 5368709120."""
    digits = text.rstrip("bkmgBKMG")
    return int(digits) * _UNITS[text[len(digits) :].lower()]


def kubernetes_bytes(quantity: object) -> int:
    """A memory quantity as Kubernetes writes it: 10Gi, 512Mi, 1000000."""
    text = str(quantity)
    digits = text.rstrip("KMGTkit")
    return int(float(digits) * _QUANTITIES[text[len(digits) :]])


def kubernetes_millicores(quantity: object) -> int:
    """A CPU quantity as Kubernetes writes it: 500m, 2, 0.5."""
    text = str(quantity)
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)


def ini(text: str) -> Mapping[str, Mapping[str, str]]:
    """A pgbouncer.ini by section and key."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, comment_prefixes=(";", "#"))
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}
