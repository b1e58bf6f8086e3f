"""Redis's start scripts, run as their containers run them, with what they ask answered by a script of the test."""

from pathlib import Path

import pytest

from components.redis.settings import RedisSettings
from components.redis.texts import node_files, sentinel_files
from testing.container_script import run_script

SETTINGS = RedisSettings.model_validate({"backup": {"bucket": "backups-of-a-test"}})
OWN, PEER = "10.0.0.1", "10.0.0.2"
NODE = {"POD_NAME": "redis-data-0", "NODES": f"{OWN} {PEER}", "SENTINELS": "a b c", "MASTER_NAME": "data"}
SENTINEL = {"POD_NAME": "redis-sentinel-0", "NODES": f"{OWN} {PEER}", "SENTINELS": "10.0.1.1", "MASTER_NAMES": "data"}
ADDRESSES = {f"REDIS_{pair}_0_SERVICE_HOST": OWN for pair in ("SESSIONS", "DATA", "COMPUTED")}
# A word of a program that is asked again and again: the first answers, and then the last one for ever.
ANSWERING = """#!/bin/sh
echo asked >>/data/asked-{name}
if [ "$(wc -l </data/asked-{name})" -le {times} ]; then
    {first}
else
    {then}
fi
"""


def answer(directory: Path, name: str, first: str, then: str, times: int = 6) -> None:
    program = directory / "programs" / name
    program.write_text(ANSWERING.format(name=name, times=times, first=first, then=then))
    program.chmod(0o755)


def start(directory: Path, mount: str, script: str, variables: dict[str, str]) -> str:
    """What the script wrote until it gave way to its server."""
    places = {"/data": "data", mount: "files", f"{mount}-secrets": "secrets", "/programs": "programs"}
    told = {"PATH": "/programs:/usr/bin:/bin", "POD_IP": OWN, "PORT": "6379", **ADDRESSES, **variables}
    folders = {place: directory / name for place, name in places.items()}
    done = run_script(f"{mount}/{script}", folders=folders, variables=told)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    for name in ("programs", "data", "files", "secrets"):
        (tmp_path / name).mkdir()
    for name in ("replication.conf", "auth.conf"):
        (tmp_path / "secrets" / name).write_text("")
    (tmp_path / "programs" / "redis-server").write_text("#!/bin/sh\necho started\n")
    (tmp_path / "programs" / "redis-server").chmod(0o755)
    return tmp_path


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / "files" / name).write_text(text)


def names(address: str, flags: str) -> str:
    """A Sentinel's word on the master, as redis-cli prints it."""
    return f"printf '%s\\n' config-epoch 3 ip {address} flags {flags}"


@pytest.mark.parametrize("flags", ["master,s_down", "master,o_down", "master,failover_in_progress"])
def test_a_master_that_a_sentinel_misses_waits_until_its_peer_is_promoted(pod: Path, flags: str) -> None:
    write(pod, dict(node_files(SETTINGS, SETTINGS.data)))
    (pod / "data" / "dump.rdb").write_text("data")
    answer(pod, "redis-cli", names(OWN, flags), names(PEER, "master"))
    written = start(pod, "/etc/redis", "start.sh", NODE)
    assert f"as replica of {PEER}" in written


def test_a_master_that_nobody_misses_goes_on_at_once(pod: Path) -> None:
    write(pod, dict(node_files(SETTINGS, SETTINGS.data)))
    (pod / "data" / "dump.rdb").write_text("data")
    answer(pod, "redis-cli", names(OWN, "master"), names(PEER, "master"))
    assert "as master data" in start(pod, "/etc/redis", "start.sh", NODE)


def test_a_sentinel_dials_nobody_before_the_nodes_pods_have_names(pod: Path) -> None:
    write(pod, dict(sentinel_files(SETTINGS)))
    answer(pod, "getent", "exit 2", "echo found", times=3)
    assert start(pod, "/etc/sentinel", "start-sentinel.sh", SENTINEL) == "started\n"
    assert (pod / "data" / "asked-getent").read_text().count("asked") == 3 + 2
