"""One pod, as a kubelet would run it: `python -S -m local.launcher POD.json [--once]`.

Init containers in order, then all containers; start-up, readiness and liveness probes; restarts at once, then
after 10 s, 20 s, … up to 5 minutes; on SIGTERM the preStop hooks, the stop signal, and SIGKILL when the grace
period is over. With `--once` the containers run to their end (a Job), and the exit code is the first that
isn't zero.

A file `stop` in the pod's directory changes what SIGTERM means: `now` leaves the preStop hooks out (the whole
environment goes down), `kill` ends the containers at once (a lost node). Standard library only: it starts in
50 ms.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path

from local import sandbox
from local.probes import ProbeFailed, check, run_hook
from local.spec import Container, Pod, Probe, load

FIRST_BACK_OFF, LONGEST_BACK_OFF = 10.0, 300.0  # seconds, as the kubelet's
STABLE_AFTER = 600.0  # seconds of running after which back-off begins anew, as the kubelet's
EAGER_PERIOD = 1.0  # seconds between probes until the first success, so that a start isn't slower than it must be
LOG_LIMIT = 20 * 2**20  # bytes of a container's log; a longer one starts anew with the next start
OLD_SUFFIX = ".1"
FIRST_SIGNAL = 128  # an exit code above it is a signal's number added to it


def command(pod: Path) -> tuple[str, ...]:
    """The command that runs the pod in this file. It gets SIGTERM when its parent ends, for any reason."""
    return "setpriv", "--pdeathsig", "TERM", sys.executable, "-S", "-m", "local.launcher", str(pod)


class ContainerRun:
    """A container: its current process, its probes' results and its restarts."""

    def __init__(self, pod: "PodRun", container: Container, etc: Path) -> None:
        self.pod = pod
        self.container = container
        self.etc = etc
        self.pid = 0
        self.restarts = 0
        self.started = False
        self.ready = False
        self.reason = "not started"
        self.last_end = ""
        self.gone = asyncio.Event()
        self.gone.set()

    def log(self, text: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with open(self._log_file(), "a", encoding="utf-8") as file:
            file.write(f"{stamp} launcher: {text}\n")

    def _log_file(self) -> Path:
        return Path(self.pod.spec.logs) / f"{self.container.name}.log"

    def _open_log(self) -> int:
        path = self._log_file()
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_name(path.name + OLD_SUFFIX))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def run_once(self) -> int:
        """Start the process, probe it while it runs, return its exit code (128 + number for a signal)."""
        output = self._open_log()
        try:
            running = await sandbox.start(self.container, self.etc, self.pod.spec.hosts, output)
        finally:
            os.close(output)
        self.pid = running.pid
        self.gone.clear()
        if self.pod.stopping:
            self.signal(signal.SIGKILL)
        self.started = self.container.startup is None
        self.ready = self.started and self.container.readiness is None
        self.reason = "" if self.ready else "starting"
        self.pod.changed()
        probing = asyncio.ensure_future(self._probe())
        try:
            code = await running.ended()
        finally:
            probing.cancel()
            self.pid = 0
            self.gone.set()
        self.started = self.ready = False
        killed = code - FIRST_SIGNAL in set(signal.Signals)
        self.last_end = f"ended by {signal.Signals(code - FIRST_SIGNAL).name}" if killed else f"ended with {code}"
        self.reason = self.last_end
        self.pod.changed()
        with contextlib.suppress(asyncio.CancelledError):
            await probing
        return code

    async def keep_running(self) -> None:
        """Run the process again and again, with the kubelet's back-off."""
        back_off = 0.0
        while not self.pod.stopping:
            began = time.monotonic()
            code = await self.run_once()
            if self.pod.stopping:
                return
            if self.pod.spec.restart == "OnFailure" and code == 0:
                return
            if time.monotonic() - began > STABLE_AFTER:
                back_off = 0.0
            self.log(f"{self.reason}; starting it again {f'in {back_off:.0f} s' if back_off else 'at once'}")
            if back_off:
                self.reason += f", back-off {back_off:.0f} s"
                self.pod.changed()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.pod.stop_requested.wait(), back_off)
            back_off = min(max(FIRST_BACK_OFF, back_off * 2), LONGEST_BACK_OFF)
            self.restarts += 1

    async def _probe(self) -> None:
        if self.container.startup is not None:
            if not await self._started_up(self.container.startup):
                return
            self.started = True
            self.ready = self.container.readiness is None
            self.reason = "" if self.ready else "starting"
            self.pod.changed()
        loops: list[Awaitable[None]] = []
        if self.container.readiness is not None:
            loops.append(self._watch_readiness(self.container.readiness))
        if self.container.liveness is not None:
            loops.append(self._watch_liveness(self.container.liveness))
        await asyncio.gather(*loops)

    async def _started_up(self, probe: Probe) -> bool:
        await asyncio.sleep(probe.initial_delay)
        deadline = time.monotonic() + probe.period * probe.failure_threshold
        while True:
            try:
                await check(probe, self.container, self.pid)
            except ProbeFailed as failure:
                self._say(f"start-up: {failure}")
                if time.monotonic() > deadline:
                    self._kill_unhealthy(f"not started within {probe.period * probe.failure_threshold:.0f} s")
                    return False
                await asyncio.sleep(min(probe.period, EAGER_PERIOD))
            else:
                return True

    async def _watch_readiness(self, probe: Probe) -> None:
        await asyncio.sleep(probe.initial_delay)
        good = bad = 0
        was_ready = False
        while True:
            try:
                await check(probe, self.container, self.pid)
            except ProbeFailed as failure:
                good, bad = 0, bad + 1
                if bad >= probe.failure_threshold or not self.ready:
                    self.ready = False
                    self._say(f"readiness: {failure}")
            else:
                good, bad = good + 1, 0
                if good >= probe.success_threshold and not self.ready:
                    self.ready, was_ready = True, True
                    self._say("")
            await asyncio.sleep(probe.period if was_ready else min(probe.period, EAGER_PERIOD))

    async def _watch_liveness(self, probe: Probe) -> None:
        await asyncio.sleep(max(probe.initial_delay, EAGER_PERIOD))
        bad = 0
        while True:
            try:
                await check(probe, self.container, self.pid)
                bad = 0
            except ProbeFailed as failure:
                bad += 1
                if bad >= probe.failure_threshold:
                    self._kill_unhealthy(f"liveness: {failure}")
                    return
            await asyncio.sleep(probe.period)

    def _say(self, reason: str) -> None:
        if reason and self.last_end:
            reason = f"{self.last_end}, started again; {reason}"
        if reason != self.reason:
            self.reason = reason
            self.pod.changed()

    def _kill_unhealthy(self, why: str) -> None:
        self.log(f"{why}: stopping it")
        asyncio.ensure_future(self.stop(self.pod.spec.grace, hooks=False))  # noqa: RUF006 - ends with the process

    async def stop(self, grace: float, *, hooks: bool) -> None:
        """preStop, the stop signal, and SIGKILL once `grace` seconds are over."""
        deadline = time.monotonic() + grace
        if hooks and self.pid and self.container.pre_stop is not None:
            trouble = await run_hook(self.container.pre_stop, self.container, self.pid, grace)
            if trouble:
                self.log(trouble)
        self.signal(self.container.stop_signal)
        try:
            await asyncio.wait_for(self.gone.wait(), max(1.0, deadline - time.monotonic()))
        except TimeoutError:
            self.log(f"still there after {grace:.0f} s of grace: killing it")
            self.signal(signal.SIGKILL)
            await self.gone.wait()

    def signal(self, number: int) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class PodRun:
    """All containers of a pod, and its status file."""

    def __init__(self, spec: Pod) -> None:
        self.spec = spec
        self.directory = Path(spec.directory)
        self.stopping = False
        self.stop_requested = asyncio.Event()
        self.phase = "Pending"
        self.init = [ContainerRun(self, each, self._etc(each)) for each in spec.init_containers]
        self.containers = [ContainerRun(self, each, self._etc(each)) for each in spec.containers]
        self.supervisor = os.getppid()
        Path(spec.logs).mkdir(parents=True, exist_ok=True)

    def _etc(self, container: Container) -> Path:
        place = self.directory / "etc" / container.name
        place.mkdir(parents=True, exist_ok=True)
        return place

    @property
    def ready(self) -> bool:
        return not self.stopping and all(each.ready for each in self.containers)

    def changed(self) -> None:
        """Replace the status file; readers see the old one or the new one."""
        status = {
            "name": self.spec.name,
            "phase": self.phase,
            "ready": self.ready,
            "launcher": os.getpid(),
            "containers": [
                {
                    "name": each.container.name,
                    "pid": each.pid,
                    "ready": each.ready,
                    "restarts": each.restarts,
                    "reason": each.reason,
                }
                for each in [*(self.init if self.phase == "Initializing" else ()), *self.containers]
            ],
        }
        target = self.directory / "status.json"
        new = target.with_suffix(".new")
        new.write_text(json.dumps(status))
        new.replace(target)

    async def run(self, *, once: bool) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._request_stop)
        for directory in map(Path, self.spec.scratch):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True, mode=0o777)
        work = asyncio.ensure_future(self._work(once=once))
        stop = asyncio.ensure_future(self.stop_requested.wait())
        await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
        if self.stopping:
            await self._stop_all()
        stop.cancel()
        code = await work
        self.phase = self.phase if once else "Stopped"
        self.changed()
        return code

    def _request_stop(self) -> None:
        self.stopping = True
        self.changed()
        self.stop_requested.set()

    async def _work(self, *, once: bool) -> int:
        server = None
        if self.spec.agent_port:
            server = await asyncio.start_server(self._tell_balancer, self.spec.address, self.spec.agent_port)
        try:
            self.phase = "Initializing"
            for each in self.init:
                code = await self._initialize(each, once=once)
                if self.stopping or code:
                    return code or 1
            self.phase = "Running"
            self.changed()
            if once:
                codes = await asyncio.gather(*(each.run_once() for each in self.containers))
                self.phase = "Failed" if any(codes) else "Succeeded"
                self.changed()
                return next((code for code in codes if code), 0)
            await asyncio.gather(*(each.keep_running() for each in self.containers))
            return 0
        finally:
            if server is not None:
                server.close()

    async def _initialize(self, run: ContainerRun, *, once: bool) -> int:
        """Run an init container until it succeeds, or once in a Job. Returns its exit code."""
        back_off = 0.0
        while True:
            code = await run.run_once()
            if code == 0 or once or self.stopping:
                return code
            run.log(f"{run.reason}; starting it again in {back_off:.0f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop_requested.wait(), back_off)
            back_off = min(max(FIRST_BACK_OFF, back_off * 2), LONGEST_BACK_OFF)
            run.restarts += 1

    async def _stop_all(self) -> None:
        mode = self._stop_mode()
        running = [each for each in [*self.init, *self.containers] if each.pid]
        if mode == "kill":
            for each in running:
                each.signal(signal.SIGKILL)
        else:
            await asyncio.gather(*(each.stop(self.spec.grace, hooks=mode == "") for each in running))

    def _stop_mode(self) -> str:
        if os.getppid() != self.supervisor:
            return "now"  # the supervisor was killed: the next start must find everything stopped
        for directory in (self.directory, self.directory.parent):
            with contextlib.suppress(FileNotFoundError):
                return (directory / "stop").read_text().strip()
        return ""

    async def _tell_balancer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """haproxy's agent check: `up`/`ready`, or `drain` (stopping: finish what runs) or `down`."""
        answer = "up ready" if self.ready else "drain" if self.stopping else "down"
        writer.write(f"{answer}\n".encode())
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()


def main(arguments: list[str]) -> int:
    """Run the pod until it is stopped. One launcher per pod: a second one waits until the first has gone."""
    spec = load(Path(arguments[0]))
    once = "--once" in arguments
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    directory = Path(spec.directory)
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return asyncio.run(PodRun(spec).run(once=once))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
