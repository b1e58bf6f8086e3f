"""A program's traceback as one sentence: what was raised, and where. The engine prints it line by line."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from stack.environments import ROOT

_START = "Traceback (most recent call last):"
_FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


class _Traceback:
    """The traceback that is being read; chained ones count as one."""

    def __init__(self, said_before: str, indent: int) -> None:
        self._said_before = said_before
        self._indent = indent
        self._frame = ""
        self._raised: list[str] = []
        self._inside = True

    def takes(self, line: str) -> bool:
        """Whether the line is part of it."""
        indent = len(line) - len(line.lstrip())
        if line.strip() == _START:
            self._inside, self._indent, self._frame = True, indent, ""
        elif self._inside and line.strip():
            if frame := _FRAME.match(line):
                if not self._frame or "site-packages" not in frame["file"]:
                    self._frame = f" ({_relative(frame['file'])}:{frame['line']})"
            elif indent <= self._indent:
                self._raised.append(f"{line.strip()}{self._frame}")
                self._inside = False
        elif line.strip() and line.strip() not in _CHAINED:
            return False
        return True

    def told(self) -> str:
        """A sentence on the last exception, and on those before it."""
        *earlier, last = self._raised or ["a traceback that was cut short"]
        after = f"; after {'; '.join(earlier)}" if earlier else ""
        return f"{self._said_before}{last}{after}"


def _relative(file: str) -> str:
    path = Path(file)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else file


def without_tracebacks(messages: Iterable[str]) -> Iterator[str]:
    """The messages, each traceback among them as one; what introduces it (`error: ... exception:`) goes with it."""
    reading: _Traceback | None = None
    before = ""
    for message in messages:
        other: list[str] = []
        for line in message.splitlines():
            if reading is None and line.strip() == _START:
                intro = other.pop() if other else before
                reading = _Traceback(f"{intro.strip()} " if intro.strip().endswith(":") else "", line.index("T"))
                if intro.strip() and not intro.strip().endswith(":"):
                    yield intro
                if other:
                    yield "\n".join(other)
                before, other = "", []
            elif reading is None or not reading.takes(line):
                if reading is not None:
                    yield reading.told()
                    reading = None
                other.append(line)
        if other:
            if before:
                yield before
            before = "\n".join(other)
    if before:
        yield before
    if reading is not None:
        yield reading.told()
