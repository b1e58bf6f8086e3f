"""A running local environment: each pod's health, waiting until all are healthy, and what tests do to them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import balancer, files, sandbox
from local.declared import Declared
from local.problem import Problem
from local.spec import load
from local.state import State
from local.supervisor import Supervisor

HEALTH_TIMEOUT = 120.0  # seconds without one more pod becoming ready after which waiting gives up
HOPELESS_RESTARTS = 3  # of a container that still isn't ready: at once, after 10 s and after 20 s
POLL = 0.2  # seconds between two looks at the pods' status files
KILL_TIMEOUT = 30.0  # seconds that a launcher has to see its killed container end


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of `make status`. `health`: ready, done, on demand, not installed, stopped, or why it isn't ready."""

    name: str
    kind: str
    address: str = ""
    pid: int = 0
    health: str
    healthy: bool = True


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of `up`: its stage, and how many of all pods are ready where that is known."""

    stage: str
    ready: int = 0
    total: int = 0


Report = Callable[[Progress], None]


def unreported(_: Progress) -> None:
    """For callers that show nothing."""


class Unhealthy(Problem):
    """Something that was started doesn't work. The rest is left running for inspection."""


class Running:
    """What the last `up` planned, and its current state."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.supervisor = Supervisor(state)

    def remember(self, declared: Declared) -> None:
        """Keep what `status` and the other commands need without rendering again."""
        plan = declared.plan
        known = {
            "pods": [
                {
                    "name": pod.name,
                    "kind": pod.kind,
                    "address": pod.pod.address,
                    "ports": sorted({number for _, _, number in pod.ports}),
                }
                for pod in declared.pods
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
        files.write(self.state.run / "plan.json", json.dumps(known, indent=1))

    def known(self) -> dict[str, Any]:
        """What the last `up` planned. Problem if there was none."""
        try:
            return json.loads((self.state.run / "plan.json").read_text())
        except FileNotFoundError:
            raise Problem(f"nothing was started from {self.state.root} yet; run: make up") from None

    # -------------------------------------------------------------- health

    def pod_status(self, pod: str) -> dict[str, Any]:
        """The launcher's latest status; empty if it isn't running."""
        try:
            status = json.loads((self.state.pod(pod) / "status.json").read_text())
        except FileNotFoundError:
            return {}
        return status if Path(f"/proc/{status['launcher']}").exists() and status["phase"] != "Stopped" else {}

    def is_ready(self, pod: str) -> bool:
        return bool(self.pod_status(pod).get("ready"))

    def restarts(self, pod: str) -> int:
        """The number of restarts of the pod's most restarted container."""
        return max((each["restarts"] for each in self.pod_status(pod).get("containers", [])), default=0)

    def _why_not(self, pod: str) -> str:
        status = self.pod_status(pod)
        if not status:
            return "stopped"
        if status.get("ready"):
            return "ready, but the balancer doesn't send it connections"
        reasons = [f"{each['name']}: {each['reason']}" for each in status["containers"] if each["reason"]]
        return "; ".join(reasons) or status["phase"]

    def wait_healthy(
        self,
        pods: Iterable[str] | None = None,
        timeout: float = HEALTH_TIMEOUT,
        report: Report = unreported,
        stage: str = "",
    ) -> None:
        """Wait until these pods (all, if none are named) are ready.

        Raises Unhealthy when none became ready for `timeout` seconds, or when restarts of one don't help.
        """
        names = self.pods() if pods is None else list(pods)
        fewest, deadline = len(names) + 1, 0.0
        while True:
            left = self._left(names)
            report(Progress(stage=stage, ready=len(names) - len(left), total=len(names)))
            if not left:
                return
            if len(left) < fewest:
                fewest, deadline = len(left), time.monotonic() + timeout
            hopeless = [name for name in left if self.restarts(name) >= HOPELESS_RESTARTS]
            if hopeless or time.monotonic() > deadline:
                lines = [f"  {name}: {self._why_not(name)} (make logs POD={name})" for name in hopeless or left]
                raise Unhealthy("\n".join(["these don't become healthy:", *lines]))
            time.sleep(POLL)

    def _left(self, pods: Sequence[str]) -> list[str]:
        """Those of the pods that aren't ready, or that the balancer doesn't know to be ready."""
        left = [name for name in pods if not self.is_ready(name)]
        if left or not self.is_ready(balancer.NAME):
            return left
        balanced = {name for service in self.known()["services"] for name in service["pods"]} & set(pods)
        return sorted(balanced - balancer.serving()) if balanced else []

    def status(self) -> list[Entry]:
        """Every pod, Service and job with its health."""
        known = self.known()
        entries: list[Entry] = []
        for pod in known["pods"]:
            ready = self.is_ready(pod["name"])
            entries.append(
                Entry(
                    name=pod["name"],
                    kind=pod["kind"],
                    address=_endpoint(pod),
                    pid=next(iter(self.pids(pod["name"]).values()), 0),
                    health="ready" if ready else self._why_not(pod["name"]),
                    healthy=ready,
                )
            )
        serving = balancer.serving()
        for service in known["services"]:
            number = len(serving.intersection(service["pods"]))
            health = f"{number} of {len(service['pods'])} pods ready"
            name, address = service["name"], _endpoint(service)
            entries.append(Entry(name=name, kind="Service", address=address, health=health, healthy=number > 0))
        for job in known["jobs"]:
            done = self.state.done(job).exists()
            entries.append(Entry(name=job, kind="Job", health="done" if done else "not done", healthy=done))
        entries += [
            Entry(name=job, kind="CronJob", health=f"on demand: make run JOB={job}") for job in known["cron_jobs"]
        ]
        return entries + [Entry(name=name, kind="Pod", health=why) for name, why in known["skipped"].items()]

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
        return {each["name"]: each["pid"] for each in self.pod_status(pod).get("containers", [])}

    def kill(self, pod: str, number: int = signal.SIGKILL, container: str | None = None) -> int:
        """Send a signal to a container's process (the pod's first one, if none is named). Returns its pid, after a
        SIGKILL once its launcher has seen it end.
        """
        pids = self.pids(pod)
        pid = pids[container] if container else next(iter(pids.values()), 0)
        if not pid:
            raise Problem(f"pod {pod} isn't running")
        os.kill(pid, number)
        deadline = time.monotonic() + KILL_TIMEOUT
        while number == signal.SIGKILL and pid in self.pids(pod).values():
            if time.monotonic() > deadline:
                raise Problem(f"pod {pod}: its launcher hasn't seen {pid} end in {KILL_TIMEOUT:.0f} s")
            time.sleep(0.01)
        return pid

    def execute(self, pod: str, argv: Sequence[str], container: str = "", *, capture: bool = False) -> tuple[int, str]:
        """Run a command in a pod's container (its first, if none is named), as `kubectl exec` does.

        Returns its exit code and, with `capture`, what it wrote. Raises Problem when there is no such pod or container.
        """
        if pod not in self.pods():
            raise Problem(f"there is no pod {pod!r}; there are: {', '.join(self.pods())}")
        pids = self.pids(pod)
        name = container or next(iter(pids), "")
        if not pids.get(name):
            raise Problem(f"pod {pod} has no running container {name!r}; running are: {', '.join(pids) or 'none'}")
        (spec,) = [each for each in load(self.state.pod(pod) / "pod.json").containers if each.name == name]
        where = subprocess.PIPE if capture else None
        done = subprocess.run(
            sandbox.entering(pids[name], argv),
            env=spec.environment,
            stdout=where,
            stderr=subprocess.STDOUT if capture else None,
            text=True,
            errors="replace",
            check=False,
        )
        return done.returncode, done.stdout or ""

    def stop_node(self, pod: str) -> None:
        """Lose the pod's node: its processes end at once, without any hook, and stay ended."""
        files.write(self.state.stop(pod), "kill")
        self.supervisor.stop(pod)

    def stop_pod(self, pod: str) -> None:
        """Delete the pod as a drain does: preStop hooks, grace period. It stays stopped until `start_node`."""
        self.state.stop(pod).unlink(missing_ok=True)
        self.supervisor.stop(pod)

    def start_node(self, pod: str) -> None:
        """Bring a stopped pod back."""
        self.state.stop(pod).unlink(missing_ok=True)
        self.supervisor.start(pod)


def _endpoint(known: dict[str, Any]) -> str:
    ports = ",".join(map(str, known["ports"]))
    return f"{known['address']}:{ports}" if ports else known["address"]
