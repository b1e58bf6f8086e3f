"""Quantities as people write them in a stack file, with their unit, and as the program computes with them.

`Bytes` ("10GiB") is an int of bytes, `Duration` ("24h") an int of seconds, `Milliseconds` ("50ms") an int of
milliseconds, `Cpu` ("500m" or "2") an int of millicores. A bare number is refused: 10 of what? Units are those of
Kubernetes (binary prefixes) and of Prometheus (ms, s, m, h, d).
"""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator

KIB, MIB, GIB, TIB = 2**10, 2**20, 2**30, 2**40
MINUTE, HOUR, DAY = 60, 3600, 86400

_BYTES = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB}
_SECONDS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}
_MILLISECONDS = {"ms": 1, "s": 1000}
_NUMBER = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)")


def _parser(units: dict[str, int], example: str) -> Callable[[object], int]:
    allowed = ", ".join(units)

    def parse(value: object) -> int:
        match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"needs a number with a unit ({allowed}), for example {example}")
        unit = match["unit"]
        if unit not in units:
            what = f"the unit {unit!r} is not known" if unit else "the unit is missing"
            raise ValueError(f"{what}; write one of {allowed}, for example {example}")
        amount = float(match["number"]) * units[unit]
        if amount != int(amount):
            raise ValueError(f"is not a whole number of the smallest unit ({next(iter(units))})")
        return int(amount)

    return parse


def _parse_cpu(value: object) -> int:
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if re.fullmatch(r"\d+m", text):
        return int(text[:-1])
    if re.fullmatch(r"\d+(\.\d{1,3})?", text):
        return round(float(text) * 1000)
    raise ValueError("needs cores or millicores, for example 2, 0.5 or 500m")


Bytes = Annotated[int, BeforeValidator(_parser(_BYTES, "10GiB"))]
Duration = Annotated[int, BeforeValidator(_parser(_SECONDS, "24h"))]
Milliseconds = Annotated[int, BeforeValidator(_parser(_MILLISECONDS, "50ms"))]
Cpu = Annotated[int, BeforeValidator(_parse_cpu)]


def format_bytes(amount: int) -> str:
    """Bytes in the largest binary unit that keeps the number whole: 10737418240 is "10GiB"."""
    for unit, size in reversed(_BYTES.items()):
        if amount and amount % size == 0:
            return f"{amount // size}{unit}"
    return "0B"


def format_duration(seconds: int) -> str:
    """Seconds in the largest unit that keeps the number whole: 86400 is "1d"."""
    for unit, size in reversed(_SECONDS.items()):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return "0s"


def format_milliseconds(milliseconds: int) -> str:
    """Milliseconds, or seconds where that keeps the number whole: 2000 is "2s"."""
    return f"{milliseconds // 1000}s" if milliseconds and milliseconds % 1000 == 0 else f"{milliseconds}ms"


def kubernetes_memory(amount: int) -> str:
    """Bytes as a Kubernetes quantity ("10Gi"), which has no unit letter for plain bytes."""
    return format_bytes(amount).removesuffix("B")


def kubernetes_cpu(millicores: int) -> str:
    """Millicores as a Kubernetes quantity: "500m", or "2" for whole cores."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"
