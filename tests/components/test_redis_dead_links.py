"""A real Sentinel that polls a dead connection for ever (redis/redis#9956) is restarted by its liveness probe."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from components.redis.acl import sentinel_acl
from components.redis.settings import RedisSettings
from components.redis.texts import sentinel_files
from components.settings.secrets import RedisSecrets
from testing.container_script import run_script
from testing.network_namespace import own_network
from testing.servers import end
from testing.waits import eventually

# Full: a program is shown that takes all of the processor that it gets, which on a loaded machine may be little.
pytestmark = [pytest.mark.pods, pytest.mark.full]

PASSWORD = SecretStr("a-password-of-24-letters-or-more")
SECRETS = RedisSecrets(app=PASSWORD, exporter=PASSWORD, replication=PASSWORD, sentinel=PASSWORD, operations=PASSWORD)
SETTINGS = RedisSettings.model_validate({"backup": {"bucket": "backups-of-a-test"}})
MASTER = "127.0.0.2"
PORT = 26379


class Master:
    """A Redis node whose address is refused by the network, as that of a Service without a pod is, or isn't."""

    def __init__(self) -> None:
        command = ("redis-server", "--bind", MASTER, "--save", "", "--protected-mode", "no")
        self._popen = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.refused(True)

    def refused(self, refused: bool) -> None:
        chain = f"type filter hook output priority 0\n ip daddr {MASTER} reject"
        rule = f"table ip refused {{\n chain out {{\n {chain}\n }}\n}}" if refused else "delete table ip refused"
        subprocess.run(["nft", rule], check=True)

    def end(self) -> None:
        end(self._popen)


class Sentinel:
    """One that watches the master, with the declared users and probe."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in ("data", "files"):
            (directory / name).mkdir()
        for name, text in sentinel_files(SETTINGS).items():
            (directory / "files" / name).write_text(text)
        (directory / "users.acl").write_text(sentinel_acl(SECRETS))
        (directory / "sentinel.conf").write_text(
            f"bind 127.0.0.1\nport {PORT}\ndir {directory}\naclfile {directory}/users.acl\n"
            f"sentinel monitor data {MASTER} 6379 1\nsentinel down-after-milliseconds data 1000\n"
        )
        self.start()

    def start(self) -> None:
        command = ["redis-server", str(self._directory / "sentinel.conf"), "--sentinel"]
        self._popen = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._process = psutil.Process(self._popen.pid)
        eventually(lambda: "NOAUTH" in _said("PING"), "the Sentinel answers")

    def end(self) -> None:
        end(self._popen)

    def spins(self) -> bool:
        """Whether it asks the kernel again and again: an idle one waits up to a tenth of a second each time."""
        slept, used = self._process.num_ctx_switches().voluntary, self._used()
        eventually(lambda: self._process.num_ctx_switches().voluntary > slept + 20 or self._used() > used + 0.5)
        return self._used() > used + 0.4

    def _used(self) -> float:
        return sum(self._process.cpu_times()[:2])

    def lives(self) -> bool:
        """What the liveness probe says, run as its container runs it, a second after the last one."""
        said = time.time()
        eventually(lambda: time.time() > said + 1, "the probe's period")
        folders = {"/data": self._directory / "data", "/etc/sentinel": self._directory / "files"}
        told = {"PATH": "/usr/bin:/bin", "POD_IP": "127.0.0.1", "PORT": str(PORT), "MASTER_NAMES": "data"}
        told["REDISCLI_AUTH"] = PASSWORD.get_secret_value()
        done = run_script("/etc/sentinel/probe.sh", "live", folders=folders, variables=told)
        assert done.returncode == 0 or "polls a dead connection" in done.stdout, done.stdout + done.stderr
        return done.returncode == 0


def _said(*command: str) -> str:
    asked = ["redis-cli", "-h", "127.0.0.1", "-p", str(PORT), *command]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def master() -> Iterator[Master]:
    if shutil.which("nft") is None:
        pytest.skip("NOT TESTED: nft is missing (apt-get install nftables)")
    with own_network():
        started = Master()
        yield started
        started.end()


@pytest.fixture
def sentinel(master: Master, tmp_path: Path) -> Iterator[Sentinel]:
    started = Sentinel(tmp_path)
    yield started
    started.end()


def test_a_dead_connection_ends_with_a_restart_once_nobody_is_missed(master: Master, sentinel: Sentinel) -> None:
    def polls_for_ever() -> bool:
        """Where the refusal came while it dialled, and the next attempt of the same connection was taken."""
        master.refused(False)
        if sentinel.spins():
            return True
        master.refused(True)
        return False

    eventually(sentinel.spins, "a Sentinel that is refused")
    assert all(sentinel.lives() for _ in range(4)), "a restart cures nothing while the master is away"
    eventually(polls_for_ever, "a Sentinel that polls a dead connection")
    eventually(lambda: not sentinel.lives(), "a probe that fails")
    sentinel.end()
    sentinel.start()
    assert not sentinel.spins()
    assert all(sentinel.lives() for _ in range(4))
