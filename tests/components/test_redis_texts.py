"""Redis's files: what they promise by their text alone."""

import contextlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from components.redis.settings import RedisSettings
from components.redis.texts import node_files, node_secret_files, sentinel_files, sentinel_secret_files
from components.settings.secrets import RedisSecrets
from testing.servers import end
from testing.waits import eventually

SETTINGS = RedisSettings.model_validate({"backup": {"bucket": "backups-of-a-test"}})
NAMES = ("app", "exporter", "replication", "sentinel", "operations")
SECRETS = RedisSecrets.model_validate({name: f"{name}-password-0123456789-0123" for name in NAMES})


def test_no_password_stands_in_a_config_map() -> None:
    texts = [*node_files(SETTINGS, SETTINGS.sessions).values(), *sentinel_files(SETTINGS).values()]
    for name in NAMES:
        assert not any(f"{name}-password" in text for text in texts)


def test_an_acl_file_holds_users_only_and_no_plain_password() -> None:
    for files in (node_secret_files(SECRETS), sentinel_secret_files(SETTINGS, SECRETS)):
        lines = files["users.acl"].splitlines()
        assert all(line.startswith("user ") for line in lines)
        assert "password" not in files["users.acl"]
        assert lines[0].startswith("user default off")


NOBODY_MAY = (
    "ACL LIST",
    "ACL SETUSER x on",
    "CONFIG REWRITE",
    "DEBUG SLEEP 1",
    "EVAL_RO x 0",
    "FCALL x 0",
    "FLUSHALL",
    "FLUSHDB",
    "FUNCTION LOAD x",
    "FUNCTION FLUSH",
    "KEYS *",
    "MIGRATE 10.0.0.1 6379 key 0 1",
    "MODULE LIST",
    "MONITOR",
    "REPLICAOF 10.0.0.1 6379",
    "SAVE",
    "SCRIPT FLUSH",
    "SHUTDOWN",
    "SWAPDB 0 1",
)
READING = ("GET session", "HGETALL session", "SCAN 0", "DUMP session", "RANDOMKEY", "SUBSCRIBE channel")
WRITING = ("SET session x", "HSET session x 1", "DEL session", "RENAME session x", "EVAL x 0", "PUBLISH channel x")
COPYING = ("PSYNC ? -1", "SYNC", "REPLCONF listening-port 1", "CONFIG GET masterauth")
STOPPING = ("CLIENT KILL ID 1", "CLIENT PAUSE 1", "BGREWRITEAOF", "SLAVEOF NO ONE", "CONFIG SET dir /", "SCRIPT KILL")
MUST_NOT: Mapping[str, tuple[str, ...]] = {
    "app": (
        *NOBODY_MAY,
        *COPYING,
        *STOPPING,
        "CLIENT LIST",
        "SLOWLOG GET",
        "DUMP session",
        "RESTORE x 0 x",
        "RANDOMKEY",
    ),
    # The configuration holds the password of replication, which copies everything.
    "exporter": (*NOBODY_MAY, *READING, *WRITING, *COPYING, *STOPPING, "CLIENT LIST"),
    "replication": (*NOBODY_MAY, *READING, *WRITING, *STOPPING, "CONFIG GET masterauth", "INFO"),
    "sentinel": (
        # It turns nodes over, and for that writes their configuration down.
        *(command for command in NOBODY_MAY if command not in ("CONFIG REWRITE", "REPLICAOF 10.0.0.1 6379")),
        *(command for command in (*READING, *WRITING) if command.split()[0] not in ("PUBLISH", "SUBSCRIBE")),
        *COPYING,
        "CONFIG SET dir /",
        "CLIENT PAUSE 1",
        "BGREWRITEAOF",
    ),
    # It backs up and restores; but no session is made or taken over.
    "operations": (*NOBODY_MAY, *WRITING, "CLIENT KILL ID 1", "SLAVEOF NO ONE", "SCRIPT KILL"),
}
SENTINEL_STEERS = (
    "SENTINEL SET data quorum 1",
    "SENTINEL MONITOR x 10.0.0.1 6379 1",
    "SENTINEL REMOVE data",
    "SENTINEL CONFIG GET *",
    "SENTINEL CONFIG SET sentinel-pass x",
    "SENTINEL FLUSHCONFIG",
    "ACL LIST",
    "SHUTDOWN",
)
SENTINEL_MUST_NOT: Mapping[str, tuple[str, ...]] = {
    "app": (*SENTINEL_STEERS, "SENTINEL FAILOVER data", "SENTINEL RESET *", "PUBLISH x y", "CLIENT KILL ID 1"),
    "exporter": (*SENTINEL_STEERS, "SENTINEL FAILOVER data", "SENTINEL RESET *", "PUBLISH x y", "SUBSCRIBE x"),
    "sentinel": (*SENTINEL_STEERS, "SENTINEL FAILOVER data", "SENTINEL RESET *", "SENTINEL MASTERS"),
    "operations": (*SENTINEL_STEERS, "PUBLISH x y", "SUBSCRIBE x"),
}


@pytest.mark.parametrize(
    ("acl", "mode", "must_not"),
    [
        (node_secret_files(SECRETS), (), MUST_NOT),
        (sentinel_secret_files(SETTINGS, SECRETS), ("--sentinel",), SENTINEL_MUST_NOT),
    ],
    ids=["node", "sentinel"],
)
def test_each_user_may_not_do_what_it_does_not_need(
    tmp_path: Path, acl: Mapping[str, str], mode: tuple[str, ...], must_not: Mapping[str, tuple[str, ...]]
) -> None:
    users, socket = tmp_path / "users.acl", tmp_path / "redis.sock"
    users.write_text(acl["users.acl"] + "user judge on nopass +acl|dryrun +ping\n")
    conf = tmp_path / "redis.conf"
    conf.write_text(f"port 0\nunixsocket {socket}\naclfile {users}\ndir {tmp_path}\n")
    server = subprocess.Popen(["redis-server", conf, *mode], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(unix_socket_path=str(socket), username="judge", password="") as judge:
            eventually(judge.ping, "Redis answers")
            for user, commands in must_not.items():
                for line in commands:
                    answer: Any = judge.execute_command("ACL", "DRYRUN", user, *line.split())
                    assert b"no permissions" in answer, (user, line, answer)
    finally:
        end(server)


def test_a_password_changes_the_acl_and_nothing_else_does() -> None:
    again = RedisSecrets.model_validate({name: f"{name}-password-0123456789-0123" for name in NAMES})
    other = RedisSecrets.model_validate({name: f"{name}-password-9876543210-9876" for name in NAMES})
    assert node_secret_files(again) == node_secret_files(SECRETS)
    assert node_secret_files(other)["users.acl"] != node_secret_files(SECRETS)["users.acl"]


def test_with_a_ca_redis_speaks_tls_and_nothing_else() -> None:
    ca = "-----BEGIN CERTIFICATE-----\nof a test"
    settings = SETTINGS.model_copy(update={"tls_ca": ca})
    secrets = SECRETS.model_copy(update={"tls_certificate": SecretStr("certificate"), "tls_key": SecretStr("the key")})
    for texts, own, port, mounted in (
        (node_files(settings, settings.data), node_secret_files(secrets), 6379, "redis"),
        (sentinel_files(settings), sentinel_secret_files(settings, secrets), 26379, "sentinel"),
    ):
        lines = texts[f"{mounted}.conf"].splitlines()
        assert {"port 0", f"tls-port {port}", "tls-replication yes"} <= set(lines)
        assert f"port {port}" not in lines
        assert f"tls-ca-cert-file /etc/{mounted}/ca.crt" in lines
        assert f"tls-key-file /etc/{mounted}-secrets/tls.key" in lines
        assert texts["ca.crt"] == ca
        assert (own["tls.crt"], own["tls.key"]) == ("certificate", "the key")
        assert not any("the key" in text for text in texts.values())


def test_no_address_is_written_down() -> None:
    addresses = re.compile(r"\d+\.\d+\.\d+\.\d+")
    for text in (*node_files(SETTINGS, SETTINGS.data).values(), *sentinel_files(SETTINGS).values()):
        assert not addresses.search(text)


def test_each_pair_has_its_own_size_and_policy() -> None:
    settings = RedisSettings.model_validate(
        {"backup": {"bucket": "b-1"}, "sessions": {"maxmemory": "1GiB", "policy": "volatile-ttl"}}
    )
    text = node_files(settings, settings.sessions)["redis.conf"]
    assert f"maxmemory {2**30}\n" in text
    assert "maxmemory-policy volatile-ttl\n" in text
    assert "maxmemory-policy allkeys-lru\n" in node_files(settings, settings.data)["redis.conf"]


def test_sentinel_watches_every_pair_with_the_declared_quorum() -> None:
    text = sentinel_files(SETTINGS)["sentinel.conf"]
    for pair in ("sessions", "data", "computed"):
        assert f"sentinel monitor {pair} ${{REDIS_{pair.upper()}_0_SERVICE_HOST}} 6379 2\n" in text
        assert f"sentinel down-after-milliseconds {pair} 1000\n" in text
        assert f"sentinel failover-timeout {pair} 6000\n" in text


class TestMerge:
    """start-sentinel.sh puts the declared text and what a Sentinel has learnt together."""

    DECLARED = "bind x\nsentinel monitor data 10.0.0.1 6379 2\nsentinel parallel-syncs data 1\n"

    def merged(self, tmp_path: Path, learnt: str) -> list[str]:
        files = sentinel_files(SETTINGS)
        for name, text in (("merge.awk", files["merge.awk"]), ("learnt", learnt), ("declared", self.DECLARED)):
            (tmp_path / name).write_text(text)
        return subprocess.run(
            ["awk", "-f", "merge.awk", "learnt", "declared"],
            cwd=tmp_path,
            env={"NODES": "10.0.0.1 10.0.0.2", "SENTINELS": "10.0.1.1 10.0.1.2", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()

    def test_nothing_learnt_is_the_declared_text(self, tmp_path: Path) -> None:
        assert self.merged(tmp_path, "") == self.DECLARED.splitlines()

    def test_a_failover_is_remembered_and_declared_values_win(self, tmp_path: Path) -> None:
        learnt = (
            "bind y\nsentinel myid abc\nsentinel monitor data 10.0.0.2 6379 5\nsentinel config-epoch data 3\n"
            "sentinel parallel-syncs data 9\nsentinel known-replica data 10.0.0.1 6379\nsentinel current-epoch 3\n"
        )
        merged = self.merged(tmp_path, learnt)
        assert merged[:3] == [
            "bind x",
            "sentinel monitor data 10.0.0.2 6379 2",
            "sentinel parallel-syncs data 1",
        ]
        assert set(merged[3:]) == {
            "sentinel myid abc",
            "sentinel config-epoch data 3",
            "sentinel known-replica data 10.0.0.1 6379",
            "sentinel current-epoch 3",
        }

    def test_addresses_that_are_gone_are_forgotten(self, tmp_path: Path) -> None:
        learnt = (
            "sentinel monitor data 10.9.9.9 6379 2\nsentinel known-replica data 10.9.9.8 6379\n"
            "sentinel known-sentinel data 10.9.9.7 26379 abc\nsentinel known-sentinel data 10.0.1.2 26379 def\n"
        )
        merged = self.merged(tmp_path, learnt)
        assert "sentinel monitor data 10.0.0.1 6379 2" in merged
        assert [line for line in merged if "known" in line] == ["sentinel known-sentinel data 10.0.1.2 26379 def"]

    def test_a_pair_that_is_no_longer_declared_is_forgotten(self, tmp_path: Path) -> None:
        learnt = "sentinel monitor old 10.0.0.1 6379 2\nsentinel config-epoch old 3\n"
        assert not any("old" in line for line in self.merged(tmp_path, learnt))


def test_a_missing_address_stops_the_start(tmp_path: Path) -> None:
    files = node_files(SETTINGS, SETTINGS.data)
    for name in ("fill.awk", "redis.conf"):
        (tmp_path / name).write_text(files[name])
    done = subprocess.run(
        ["awk", "-f", "fill.awk", "redis.conf"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "POD_IP": "10.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs ANNOUNCE_IP, which is not set" in done.stderr


def explained(heading: str) -> dict[str, str]:
    """The lines that a table of docs/redis.md gives reasons for: directive and value, the latter empty if left out."""
    page = (Path(__file__).parents[2] / "docs/redis.md").read_text()
    table = page.split(f"| {heading} | Why |\n")[1].split("\n\n")[0]
    found = [code for row in table.splitlines()[1:] for code in re.findall(r"`([^`]+)`", row.split("|")[1])]
    return dict(map(directive, found))


def directive(line: str) -> tuple[str, str]:
    words = line.split(" ")
    name = " ".join(words[:2]) if words[0] == "sentinel" else words[0]
    return name, line[len(name) + 1 :]


def agree(reasons: Mapping[str, str], lines: Mapping[str, str], heading: str) -> None:
    """Each line has a reason in the table of that heading, and each reason a line."""
    faults = [
        *(f"`{name}` has no reason: add it to the table {heading} of docs/redis.md" for name in lines.keys() - reasons),
        *(f"docs/redis.md gives a reason for `{name}`, which {heading} lacks" for name in reasons.keys() - lines),
    ]
    assert not faults, faults


def declared(*texts: str) -> list[tuple[str, str]]:
    lines = [line for text in texts for line in text.splitlines() if line and not line.startswith("#")]
    return [directive(line) for line in lines]


def test_the_page_gives_a_reason_for_each_line_of_a_node_and_for_no_other() -> None:
    reasons = explained("redis.conf")
    text = node_files(SETTINGS, SETTINGS.data)["redis.conf"]
    lines = dict(declared(text, node_secret_files(SECRETS)["replication.conf"]))
    agree(reasons, lines, "redis.conf")
    assert {name: lines[name] for name, value in reasons.items() if value} == {
        name: value for name, value in reasons.items() if value
    }


def test_the_page_gives_a_reason_for_each_line_of_a_sentinel_and_for_no_other() -> None:
    reasons = explained("sentinel.conf")
    lines = declared(sentinel_files(SETTINGS)["sentinel.conf"], sentinel_secret_files(SETTINGS, SECRETS)["auth.conf"])
    agree(reasons, dict(lines), "sentinel.conf")
    for name, value in reasons.items():
        last = value.rpartition(" ")[2]
        assert all(of_line.endswith(last) for of_name, of_line in lines if of_name == name), name


def test_what_a_transaction_wrote_is_there_again_after_a_start(tmp_path: Path) -> None:
    """Redis loads the AOF as its default user, and judges the commands of a transaction once more (multi.c)."""
    (tmp_path / "users.acl").write_text(node_secret_files(SECRETS)["users.acl"])
    socket = tmp_path / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--aclfile", str(tmp_path / "users.acl")]
    command += ["--dir", str(tmp_path), "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    for start in ("first", "second"):
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            with redis.Redis(unix_socket_path=str(socket), username="app", password=_password("app")) as app:
                eventually(app.ping, "Redis answers")
                if start == "first":
                    with app.pipeline(transaction=True) as together:
                        together.set("session", "1")
                        together.expire("session", 600)
                        together.sadd("tag", "a")
                        together.execute()
                else:
                    assert (app.get("session"), app.smembers("tag")) == (b"1", {b"a"})
                    assert app.ttl("session") > 0
            with redis.Redis(unix_socket_path=str(socket)) as nobody:
                for command_of_nobody in ("GET session", "AUTH default x", "HELLO 3 AUTH default x"):
                    with contextlib.suppress(redis.AuthenticationError, redis.ResponseError):
                        raise AssertionError(nobody.execute_command(*command_of_nobody.split()))
        finally:
            end(server)


def _password(user: str) -> str:
    return getattr(SECRETS, user).get_secret_value()
