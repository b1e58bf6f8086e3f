"""Redis's settings refuse what couldn't work, and say why."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.redis.settings import Pair, RedisSettings, Sentinels
from components.settings.quantities import GIB, MIB

BACKUP = {"bucket": "backups-of-a-test"}


def _message(model: type[Any], **values: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(values)
    return "; ".join(str(error["msg"]) for error in raised.value.errors())


def test_the_defaults_are_the_specification_s_sizes() -> None:
    settings = RedisSettings.model_validate({"backup": BACKUP})
    assert {name: pair.maxmemory // GIB for name, pair in settings.pairs().items()} == {
        "sessions": 10,
        "data": 5,
        "computed": 2,
    }
    assert {pair.policy for pair in settings.pairs().values()} == {"allkeys-lru"}
    assert (settings.sentinels.count, settings.sentinels.quorum) == (3, 2)


@pytest.mark.parametrize(
    ("maxmemory", "memory"), [("10GiB", 20 * GIB + 256 * MIB), ("5GiB", 10 * GIB + 256 * MIB), ("64MiB", 384 * MIB)]
)
def test_a_container_has_room_for_a_second_copy_of_its_data(maxmemory: str, memory: int) -> None:
    assert Pair.model_validate({"maxmemory": maxmemory}).container_memory == memory


def test_too_little_memory_names_the_least() -> None:
    message = _message(Pair, maxmemory="10GiB", memory="12GiB")
    assert "memory is 12GiB, but maxmemory 10GiB needs at least 20736MiB" in message


def test_too_little_storage_names_the_least() -> None:
    assert "storage is 10GiB, but maxmemory 5GiB needs at least 15GiB" in _message(
        Pair, maxmemory="5GiB", storage="10GiB"
    )


def test_a_backlog_that_eats_the_overhead_is_refused() -> None:
    assert "repl_backlog is 512MiB" in _message(Pair, maxmemory="5GiB", repl_backlog="512MiB")


def test_an_unknown_eviction_policy_lists_those_there_are() -> None:
    assert "'allkeys-lru'" in _message(Pair, maxmemory="1GiB", policy="random")


@pytest.mark.parametrize("count", [4, 6])
def test_an_even_number_of_sentinels_is_refused(count: int) -> None:
    assert f"count is {count}" in _message(Sentinels, count=count, quorum=count // 2 + 1)


@pytest.mark.parametrize(("count", "quorum"), [(3, 1), (5, 2), (3, 4)])
def test_a_quorum_that_is_no_majority_is_refused(count: int, quorum: int) -> None:
    message = _message(Sentinels, count=count, quorum=quorum)
    assert f"quorum is {quorum}, but {count} Sentinels need {count // 2 + 1} to {count}" in message


def test_a_backup_bucket_must_be_named() -> None:
    assert _message(RedisSettings) == "Field required"
