"""The machine's CPU use during a run: it runs shop, database and load generator together."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass

import psutil


def _seconds_of(process: psutil.Process) -> float:
    """CPU seconds of a process, its running children and those that it has waited for."""
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += _seconds_of(child)
    return total


@dataclass(frozen=True)
class Moment:
    """CPU time so far. `busy`, `stolen` and `whole` are of all cores together, in seconds."""

    busy: float
    stolen: float
    whole: float
    database: float

    def since(self, before: "Moment") -> "Moment":
        """The CPU time used between the two."""
        return Moment(
            self.busy - before.busy,
            self.stolen - before.stolen,
            self.whole - before.whole,
            self.database - before.database,
        )


def moment(database: Iterable[int]) -> Moment:
    """The counters now. `database`: the database's processes; one that has ended counts as zero."""
    times = psutil.cpu_times()
    whole = times.user + times.nice + times.system + times.idle + times.iowait + times.irq + times.softirq + times.steal
    used = 0.0
    for pid in database:
        with contextlib.suppress(psutil.NoSuchProcess):
            used += _seconds_of(psutil.Process(pid))
    return Moment(whole - times.idle - times.iowait, times.steal, whole, used)


def cores() -> int:
    """The number of this machine's cores."""
    return os.cpu_count() or 1
