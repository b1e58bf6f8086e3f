"""The local environment as a Python object: up, down, its jobs, and all of `Running`."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

import psutil

from local import certificates, cloud, discovery, files, jobs, preflight
from local.declared import Declared, Source
from local.plan import PlannedPod
from local.problem import Problem
from local.running import HEALTH_TIMEOUT, POLL, Progress, Report, Running, Unhealthy, unreported
from local.state import State
from local.supervisor import configuration
from local.workloads import SERVERS
from stack.resource import Resource

ENDING_TIMEOUT = 2.0  # seconds that a command that was just interrupted may take to let go
LEFTOVER_TIMEOUT = 20.0  # seconds that launchers of a killed supervisor have to end


class Environment(Running):
    """One local environment, in one state directory."""

    def __init__(
        self,
        state: State | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        resources: Sequence[Resource] | None = None,
    ) -> None:
        """For tests, `config` replaces keys of the stack file (`simone:redis`), or `resources` the whole render."""
        super().__init__(state or State.here())
        self._source = Source(state=self.state, config=config or {}, resources=resources)
        self._patience = HEALTH_TIMEOUT

    def plan(self) -> Declared:
        """What `up` would bring up."""
        return self._source.declared()

    def prepare(self, report: Report = unreported) -> Declared:
        """`plan()`, after installing and building what it needs: everything that needs the internet."""
        return self._source.prepare(lambda stage: report(Progress(stage=stage)))

    # ------------------------------------------------------------------ up

    def up(self, report: Report = unreported, patience: float = HEALTH_TIMEOUT) -> list[str]:
        """Bring everything up and wait until it is healthy. Returns what exists in AWS only.

        Gives up when no further pod becomes ready for `patience` seconds.

        Raises Problem, and leaves nothing running that wasn't before, if something is in the way.
        """
        self._patience = patience
        preflight.check_disk(self.state)
        self.state.create()
        with self._alone("up"):
            was_running = self.supervisor.running()
            try:
                return self._up(report)
            except BaseException as failure:
                if not was_running and not isinstance(failure, Unhealthy):
                    self._stop_everything()
                raise

    def _up(self, report: Report) -> list[str]:
        declared = self.prepare(report)
        preflight.check_namespaces()
        self._wait_for_leftovers()
        running = self._running()
        changed = [pod for pod in declared.pods if files.fingerprint(self.state, pod.name) != pod.fingerprint()]
        preflight.check_ports([pod for pod in declared.pods if pod.name not in running], declared.plan.services)
        self.state.going_down.unlink(missing_ok=True)
        certificates.ensure(self.state)
        discovery.write(self.state.discovery, declared.plan.pods, declared.plan.namespace)
        for pod in [*changed, *declared.plan.jobs, *declared.plan.cron_jobs]:
            files.write_pod(self.state, pod)
        self.remember(declared)
        text = configuration(self.state, [pod.pod for pod in declared.pods], declared.fingerprints)
        added, updated, removed = self.supervisor.ensure(text)
        for name in removed:
            report(Progress(stage=f"stopping {name}"))
            self.supervisor.remove(name)
            shutil.rmtree(self.state.pod(name), ignore_errors=True)
        for name in added:
            self.supervisor.add(name)
        for pod in declared.pods:
            if pod.name in updated:
                report(Progress(stage=f"restarting {pod.name}"))
                self._restart(pod)
        return self._start_in_order(declared, report)

    def _start_in_order(self, declared: Declared, report: Report) -> list[str]:
        waiting = [job for job in declared.plan.jobs if not jobs.is_done(self.state, job)]
        self._start(declared.pods, waiting)
        only_in_aws: list[str] = []
        if any(pod.name == cloud.NAME for pod in declared.pods):
            self.wait_healthy([cloud.NAME], self._patience, report, "starting the stand-in for AWS")
            only_in_aws = self._create_in_cloud(declared)
        while waiting:
            names = {job.name for job in waiting}
            job = next(each for each in waiting if not names & set(each.after))
            self.wait_healthy(job.needs, self._patience, report, f"starting what {job.name} needs")
            report(Progress(stage=f"running {job.name}"))
            jobs.run(self.state, job)
            waiting.remove(job)
            self._start(declared.pods, waiting)
        self.wait_healthy(None, self._patience, report, "starting")
        return only_in_aws

    def _create_in_cloud(self, declared: Declared) -> list[str]:
        """Create the stack's AWS resources in the stand-in, unless its current process has them. Returns what it
        lacks.
        """
        resources = [(each.urn, each.inputs) for each in declared.resources if each.type.startswith("aws:")]
        text = json.dumps([self.pids(cloud.NAME), declared.region, resources], default=str)
        wanted = hashlib.sha256(text.encode()).hexdigest()
        marker = self.state.run / "cloud.json"
        known: dict[str, Any] = json.loads(marker.read_text()) if marker.exists() else {}
        if known.get("made") != wanted:
            # In the region of the stack's programs, which see no other.
            only_in_aws = cloud.create(declared.resources, cloud.Account(declared.region))[1]
            known = {"made": wanted, "only_in_aws": only_in_aws}
            files.write(marker, json.dumps(known))
        return known["only_in_aws"]

    def _start(self, pods: Iterable[PlannedPod], waiting: Sequence[PlannedPod]) -> None:
        """Start those of the pods that don't run and wait for no Job."""
        running, held_back = self._running(), {job.name for job in waiting}
        for pod in pods:
            if pod.name not in running and not held_back & set(pod.after):
                self.start_node(pod.name)

    def _restart(self, pod: PlannedPod) -> None:
        """Restart a changed pod. One that was healthy must be healthy again before the next is restarted."""
        was_ready = self.is_ready(pod.name)
        self.supervisor.remove(pod.name)
        self.supervisor.add(pod.name)
        self.supervisor.start(pod.name)
        if was_ready and pod.kind in SERVERS:
            self.wait_healthy([pod.name])

    def run_job(self, name: str, arguments: Sequence[str] = ()) -> int:
        """Run a CronJob or Job now; `arguments` are added to its container's. Returns its exit code."""
        known = self.known()
        names = [*known["cron_jobs"], *known["jobs"]]
        if name not in names:
            raise Problem(f"there is no job {name!r}; there are: {', '.join(names) or 'none'}")
        if not self.supervisor.running():
            raise Problem("the environment isn't up; run: make up")
        with self._alone(f"job-{name}"):
            return jobs.run_with(self.state, name, arguments)

    # ---------------------------------------------------------------- down

    def down(self) -> None:
        """Stop everything, all pods at the same time and without their preStop hooks. Data stays."""
        if self.state.root.exists():
            self.state.create()
            with self._alone("up"):
                self._stop_everything()

    def _stop_everything(self) -> None:
        self.state.going_down.write_text("now")
        if self.supervisor.running():
            self.supervisor.shut_down()
        self._wait_for_leftovers()

    def clean(self) -> None:
        """`down`, and forget everything: data, secrets, logs."""
        self.down()
        shutil.rmtree(self.state.root, ignore_errors=True)

    def _running(self) -> set[str]:
        if not self.supervisor.running():
            return set()
        return {name for name, running in self.supervisor.processes().items() if running}

    def _wait_for_leftovers(self) -> None:
        """Wait for launchers whose supervisor was killed, which stop by themselves; kill one that hangs."""
        if self.supervisor.running():
            return
        deadline = time.monotonic() + LEFTOVER_TIMEOUT
        while left := self._launchers():
            if time.monotonic() > deadline:
                for process in left:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
            time.sleep(POLL)

    def _launchers(self) -> list[psutil.Process]:
        """The launchers of this state directory, of any parent process."""
        mark = f"{self.state.pods}/"
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if "local.launcher" in (words := process.info["cmdline"] or [])
            and any(word.startswith(mark) for word in words)
        ]

    @contextlib.contextmanager
    def _alone(self, what: str) -> Generator[None]:
        """Only one process at a time does `what` to this environment."""
        with open(self.state.run / f"{what}.lock", "w", encoding="utf-8") as lock:
            deadline = time.monotonic() + ENDING_TIMEOUT
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        reason = f"another command ({what}) is at work on {self.state.root}; wait for its end"
                        raise Problem(reason) from None
                    time.sleep(0.1)
            yield
