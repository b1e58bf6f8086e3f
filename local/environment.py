"""The local environment as a Python object: up, down, what it holds, and what tests do to it."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from local import (
    balancer,
    builds,
    certificates,
    cloud,
    database,
    discovery,
    launcher,
    packages,
    preflight,
    sandbox,
    secrets_file,
)
from local.images import REPOSITORY, catalogue
from local.plan import Plan, PlannedPod, Planner, Resource
from local.problem import Problem
from local.spec import Pod, dump, load
from local.state import State
from local.supervisor import Supervisor, configuration
from stack.environments import RenderError, stack_config
from stack.render import render

STACK = "local"
HEALTH_TIMEOUT = 120.0  # seconds without one more pod becoming ready after which `up` gives up
HOPELESS_RESTARTS = 3  # of a container that still isn't ready: at once, after 10 s and after 20 s
POLL = 0.2  # seconds between two looks at the pods' status files
ENDING_TIMEOUT = 2.0  # seconds that a command that was just interrupted may take to let go
LEFTOVER_TIMEOUT = 20.0  # seconds that launchers of a killed supervisor have to end


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of `make status`. `health`: ready, done, on demand, not installed, stopped, or why it isn't
    ready.
    """

    name: str
    kind: str
    address: str
    pid: int
    health: str
    healthy: bool


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far `up` is: a stage in words, and pods ready of all where that is known."""

    stage: str
    ready: int = 0
    total: int = 0


Report = Callable[[Progress], None]


def _unreported(_: Progress) -> None:
    """For callers that show nothing."""


class Environment:
    """One local environment, in one state directory."""

    def __init__(
        self,
        state: State | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        resources: Sequence[Resource] | None = None,
    ) -> None:
        """For tests, `config` replaces keys of the stack file (`simone:redis`), or `resources` the whole render."""
        self.state = state or State.here()
        self.supervisor = Supervisor(self.state)
        self._config = dict(config or {})
        self._resources = resources
        self._patience = HEALTH_TIMEOUT

    # ------------------------------------------------------------------ up

    def up(self, report: Report = _unreported, patience: float = HEALTH_TIMEOUT) -> list[str]:
        """Bring everything up and wait until it is healthy. Returns what exists in AWS only.

        Gives up when for `patience` seconds not one more pod became ready.

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
        plan, resources, everything = self.prepare(report)
        preflight.check_namespaces()
        self._wait_for_leftovers()
        running = self._running()
        changed = [pod for pod in everything if self._fingerprint(pod.name) != pod.fingerprint()]
        idle = [pod for pod in everything if pod.name not in running]
        preflight.check_ports(idle, plan.services)
        self.state.going_down.unlink(missing_ok=True)
        certificates.ensure(self.state)
        discovery.write(self.state.discovery, plan.pods, plan.namespace)
        jobs = [*plan.jobs, *plan.cron_jobs]
        for pod in [*changed, *jobs]:
            self._write(pod)
        self._remember(plan, everything)
        pods = {pod.name: pod for pod in everything}
        text = configuration(self.state, [pod.pod for pod in everything], _fingerprints(everything))
        added, updated, removed = self.supervisor.ensure(text)
        for name in removed:
            report(Progress(stage=f"stopping {name}"))
            self.supervisor.remove(name)
            shutil.rmtree(self.state.pod(name), ignore_errors=True)
        for name in added:
            self.supervisor.add(name)
        for name in updated:
            report(Progress(stage=f"restarting {name}"))
            self._restart(pods[name])
        return self._start_in_order(plan, resources, everything, report)

    def prepare(self, report: Report = _unreported) -> tuple[Plan, Sequence[Resource], list[PlannedPod]]:
        """Install and build what the stack needs and isn't there yet: all that takes the internet. Returns `plan()`."""
        self.state.create()
        report(Progress(stage="rendering the stack"))
        plan, resources, everything = self.plan()
        pods = [*everything, *plan.jobs, *plan.cron_jobs]
        missing = {package for pod in pods if pod.missing for package in pod.packages}
        missing |= set() if Path(sandbox.PROGRAM).exists() else {sandbox.PACKAGE}
        if missing:
            report(Progress(stage=f"installing {', '.join(sorted(missing))}"))
            packages.install(missing)
        built = any(pod.built for pod in pods) and builds.ensure_storefront(lambda stage: report(Progress(stage=stage)))
        return self.plan() if missing or built else (plan, resources, everything)

    def plan(self) -> tuple[Plan, Sequence[Resource], list[PlannedPod]]:
        """The rendered stack as a plan, its resources, and all pods with those of this machine's own."""
        secrets = secrets_file.load(self.state)
        resources = self._resources if self._resources is not None else self._render(secrets)
        images = catalogue(authority=self.state.certificates / certificates.AUTHORITY_FILE)
        instance = database.declared(resources, secrets.get("POSTGRES_OWNER", ""))
        providers = {instance.urn: database.NAME} if instance else {}
        planner = Planner(
            resources,
            self.state,
            images,
            reserved=(database.PORT, cloud.PORT, balancer.HEALTH_PORT),
            providers=providers,
        )
        plan = planner.plan()
        everything = [_with_sources(pod) for pod in plan.pods]
        if any(resource.type.startswith("aws:") for resource in resources):
            everything.append(cloud.pod(self.state, images))
        if instance:
            everything.append(database.pod(instance, secrets[secrets_file.SUPERUSER_PASSWORD], self.state, images))
        if any(service.balanced for service in plan.services):
            addresses = {pod.name: pod.pod.address for pod in plan.pods}
            everything.append(balancer.pod(plan.services, addresses, self.state, images))
        return plan, resources, everything

    def _render(self, secrets: Mapping[str, str]) -> Sequence[Resource]:
        try:
            return render(
                STACK, config=self._config, secrets=secrets_file.as_setting(secrets), resolve=cloud.resolve
            ).resources
        except RenderError as error:
            raise Problem(str(error)) from None

    def _start_in_order(
        self, plan: Plan, resources: Sequence[Resource], everything: Sequence[PlannedPod], report: Report
    ) -> list[str]:
        waiting = [job for job in plan.jobs if not self._done(job)]
        self._start(pod for pod in everything if not self._held_back(pod, waiting))
        only_in_aws: list[str] = []
        if any(pod.name == cloud.NAME for pod in everything):
            self._wait([cloud.NAME], report, "starting the stand-in for AWS")
            only_in_aws = self._create_in_cloud(resources)
        while waiting:
            names = {job.name for job in waiting}
            job = next(each for each in waiting if not names & set(each.after))
            self._wait(job.needs, report, f"starting what {job.name} needs")
            report(Progress(stage=f"running {job.name}"))
            self._run(job)
            waiting.remove(job)
            self._start(pod for pod in everything if not self._held_back(pod, waiting))
        self._wait([pod.name for pod in everything], report, "starting")
        return only_in_aws

    def _create_in_cloud(self, resources: Sequence[Resource]) -> list[str]:
        """The stack's AWS resources in the stand-in, unless this very process of it has them. Returns what it lacks."""
        declared = [(each.urn, each.inputs) for each in resources if each.type.startswith("aws:")]
        # Where the stack's programs look: what is in another region isn't there for them.
        region = str((stack_config(STACK) | self._config)["aws:region"])
        text = json.dumps([self.pids(cloud.NAME), region, declared], default=str)
        wanted = hashlib.sha256(text.encode()).hexdigest()
        marker = self.state.run / "cloud.json"
        known: dict[str, Any] = json.loads(marker.read_text()) if marker.exists() else {}
        if known.get("made") != wanted:
            account = cloud.Account(region)
            only_in_aws = cloud.create(resources, account)[1]
            known |= {"made": wanted, "only_in_aws": only_in_aws}
            _write_file(marker, json.dumps(known), 0o600)
        return known["only_in_aws"]

    @staticmethod
    def _held_back(pod: PlannedPod, waiting: Iterable[PlannedPod]) -> bool:
        return any(job.name in pod.after for job in waiting)

    def _start(self, pods: Iterable[PlannedPod]) -> None:
        running = self._running()
        for pod in pods:
            if pod.name not in running:
                self._forget_stop(pod.name)
                self.supervisor.start(pod.name)

    def _restart(self, pod: PlannedPod) -> None:
        """A changed pod anew. One that was healthy is healthy again before the next one is touched."""
        was_ready = self._ready(pod.name)
        self.supervisor.remove(pod.name)
        self.supervisor.add(pod.name)
        self.supervisor.start(pod.name)
        if was_ready and pod.kind in ("StatefulSet", "Deployment"):
            self.wait_healthy([pod.name])

    def _write(self, pod: PlannedPod) -> None:
        """Put on disk what the pod's launcher and containers read."""
        home = self.state.pod(pod.name)
        for directory in (home, pod.pod.logs, *pod.directories):
            Path(directory).mkdir(parents=True, exist_ok=True)
        for volume in pod.volumes:
            place = Path(volume.directory)
            place.mkdir(parents=True, exist_ok=True)
            for old in place.iterdir():
                if old.name not in {name.partition("/")[0] for name in volume.files}:
                    old.unlink()
            for name, (text, mode) in volume.files.items():
                _write_file(place / name, text, mode)
        _write_file(home / "pod.json", dump(pod.pod), 0o600)
        if pod.kind not in ("Job", "CronJob"):
            _write_file(home / "fingerprint", pod.fingerprint(), 0o600)

    def _fingerprint(self, pod: str) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.state.pod(pod) / "fingerprint").read_text()
        return ""

    def _remember(self, plan: Plan, everything: Sequence[PlannedPod]) -> None:
        """What `status` and the other commands need without rendering again."""
        known = {
            "pods": [
                {
                    "name": pod.name,
                    "kind": pod.kind,
                    "address": pod.pod.address,
                    "ports": sorted({number for _, _, number in pod.ports}),
                }
                for pod in everything
            ],
            "services": [
                {
                    "name": service.name,
                    "address": service.address,
                    "ports": [port for _, port, _ in service.ports],
                    "pods": service.pods,
                }
                for service in plan.services
                if service.balanced
            ],
            "jobs": [job.name for job in plan.jobs],
            "cron_jobs": [job.name for job in plan.cron_jobs],
            "skipped": dict(plan.skipped),
        }
        _write_file(self.state.run / "plan.json", json.dumps(known, indent=1), 0o600)

    def known(self) -> dict[str, Any]:
        """What the last `up` planned. Problem if there was none."""
        try:
            return json.loads((self.state.run / "plan.json").read_text())
        except FileNotFoundError:
            raise Problem(f"nothing was started from {self.state.root} yet; run: make up") from None

    # ---------------------------------------------------------------- jobs

    def _done(self, job: PlannedPod) -> bool:
        marker = self.state.jobs / f"{job.name}.done"
        return marker.exists() and marker.read_text() == job.fingerprint()

    def _run(self, job: PlannedPod) -> None:
        for attempt in range(job.retries + 1):
            if self._run_pod(job.pod) == 0:
                _write_file(self.state.jobs / f"{job.name}.done", job.fingerprint(), 0o600)
                return
            time.sleep(min(10, 2**attempt))
        raise Unhealthy(f"the Job {job.name} failed {job.retries + 1} times; see: make logs POD={job.name}")

    def _run_pod(self, pod: Pod) -> int:
        log = self.state.logs / pod.name
        log.mkdir(parents=True, exist_ok=True)
        file = self.state.pod(pod.name) / "pod.json"
        _write_file(file, dump(pod), 0o600)
        with open(log / "launcher.log", "ab") as output:
            process = subprocess.Popen(
                [*launcher.command(file), "--once"],
                cwd=REPOSITORY,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                return process.wait()
            except BaseException:
                process.terminate()
                process.wait()
                raise

    def run_job(self, name: str, arguments: Sequence[str] = ()) -> int:
        """Run a CronJob or Job now; `arguments` are added to its container's. Returns its exit code."""
        known = self.known()
        names = [*known["cron_jobs"], *known["jobs"]]
        if name not in names:
            raise Problem(f"there is no job {name!r}; there are: {', '.join(names) or 'none'}")
        if not self.supervisor.running():
            raise Problem("the environment isn't up; run: make up")
        file = self.state.pod(name) / "pod.json"
        pod = load(file)
        first, *others = pod.containers
        with self._alone(f"job-{name}"):
            try:
                return self._run_pod(replace(pod, containers=(replace(first, argv=(*first.argv, *arguments)), *others)))
            finally:
                _write_file(file, dump(pod), 0o600)

    # -------------------------------------------------------------- health

    def _status(self, pod: str) -> dict[str, Any]:
        """The launcher's last word, or nothing if it isn't running."""
        try:
            status = json.loads((self.state.pod(pod) / "status.json").read_text())
        except FileNotFoundError:
            return {}
        return status if Path(f"/proc/{status['launcher']}").exists() and status["phase"] != "Stopped" else {}

    def _ready(self, pod: str) -> bool:
        return bool(self._status(pod).get("ready"))

    def _why_not(self, pod: str) -> str:
        status = self._status(pod)
        if not status:
            return "stopped"
        if status.get("ready"):
            return "ready, but the balancer doesn't send it connections"
        reasons = [f"{each['name']}: {each['reason']}" for each in status["containers"] if each["reason"]]
        return "; ".join(reasons) or status["phase"]

    def _restarts(self, pod: str) -> int:
        return max((each["restarts"] for each in self._status(pod).get("containers", [])), default=0)

    def wait_healthy(self, pods: Iterable[str] | None = None, timeout: float = HEALTH_TIMEOUT) -> None:
        """Wait until these pods (all, if none are named) are ready.

        Raises Unhealthy when for `timeout` seconds not one more became so.
        """
        names = list(pods) if pods is not None else [pod["name"] for pod in self.known()["pods"]]
        self._wait(names, _unreported, "", timeout)

    def _wait(self, pods: Sequence[str], report: Report, stage: str, timeout: float | None = None) -> None:
        patience = self._patience if timeout is None else timeout
        fewest, deadline = len(pods) + 1, 0.0
        while True:
            left = self._left(pods)
            report(Progress(stage=stage, ready=len(pods) - len(left), total=len(pods)))
            if not left:
                return
            if len(left) < fewest:
                fewest, deadline = len(left), time.monotonic() + patience
            hopeless = [name for name in left if self._restarts(name) >= HOPELESS_RESTARTS]
            if hopeless or time.monotonic() > deadline:
                left = hopeless or left
                lines = [f"  {name}: {self._why_not(name)} (make logs POD={name})" for name in left]
                raise Unhealthy("\n".join(["these don't become healthy:", *lines]))
            time.sleep(POLL)

    def _left(self, pods: Sequence[str]) -> list[str]:
        """Those of the pods that aren't ready, or that the balancer has not heard of being so."""
        left = [name for name in pods if not self._ready(name)]
        if left or not self._ready(balancer.NAME):
            return left
        balanced = {name for service in self.known()["services"] for name in service["pods"]} & set(pods)
        return sorted(balanced - balancer.serving()) if balanced else []

    def status(self) -> list[Entry]:
        """Every pod, Service and job, and how it is."""
        known = self.known()
        entries: list[Entry] = []
        for pod in known["pods"]:
            ready = self._ready(pod["name"])
            containers = self._status(pod["name"]).get("containers") or [{"pid": 0}]
            ports = "".join(f":{port}" if number == 0 else f",{port}" for number, port in enumerate(pod["ports"]))
            entries.append(
                Entry(
                    name=pod["name"],
                    kind=pod["kind"],
                    address=pod["address"] + ports,
                    pid=containers[0]["pid"],
                    health="ready" if ready else self._why_not(pod["name"]),
                    healthy=ready,
                )
            )
        serving = balancer.serving()
        for service in known["services"]:
            number = len(serving.intersection(service["pods"]))
            entries.append(
                Entry(
                    name=service["name"],
                    kind="Service",
                    address=service["address"] + ":" + ",".join(map(str, service["ports"])),
                    pid=0,
                    health=f"{number} of {len(service['pods'])} pods ready",
                    healthy=number > 0,
                )
            )
        for job in known["jobs"]:
            done = (self.state.jobs / f"{job}.done").exists()
            entries.append(
                Entry(name=job, kind="Job", address="", pid=0, health="done" if done else "not done", healthy=done)
            )
        for job in known["cron_jobs"]:
            health = f"on demand: make run JOB={job}"
            entries.append(Entry(name=job, kind="CronJob", address="", pid=0, health=health, healthy=True))
        for name, why in known["skipped"].items():
            entries.append(Entry(name=name, kind="Pod", address="", pid=0, health=why, healthy=True))
        return entries

    # --------------------------------------------------- what tests do to it

    def pods(self) -> list[str]:
        """The names of all pods."""
        return [pod["name"] for pod in self.known()["pods"]]

    def address(self, name: str) -> str:
        """The address of a pod or, if no pod is called so, of a Service."""
        known = self.known()
        for entry in [*known["pods"], *known["services"]]:
            if entry["name"] == name:
                return entry["address"]
        raise KeyError(name)

    def pids(self, pod: str) -> dict[str, int]:
        """The pid of each of the pod's containers, 0 where it isn't running."""
        return {each["name"]: each["pid"] for each in self._status(pod).get("containers", [])}

    def kill(self, pod: str, number: int = signal.SIGKILL, container: str | None = None) -> int:
        """Send a signal to a container's process (the pod's first one, if none is named). Returns its pid, after a
        SIGKILL once its launcher has seen it end.
        """
        pids = self.pids(pod)
        pid = pids[container] if container else next(iter(pids.values()), 0)
        if not pid:
            raise Problem(f"pod {pod} isn't running")
        os.kill(pid, number)
        while number == signal.SIGKILL and pid in self.pids(pod).values():
            time.sleep(0.01)
        return pid

    def stop_node(self, pod: str) -> None:
        """Lose the pod's node: its processes end at once, without any hook, and stay ended."""
        _write_file(self.state.pod(pod) / "stop", "kill", 0o600)
        self.supervisor.stop(pod)

    def stop_pod(self, pod: str) -> None:
        """Delete the pod as a drain does: preStop hooks, grace period. It stays stopped until `start_node`."""
        self._forget_stop(pod)
        self.supervisor.stop(pod)

    def start_node(self, pod: str) -> None:
        """Bring a stopped pod back."""
        self._forget_stop(pod)
        self.supervisor.start(pod)

    def _forget_stop(self, pod: str) -> None:
        (self.state.pod(pod) / "stop").unlink(missing_ok=True)

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
        """Launchers whose supervisor was killed stop by themselves; one that hangs is killed."""
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
        """The launchers of this state directory, whoever is their parent."""
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


class Unhealthy(Problem):
    """Something that was started doesn't work. The rest is left running, so that one can look."""


def _fingerprints(pods: Iterable[PlannedPod]) -> dict[str, str]:
    return {pod.name: pod.fingerprint() for pod in pods}


def _with_sources(pod: PlannedPod) -> PlannedPod:
    """The pod with the state of its image's sources in its environment, so that a change of theirs shows."""
    if not pod.sources:
        return pod
    newest = 0
    for source in map(Path, pod.sources):
        files = source.rglob("*.py") if source.is_dir() else [source]
        newest = max([newest, *(file.stat().st_mtime_ns for file in files if file.exists())])
    containers = tuple(
        replace(each, environment={**each.environment, "SIMONE_SOURCE_STATE": str(newest)})
        for each in pod.pod.containers
    )
    return replace(pod, pod=replace(pod.pod, containers=containers))


def _write_file(path: Path, text: str, mode: int) -> None:
    """Write a file in place (a running container may have it mounted), with its mode from the beginning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_text() == text:
        path.chmod(mode)
        return
    with contextlib.suppress(FileNotFoundError):
        path.chmod(0o600)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    path.chmod(mode)
