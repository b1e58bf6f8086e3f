"""The cluster's processes: each started once, known by its file in `state/run`, ended with all that it started."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from cluster.layout import LOGS, STATE
from local.problem import Problem
from testing.watchdog import MARK

RUN = STATE / "run"
POLL = 0.3  # seconds between two looks at a state that is waited for
ENDING = 20.0  # seconds until a process that was asked to end is killed


def running(name: str) -> psutil.Process | None:
    """The process that was started under this name, if it still runs; never another one with its number."""
    try:
        kept = json.loads((RUN / name).read_text())
        process = psutil.Process(kept["pid"])
        alive = process.create_time() == kept["created"] and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return process if alive else None


def start(name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Start a program that outlives this one, unless it runs already. Its output goes to `state/logs/NAME.log`."""
    if running(name):
        return
    for directory in (RUN, LOGS):
        directory.mkdir(parents=True, exist_ok=True)
    with open(LOGS / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**_lasting(), **(environment or {})},
        )
    (RUN / name).write_text(json.dumps({"pid": process.pid, "created": psutil.Process(process.pid).create_time()}))


def _lasting() -> dict[str, str]:
    """This process's environment without the mark by which a test run ends its processes."""
    return {name: value for name, value in os.environ.items() if name != MARK}


def end(name: str, kill: bool = False) -> None:
    """End what runs under this name. `kill`: at once, as if a machine lost power."""
    process = running(name)
    if process is not None:
        everything = [process, *process.children(recursive=True)]
        for each in everything if kill else [process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill() if kill else each.terminate()
        _, left = psutil.wait_procs(everything, ENDING)
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, ENDING)
    (RUN / name).unlink(missing_ok=True)


def names() -> tuple[str, ...]:
    """The names of the processes that were started and not ended."""
    return tuple(sorted(path.name for path in RUN.iterdir())) if RUN.exists() else ()


def wait(what: str, seconds: float, there: Callable[[], bool], needs: Sequence[str] = ()) -> None:
    """Wait for a state. Raises Problem when it isn't reached, or when a process that it `needs` has ended."""
    deadline = time.monotonic() + seconds
    while not there():
        for name in needs:
            if running(name) is None:
                raise Problem(f"{name} has ended while {what} was waited for: {last_words(name)}")
        if time.monotonic() > deadline:
            logs = ", ".join(str(LOGS / f"{name}.log") for name in needs) or str(LOGS)
            raise Problem(f"{what}: not within {seconds:.0f} s; see {logs}, then run make cluster again")
        time.sleep(POLL)


def unmount(below: Path) -> None:
    """Unmount everything below a folder, in this machine's own namespace."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in reversed([each for each in mounted if Path(each).is_relative_to(below)]):
        run(["umount", "--lazy", place], f"{place} can't be unmounted")


def last_words(name: str) -> str:
    """The end of a process's output, in one line."""
    with contextlib.suppress(OSError):
        lines = (LOGS / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return " | ".join(lines[-3:])[-600:]
    return "it wrote nothing"


def run(command: Sequence[str | Path], what: str, given: str | None = None, **options: object) -> str:
    """Run a program. Returns its output; raises Problem, which names `what`, when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        **options,  # pyright: ignore[reportCallIssue, reportArgumentType]
    )
    if done.returncode:
        raise Problem(f"{what}: {' | '.join((done.stderr or done.stdout).strip().splitlines()[-5:])}")
    return done.stdout
