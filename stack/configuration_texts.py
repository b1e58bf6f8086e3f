"""The servers' configuration files read as the servers read them, to judge them."""

import configparser
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any

import yaml
from cronsim import CronSim, CronSimError

_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 10**6, "mb": 1024**2, "g": 10**9, "gb": 1024**3}
_QUANTITIES = {
    "": 1,
    "k": 1000,
    "Ki": 1024,
    "M": 10**6,
    "Mi": 1024**2,
    "G": 10**9,
    "Gi": 1024**3,
    "T": 10**12,
    "Ti": 1024**4,
}


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@lru_cache(maxsize=512)
def yaml_document(text: str) -> Any:
    """The contents of a YAML (or JSON) file, parsed once for all callers, who must not change them. Raises
    yaml.YAMLError.
    """
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe loader)


def directives(text: str) -> Iterator[list[str]]:
    """The lines of a redis.conf or sentinel.conf as words, without comments."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield shlex.split(line, posix=True) if '"' in line or "'" in line else line.split()


def redis_settings(text: str) -> Mapping[str, str]:
    """A redis.conf by directive. The last of a repeated directive counts, as in Redis."""
    return {words[0].lower(): " ".join(words[1:]) for words in directives(text) if words}


def redis_bytes(text: str) -> int:
    """A size as redis.conf writes it: 1gb, 5368709120."""
    digits = text.rstrip("bkmgBKMG")
    unit = text[len(digits) :].lower()
    if not digits.isdigit() or unit not in _UNITS:
        raise ValueError(f"{text!r} is no size that Redis knows")
    return int(digits) * _UNITS[unit]


def kubernetes_bytes(quantity: object) -> int:
    """A memory quantity as Kubernetes writes it: 10Gi, 512Mi, 1000000."""
    text = str(quantity)
    digits = text.rstrip("KMGTkit")
    if not re.fullmatch(r"\d+(\.\d+)?", digits) or text[len(digits) :] not in _QUANTITIES:
        raise ValueError(f"{text!r} is no quantity that Kubernetes knows")
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


_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


_CRON_FIELDS = 5


def longest_pause(schedule: str) -> timedelta | None:
    """The longest time between two of the next runs of a cron expression; `timedelta.max` if it doesn't run twice.

    None if it isn't a cron expression.
    """
    if len(_MACROS.get(schedule, schedule).split()) != _CRON_FIELDS:
        return None
    try:
        runs = list(islice(CronSim(_MACROS.get(schedule, schedule), datetime(2026, 1, 1, tzinfo=UTC)), 60))
    except CronSimError:
        # CronSim refuses a date that no year has; cron accepts it and never runs.
        minute, hour, day, _, *rest = [*schedule.split(), *[""] * 4]
        any_month = " ".join([minute, hour, day, "1", *filter(None, rest)])
        return timedelta.max if any_month != schedule and longest_pause(any_month) is not None else None
    return max((later - earlier for earlier, later in pairwise(runs)), default=timedelta.max)
