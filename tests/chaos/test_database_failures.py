"""Postgres and pgBouncer fail in the running shop, under load.

Nothing that was acknowledged is lost or done twice, cached reads go on, everything recovers without a restart.
"""

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from shop_traffic import POOLERS, Shop, Traffic

from testing.waits import eventually

pytestmark = [pytest.mark.shop, pytest.mark.timeout(900)]


@pytest.mark.full
def test_both_pgbouncers_are_replaced_and_hardly_a_request_notices(running: Shop, traffic: Traffic) -> None:
    for pod in POOLERS:
        running.environment.stop_pod(pod)
        running.environment.start_node(pod)
        running.environment.wait_healthy([pod])
        traffic.go_on()
    eventually(lambda: traffic.asked() > 1000, "enough requests to speak of a thousandth")
    answers = sum(traffic.answers.values(), Counter[int]())
    assert answers.total() - answers[200] - answers[201] <= 0.001 * answers.total(), traffic.answers


def test_postgres_crashes_and_comes_back(running: Shop, traffic: Traffic) -> None:
    before, started = running.pids(), running.environment.restarts("postgres")
    running.environment.kill("postgres", signal.SIGQUIT)  # at once, without a checkpoint: as after a lost machine
    eventually(lambda: running.environment.restarts("postgres") > started, "Postgres is started again")
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before


def test_postgres_is_restarted_in_good_order(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    running.environment.stop_pod("postgres")
    eventually(lambda: traffic.failed("checkout"), "a refused order")
    running.environment.start_node("postgres")
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before


def test_connections_run_out_and_are_there_again(running: Shop, traffic: Traffic) -> None:
    before = running.pids()
    hogs: list[psycopg.Connection[Any]] = [running.connect()]

    def take_all() -> bool:
        hogs[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
        try:
            while True:
                hogs.append(running.connect())
        except psycopg.OperationalError as error:
            assert "connection" in str(error)  # noqa: PT017 - which one isn't the test's subject
        return traffic.failed("search") and traffic.failed("checkout")

    try:
        eventually(take_all, "refused searches and orders")
        traffic.cached_reads_go_on()
        assert set(traffic.answers["search"]) <= {200, 503}
    finally:
        for hog in hogs:
            hog.close()
    traffic.go_on()
    assert running.pids() == before


@pytest.fixture
def small_disk(running: Shop) -> Iterator[str]:
    """Postgres on a volume with 64 MiB left."""
    environment = running.environment
    directory = environment.state.volumes / "postgres"
    aside = directory.with_name("postgres-aside")
    environment.stop_pod("postgres")
    directory.rename(aside)
    directory.mkdir()
    used = int(subprocess.run(["du", "-sm", aside], capture_output=True, check=True).stdout.split()[0])
    size = f"size={used + 64}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", directory], check=True)
    subprocess.run(["cp", "-a", f"{aside}/.", directory], check=True)
    try:
        environment.start_node("postgres")
        environment.wait_healthy()
        yield str(directory)
    finally:
        environment.stop_pod("postgres")
        shutil.rmtree(aside)
        subprocess.run(["cp", "-a", directory, aside], check=True)
        subprocess.run(["umount", "--lazy", directory], check=True)
        directory.rmdir()
        aside.rename(directory)
        environment.start_node("postgres")
        environment.wait_healthy()


def fill(name: str) -> None:
    """Write in small steps until there is no room left: others go on writing meanwhile."""
    with open(name, "wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(16384)):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_the_disk_is_full_and_has_room_again(running: Shop, small_disk: str, traffic: Traffic) -> None:
    before = running.pids()
    filler = f"{small_disk}/filler"
    fill(filler)
    eventually(lambda: traffic.failed("checkout"), "a refused order")
    traffic.cached_reads_go_on()
    os.unlink(filler)
    traffic.go_on()
    assert set(traffic.answers["cached"]) == {200}
    assert set(traffic.answers["search"]) <= {200, 503}
    assert running.pids() == before
