"""The balancer's word on which pods it sends connections to."""

import socketserver
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.balancer import configuration
from local.balancer import serving as served
from local.plan import AGENT_PORT
from local.services import SERVICE_ADDRESS, Service
from testing.network_namespace import own_network
from testing.servers import process, serving
from testing.waits import eventually

pytestmark = pytest.mark.pods
POD, ADDRESS = "cache-0", "127.1.0.1"
ASKING_SECONDS = 0.3
"""How long the agent takes to answer, so that haproxy, which asks twice a second, is found asking."""


class _Agent(socketserver.ThreadingTCPServer):
    """A pod's launcher, which says `answer`."""

    allow_reuse_address = daemon_threads = True
    answer = "up ready"
    asked = 0


class _SlowAnswer(socketserver.BaseRequestHandler):
    server: _Agent  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        self.server.asked += 1
        time.sleep(ASKING_SECONDS)
        self.request.sendall(f"{self.server.answer}\n".encode())


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[_Agent]:
    """One pod behind a balancer."""
    service = Service(name="cache", address=SERVICE_ADDRESS, ports=(("redis", 6379, 6379),), pods=(POD,), balanced=True)
    file = tmp_path / "haproxy.cfg"
    file.write_text(configuration([service], {POD: ADDRESS}))
    with own_network():
        server = _Agent((ADDRESS, AGENT_PORT), _SlowAnswer)
        with serving(server), process(["haproxy", "-db", "-f", str(file)], {}, tmp_path / "log"):
            yield server


def seen(agent: _Agent) -> set[frozenset[str]]:
    """All that the balancer says while it asks the agent a few times more."""
    answers: set[frozenset[str]] = set()
    before = agent.asked

    def asked() -> bool:
        answers.add(served())
        return agent.asked >= before + 4

    eventually(asked, "the balancer asks", pause=lambda _: time.sleep(0.01))
    return answers


def wait_for(pods: frozenset[str]) -> None:
    eventually(lambda: served() == pods, f"the balancer serving {set(pods)}")


def test_a_pod_is_served_also_while_it_is_being_asked(agent: _Agent) -> None:
    wait_for(frozenset({POD}))
    assert seen(agent) == {frozenset({POD})}


@pytest.mark.parametrize("answer", ["down", "drain"])
def test_a_pod_that_stops_is_not_served_until_it_is_ready(agent: _Agent, answer: str) -> None:
    wait_for(frozenset({POD}))
    agent.answer = answer
    wait_for(frozenset())
    assert seen(agent) == {frozenset()}
    agent.answer = "up ready"
    wait_for(frozenset({POD}))
