"""A pytest plugin that ends a run which makes no progress, and fails one which leaves threads or processes behind.

pytest-timeout ends a test that takes too long, once. It sees neither a fixture that hangs after that, nor a thread that
keeps the interpreter alive when the summary has long been printed. After the running test's own timeout and `patience`
seconds without progress, a process beside it has it print every thread's stack, and kills it with all that it started.
It ends those processes too when the run itself is killed: what a test starts carries the run's mark in its environment.
"""

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, NoReturn

import psutil
import pytest

UNTIMED: Final = 5
"""Times `patience`: for collecting, and for a test without a timeout."""
CONTROLLER: Final = 2
"""Times that: xdist's controller only hears of its workers, whose own watchdogs must act first."""
ENDING_SECONDS: Final = 5.0
"""What a thread or process that was told to end may take, before it counts as left behind."""
FOREVER: Final = 1e6
MARK: Final = "WATCHDOG_RUN"
"""The environment variable by which the processes of a killed run are found: they are nobody's children then."""


class Watchdog:
    """Reports this process's progress to the one that watches it."""

    def __init__(self, patience: float, untimed: float) -> None:
        """`untimed`: seconds for what has no timeout."""
        assert sys.__stderr__ is not None
        self.patience = patience
        self.untimed = untimed
        self.left_behind: list[str] = []
        self._allowed = untimed
        # A duplicate, since pytest captures standard error.
        self._told = os.fdopen(os.dup(sys.__stderr__.fileno()), "w")
        faulthandler.register(signal.SIGUSR2, file=self._told, all_threads=True)
        program = Path(__file__).with_name("watchdog_process.py")
        mark = f"{os.getpid()}-{time.time_ns()}"
        os.environ[MARK] = mark
        self._process = subprocess.Popen(
            [sys.executable, program, f"{MARK}={mark}"],
            stdin=subprocess.PIPE,
            stderr=self._told,
            bufsize=0,
            start_new_session=True,
        )
        self.progress()

    def progress(self, allowed: float | None = None) -> None:
        """The next step follows within `allowed` seconds, by default as many as the one before, and `patience`."""
        self._allowed = self._allowed if allowed is None else allowed
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # without a watchdog, then
            self._process.stdin.write(f"{self._allowed + self.patience}\n".encode())

    def find_left_behind(self) -> list[str]:
        """What has outlived all tests: threads that would keep the interpreter alive, and processes, which this
        kills.
        """
        threads = _threads()
        end = time.monotonic() + ENDING_SECONDS
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        found = [
            f"thread {each.name}: {getattr(each, '_target', None) or each.run}" for each in threads if each.is_alive()
        ]
        children = [each for each in _children() if each.pid != self._process.pid]
        _, stubborn = psutil.wait_procs(children, timeout=ENDING_SECONDS)
        for process in stubborn:
            found.append(_described(process))
            with contextlib.suppress(psutil.Error):
                process.kill()
        return found

    def end(self) -> NoReturn:
        """Print every thread's stack, and exit with 1."""
        print("\nwatchdog: threads are left behind; the stack of each:", file=self._told, flush=True)
        faulthandler.dump_traceback(self._told)
        os._exit(1)


def _children() -> list[psutil.Process]:
    """The running processes that this one has started, and theirs; without Python's own."""
    found: list[psutil.Process] = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and "multiprocessing.resource_tracker" not in str(
                process.cmdline()
            ):
                found.append(process)
    return found


def _threads() -> list[threading.Thread]:
    """The threads that the interpreter would wait for at its end."""
    return [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]


def _described(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"process {process.pid}: {' '.join(process.cmdline())[:200]}"
    return f"process {process.pid}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "patience", "seconds without progress beyond a test's timeout, after which a run is ended", default=120
    )


def pytest_configure(config: pytest.Config) -> None:
    patience = float(config.getini("patience"))
    is_controller = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    watchdog = Watchdog(patience, patience * UNTIMED * (CONTROLLER if is_controller else 1))
    config.pluginmanager.register(Progress(watchdog, config, is_controller=is_controller), "watchdog")


class Progress:
    """Reports each step of a run to the watchdog."""

    def __init__(self, watchdog: Watchdog, config: pytest.Config, *, is_controller: bool) -> None:
        self._watchdog = watchdog
        self._is_controller = is_controller
        self._output: dict[str, Any] | None = getattr(config, "workeroutput", None)

    def pytest_collectreport(self) -> None:
        self._watchdog.progress()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        self._watchdog.progress(self._watchdog.untimed)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_timeout_set_timer(self, settings: Any) -> Generator[None, object, object]:
        self._watchdog.progress(settings.timeout)
        return (yield)

    def pytest_runtest_logreport(self) -> None:
        self._watchdog.progress()

    def pytest_enter_pdb(self) -> None:
        self._watchdog.progress(FOREVER)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """After the last fixture has ended."""
        self._watchdog.progress(2 * ENDING_SECONDS)
        if self._is_controller:  # the workers are its children, and tell themselves
            found = self._watchdog.left_behind
        else:
            found = self._watchdog.left_behind = self._watchdog.find_left_behind()
        if self._output is not None:
            self._output["left_behind"] = found
        elif found and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._watchdog.progress()
        self._watchdog.left_behind += getattr(node, "workeroutput", {}).get("left_behind", [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for what in self._watchdog.left_behind:
            terminalreporter.write_line(f"LEFT BEHIND {what}", red=True)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Everything is told."""
        if self._watchdog.left_behind and _threads():
            self._watchdog.end()
        self._watchdog.progress(0)
