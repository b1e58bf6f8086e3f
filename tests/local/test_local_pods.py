"""A small stack on this machine: pods, probes, restarts, hooks, Services, Jobs, and what `up` and `down` promise."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.balancer import serving
from local.environment import Environment
from local.problem import Problem
from local.running import Unhealthy
from local.state import State
from testing.manifests import Stack
from testing.network_namespace import own_network
from testing.waits import eventually

pytestmark = pytest.mark.pods
PORT = 7301
SHELL = "redis:7.2.7"  # an image with a shell


def small_stack(**changed: Any) -> Stack:
    """Two Redis pods behind a Service, a Job that writes through it, and a pod that waits for the Job.

    `preStop` of the pods leaves a mark in the data, so that one can see whether it ran.
    """
    stack = Stack()
    stack.add("Namespace", "shop")
    lifecycle: dict[str, Any] = {"preStop": {"exec": {"command": ["sh", "-c", "echo ran >> /data/pre-stop"]}}}
    server: dict[str, Any] = {"lifecycle": lifecycle, **changed}
    cache = stack.redis("cache", replicas=2, **server)
    ports = [{"name": "redis", "port": PORT}]
    stack.add("Service", "cache", spec={"selector": {"app.kubernetes.io/name": "cache"}, "ports": ports})
    script = "id -u; touch /written; redis-cli -h cache.shop.svc -p $CACHE_SERVICE_PORT_REDIS ping; echo $@"
    job = {
        "restartPolicy": "Never",
        "securityContext": {"runAsUser": 1234},
        "containers": [
            {
                "name": "fill",
                "image": SHELL,
                "command": ["sh", "-c", script, "fill"],
                "securityContext": {"readOnlyRootFilesystem": True},
            }
        ],
    }
    after = stack.add("Job", "fill", after=(cache,), spec={"template": {"spec": job}})
    stack.redis("later", after=(after,))
    return stack


def ask(address: str, command: str = "PING") -> str:
    with socket.create_connection((address, PORT), timeout=2) as connection:
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(200).decode()


def launchers(environment: Environment) -> list[int]:
    mark = str(environment.state.pods)
    return [each.pid for each in psutil.process_iter(["cmdline"]) if mark in " ".join(each.info["cmdline"] or [])]


@pytest.fixture(scope="module")
def network() -> Iterator[None]:
    with own_network():
        yield


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with own_network():
        yield State(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, network: None) -> Iterator[Environment]:
    environment = Environment(State(tmp_path_factory.mktemp("small")), resources=small_stack().resources)
    environment.up()
    yield environment
    environment.down()


@pytest.fixture
def healthy(running: Environment) -> Environment:
    """The small stack, all healthy, with every pod's count of restarts at zero."""
    for pod in running.pods():
        if running.restarts(pod):
            running.stop_node(pod)
        running.start_node(pod)
    running.wait_healthy()
    eventually(lambda: all(entry.healthy for entry in running.status() if entry.kind == "Service"))
    return running


def test_a_container_runs_as_the_declared_user_on_a_read_only_root(healthy: Environment) -> None:
    log = (healthy.state.logs / "fill" / "fill.log").read_text()
    assert log.startswith("1234\n")
    assert "Read-only file system" in log


def test_a_job_runs_once_and_reaches_a_service_by_its_cluster_name(healthy: Environment) -> None:
    healthy.up()
    assert (healthy.state.logs / "fill" / "fill.log").read_text().count("PONG") == 1


def test_up_again_changes_nothing(healthy: Environment) -> None:
    before = {pod: healthy.pids(pod) for pod in healthy.pods()}
    healthy.up()
    assert {pod: healthy.pids(pod) for pod in healthy.pods()} == before


def test_a_killed_process_is_back_at_once_and_the_next_time_after_ten_seconds(healthy: Environment) -> None:
    healthy.kill("cache-0")
    eventually(lambda: healthy.pids("cache-0").get("redis"))
    healthy.wait_healthy(["cache-0"])
    healthy.kill("cache-0")
    eventually(lambda: "back-off 10 s" in healthy.status()[0].health)


def test_a_service_answers_while_one_of_its_pods_is_lost(healthy: Environment) -> None:
    healthy.stop_node("cache-1")
    assert all("PONG" in ask("127.0.0.1") for _ in range(20))
    assert not next(entry for entry in healthy.status() if entry.name == "cache-1").healthy


def test_a_pod_that_is_not_ready_gets_no_connections(healthy: Environment) -> None:
    ask(healthy.address("cache-0"), "CONFIG SET requirepass wrong")
    eventually(lambda: serving() == frozenset({"cache-1"}))
    assert [ask("127.0.0.1") for _ in range(10)] == 10 * ["+PONG\r\n"]
    healthy.stop_node("cache-0")


def test_a_lost_node_runs_no_hook_and_a_drained_pod_does(healthy: Environment) -> None:
    mark = healthy.state.volumes / "data-cache-0" / "pre-stop"
    mark.unlink(missing_ok=True)
    healthy.stop_node("cache-0")
    assert not mark.exists()
    healthy.start_node("cache-0")
    healthy.wait_healthy()
    healthy.stop_pod("cache-0")
    assert mark.read_text() == "ran\n"


def test_a_killed_launcher_takes_its_containers_along_and_comes_back(healthy: Environment) -> None:
    pid = healthy.pids("cache-0")["redis"]
    os.kill(healthy.pod_status("cache-0")["launcher"], signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid))
    eventually(lambda: healthy.pids("cache-0").get("redis"))
    healthy.wait_healthy()


def test_a_job_can_be_run_again_with_arguments(healthy: Environment) -> None:
    assert healthy.run_job("fill", ["one", "two words"]) == 0
    assert "one two words" in (healthy.state.logs / "fill" / "fill.log").read_text()


def test_an_unknown_job_is_refused_with_those_that_there_are(healthy: Environment) -> None:
    with pytest.raises(Problem, match=r"no job 'nothing'; there are: fill"):
        healthy.run_job("nothing")


def test_a_change_restarts_what_changed_and_keeps_its_data(healthy: Environment) -> None:
    ask(healthy.address("cache-0"), "SET kept yes")
    before = {pod: healthy.pids(pod) for pod in healthy.pods()}
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    changed = small_stack(env=[address, {"name": "SETTING", "value": "new"}])
    Environment(healthy.state, resources=changed.resources).up()
    after = {pod: healthy.pids(pod) for pod in healthy.pods()}
    assert {pod for pod in before if before[pod] != after[pod]} == {"cache-0", "cache-1"}
    assert "yes" in ask(healthy.address("cache-0"), "GET kept")
    healthy.up()


def test_down_leaves_no_process_and_runs_no_hook(state: State) -> None:
    environment = Environment(state, resources=small_stack().resources)
    environment.up()
    pids = [pid for pod in environment.pods() for pid in environment.pids(pod).values()]
    environment.down()
    assert launchers(environment) == []
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not (state.volumes / "data-cache-0" / "pre-stop").exists()


def test_up_after_a_killed_supervisor_finds_the_data_again(state: State) -> None:
    environment = Environment(state, resources=small_stack().resources)
    environment.up()
    ask(environment.address("cache-0"), "SET kept yes")
    os.kill(environment.supervisor.pid(), signal.SIGKILL)
    try:
        environment.up()
        assert "yes" in ask(environment.address("cache-0"), "GET kept")
    finally:
        environment.down()


def test_up_waits_for_a_supervisor_that_is_being_stopped(state: State) -> None:
    environment = Environment(state, resources=small_stack().resources)
    environment.up()
    os.kill(environment.supervisor.pid(), signal.SIGTERM)
    try:
        environment.up()
        assert all(entry.healthy for entry in environment.status())
    finally:
        environment.down()


def test_a_taken_port_is_named_with_its_holder_and_nothing_is_started(state: State) -> None:
    environment = Environment(state, resources=small_stack().resources)
    with socket.create_server(("127.0.0.1", PORT)), pytest.raises(Problem) as problem:
        environment.up()
    assert f"127.0.0.1:{PORT}, needed by Service cache, is held by" in str(problem.value)
    assert f"pid {os.getpid()}" in str(problem.value)
    assert launchers(environment) == []
    assert not environment.supervisor.running()


def test_a_pod_that_fails_is_named_with_its_reason(state: State) -> None:
    stack = Stack()
    stack.redis("broken", command=["sh", "-c", "exit 3"])
    environment = Environment(state, resources=stack.resources)

    def told() -> bool:
        with pytest.raises(Unhealthy) as problem:
            environment.up(patience=3)
        return "broken-0: redis: ended with 3" in str(problem.value)

    try:
        eventually(told, "a reason: a busy machine may not have started it in time")
    finally:
        environment.down()


def test_an_interrupted_up_stops_what_it_had_started(state: State) -> None:
    never_ready = {"readinessProbe": {"exec": {"command": ["false"]}}}
    program = (
        # A background job of a script, which a CI's may be, starts with the signal ignored, and its children do.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from pathlib import Path\n"
        "from local.environment import Environment\nfrom local.state import State\n"
        "from test_local_pods import small_stack\n"
        f"Environment(State(Path({str(state.root)!r})), resources=small_stack(**{never_ready!r}).resources).up()\n"
    )
    environment = Environment(state)
    up = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    try:
        eventually((state.pods / "cache-0" / "status.json").exists)
        up.send_signal(signal.SIGINT)
        up.wait(60)
        assert launchers(environment) == []
        assert not environment.supervisor.running()
    finally:
        up.kill()
        environment.down()
