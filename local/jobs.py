"""Jobs and CronJobs: each run to its end by its own launcher."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace

from local import files, launcher
from local.images import REPOSITORY
from local.plan import PlannedPod
from local.running import Unhealthy
from local.spec import Pod, dump, load
from local.state import State


def is_done(state: State, job: PlannedPod) -> bool:
    """Whether this very Job has succeeded."""
    marker = state.done(job.name)
    return marker.exists() and marker.read_text() == job.fingerprint()


def run(state: State, job: PlannedPod) -> None:
    """Run a Job until it succeeds, at most as often as it declares. Raises Unhealthy after that."""
    for attempt in range(job.retries + 1):
        if _run(state, job.pod) == 0:
            files.write(state.done(job.name), job.fingerprint())
            return
        time.sleep(min(10, 2**attempt))
    raise Unhealthy(f"the Job {job.name} failed {job.retries + 1} times; see: make logs POD={job.name}")


def run_with(state: State, name: str, arguments: Sequence[str]) -> int:
    """Run a job once with `arguments` added to those of its first container. Returns its exit code."""
    file = state.pod(name) / "pod.json"
    pod = load(file)
    first, *others = pod.containers
    try:
        return _run(state, replace(pod, containers=(replace(first, argv=(*first.argv, *arguments)), *others)))
    finally:
        files.write(file, dump(pod))


def _run(state: State, pod: Pod) -> int:
    log = state.logs / pod.name
    log.mkdir(parents=True, exist_ok=True)
    file = state.pod(pod.name) / "pod.json"
    files.write(file, dump(pod))
    with open(log / "launcher.log", "ab") as output:
        command = [*launcher.command(file), "--once"]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=output, start_new_session=True)
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
