"""A run ends whatever its tests leave hanging: pytest itself, on small files that hang in each place where one can."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import psutil
import pytest

from testing.waits import eventually

ROOT: Final = Path(__file__).parents[2]
GENEROUS: Final = 540
"""Seconds for what takes a few: only a run that would never have ended is given up."""

THREAD = """
import threading
import pytest

@pytest.fixture
def traffic():
    thread = threading.Thread(target=threading.Event().wait, name="traffic")
    thread.start()
    {then}
    yield

def test_it(traffic):
    pass
"""
STUCK = """
import threading
import pytest

def stuck():
    while True:
        try:
            threading.Event().wait()
        except BaseException:  # whatever a timeout raises, it goes on hanging
            pass

"""
PROCESS = """
import subprocess
from pathlib import Path

def test_it():
    started = subprocess.Popen(["sleep", "infinity"])
    Path("pid").write_text(str(started.pid))
    {then}
"""
WORKER = ("-n", "1", "--max-worker-restart", "0")
SOON = ("-o", "patience=5")
FAULTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "none": ("def test_it():\n    pass\n", ()),
    "thread": (THREAD.format(then="pass"), ()),
    "thread of a fixture that fails": (THREAD.format(then="raise RuntimeError('no orders')"), ()),
    "thread in a worker": (THREAD.format(then="pass"), WORKER),
    "process": (PROCESS.format(then="pass"), ()),
    "killed run": (PROCESS.format(then="import os, signal; os.kill(os.getpid(), signal.SIGTERM)"), ()),
    "killed worker": (PROCESS.format(then="import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), WORKER),
    "stuck test": (STUCK + PROCESS.format(then="stuck()"), SOON),
    "stuck test in a worker": (STUCK + "def test_it():\n    stuck()\n", (*WORKER, "-o", "patience=15")),
    "stuck teardown": (
        STUCK + "@pytest.fixture\ndef it():\n    yield\n    stuck()\ndef test_it(it):\n    assert False\n",
        SOON,
    ),
    "stuck exit": (STUCK + "import atexit\natexit.register(stuck)\ndef test_it():\n    pass\n", SOON),
    "stuck import": (STUCK + "stuck()\n", ("-o", "patience=2")),
}


class Run:
    """Pytest's exit code and all that it has written, on one test in an empty project."""

    def __init__(self, directory: Path, test: str, options: tuple[str, ...]) -> None:
        self._directory = directory
        (directory / "test_small.py").write_text(test)
        plugins = ("xdist.plugin", "pytest_timeout", "testing.watchdog", "no:cacheprovider")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *(f"-p{each}" for each in plugins), "-q", "-o", "timeout=5", *options],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=GENEROUS,
        )
        self.code, self.written = done.returncode, done.stdout

    def process_goes_on(self) -> bool:
        """Whether the one whose number the test has written down still runs."""
        try:
            return psutil.Process(int((self._directory / "pid").read_text())).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Run]:
    """All at once: they wait more than they compute."""
    directories = [tmp_path_factory.mktemp("run") for _ in FAULTS]
    with ThreadPoolExecutor(len(FAULTS)) as threads:
        done = threads.map(lambda directory, fault: Run(directory, *fault), directories, FAULTS.values())
        return dict(zip(FAULTS, done, strict=True))


def test_a_run_without_faults_is_left_alone(runs: Mapping[str, Run]) -> None:
    run = runs["none"]
    assert (run.code, "watchdog" in run.written, "LEFT BEHIND" in run.written) == (0, False, False)


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        ("thread", "1 passed"),
        ("thread of a fixture that fails", "RuntimeError: no orders"),
        ("thread in a worker", "1 passed"),
    ],
)
def test_a_thread_left_behind_fails_the_run_is_named_and_does_not_keep_it_alive(
    runs: Mapping[str, Run], fault: str, result: str
) -> None:
    run = runs[fault]
    assert run.code == 1
    assert result in run.written
    assert "LEFT BEHIND thread traffic: <bound method Event.wait" in run.written


def test_a_process_left_behind_fails_the_run_and_is_ended(runs: Mapping[str, Run]) -> None:
    run = runs["process"]
    assert run.code == 1
    assert "LEFT BEHIND process" in run.written
    assert "sleep infinity" in run.written
    assert not run.process_goes_on()


@pytest.mark.parametrize("fault", ["killed run", "killed worker"])
def test_a_run_that_is_killed_takes_its_processes_with_it(runs: Mapping[str, Run], fault: str) -> None:
    run = runs[fault]
    assert run.code != 0
    eventually(lambda: not run.process_goes_on(), "the killed run's process to end")


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.startswith("stuck")])
def test_what_hangs_is_ended_and_shown(runs: Mapping[str, Run], fault: str) -> None:
    run = runs[fault]
    assert run.code != 0
    assert "watchdog: no progress" in run.written
    # On a machine so busy that pytest itself takes as long as that, these are ended before they hang.
    assert "in stuck" in run.written or fault in ("stuck exit", "stuck import")


def test_what_hangs_takes_its_processes_with_it(runs: Mapping[str, Run]) -> None:
    run = runs["stuck test"]
    assert re.search(r"watchdog: killed \d+: sleep infinity", run.written)
    assert not run.process_goes_on()
