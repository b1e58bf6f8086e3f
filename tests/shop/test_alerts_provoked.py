"""Alerts provoked for real: something of the running shop is killed, filled or blocked, and the alert that is meant for
it fires, is heard by Alertmanager, and ends when the cause has ended.

The rules run in time lapse (time_lapse.py): the declared ones with every duration divided by 15.
"""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import pytest
from causes import Causes

from local.environment import Environment
from testing.time_lapse import TimeLapse

pytestmark = [pytest.mark.shop, pytest.mark.timeout(900)]

ALERTMANAGER = "http://127.0.0.1:9093"
# The longest wait of a provoked alert is 15 minutes, one minute in time lapse; the rest is for a busy machine.
PATIENCE = 300.0


@pytest.fixture
def causes(shop: Environment) -> Iterator[Causes]:
    yield Causes(shop)
    shop.wait_healthy()


def _heard(name: str) -> list[dict[str, dict[str, str]]]:
    """What Alertmanager has of that name."""
    with urllib.request.urlopen(f"{ALERTMANAGER}/api/v2/alerts?filter=alertname={name}", timeout=PATIENCE) as answer:
        return json.load(answer)


def _expect(lapse: TimeLapse, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """Each alert of `wanted` fires at some time, with at least these labels."""
    left = dict(wanted)

    def all_seen() -> bool:
        for name, labels in list(left.items()):
            if any(labels.items() <= found.items() for found in lapse.firing(name)):
                del left[name]
        return not left

    lapse.until(all_seen, lambda: f"not firing: {left}", PATIENCE)


def _expect_end(lapse: TimeLapse, wanted: Mapping[str, Mapping[str, str]]) -> None:
    def left() -> list[str]:
        return [
            name for name, labels in wanted.items() if any(labels.items() <= got.items() for got in lapse.firing(name))
        ]

    lapse.until(lambda: not left(), left, PATIENCE)


def test_what_is_killed_and_filled_at_once_is_told_apart(lapse: TimeLapse, causes: Causes) -> None:
    replica = causes.role("data", "slave")
    wanted = {
        "RedisDown": {"pod": replica, "pair": "data", "severity": "ticket"},
        "RedisSentinelDown": {"pod": "redis-sentinel-2"},
        "PgbouncerDown": {"pod": "pgbouncer-1"},
        "StorefrontDown": {"severity": "page", "owner": "frontend"},
        "TargetDown": {"job": "storefront", "pod": "storefront-0"},
        "RedisSessionsMemoryHigh": {"pair": "sessions", "severity": "ticket"},
        "RedisSessionsMemoryCritical": {"pair": "sessions", "severity": "page"},
        "PgbouncerClientsWaiting": {"pod": "pgbouncer-0", "severity": "page"},
        "PostgresDeadlocks": {"severity": "ticket"},
    }
    with (
        causes.killed(replica, "redis-sentinel-2", "pgbouncer-1", "storefront-0"),
        causes.filled("sessions", 215),
        causes.blocked_pool("pgbouncer-0", 40),
    ):
        causes.deadlock()
        _expect(lapse, wanted)
        told = _heard("RedisDown")
        assert [alert["labels"]["pod"] for alert in told] == [replica]
        assert told[0]["annotations"]["summary"] == f"Redis node {replica} is down"
        assert told[0]["annotations"]["runbook_url"].endswith("/redis.md#redisdown")
    causes.environment.wait_healthy()
    _expect_end(lapse, wanted)


Provocation = tuple[Callable[[Causes], AbstractContextManager[None]], Mapping[str, Mapping[str, str]]]

PROVOCATIONS: Mapping[str, Provocation] = {
    "both nodes of a pair": (
        lambda shop: shop.killed("redis-computed-0", "redis-computed-1"),
        {"RedisMasterCount": {"pair": "computed", "severity": "page"}, "RedisDown": {"pair": "computed"}},
    ),
    "two of three Sentinels": (
        lambda shop: shop.killed("redis-sentinel-1", "redis-sentinel-2"),
        {"RedisSentinelQuorum": {"pod": "redis-sentinel-0", "severity": "page"}},
    ),
    "every pgBouncer": (
        lambda shop: shop.killed("pgbouncer-0", "pgbouncer-1"),
        {"PgbouncerAllDown": {"severity": "page"}},
    ),
    "the database": (lambda shop: shop.killed("postgres"), {"PostgresDown": {"severity": "page"}}),
    "every API pod, while visitors ask": (
        lambda shop: shop.killed_and_asked("api-0", "api-1"),
        {"ApiDown": {"severity": "page"}, "GatewayErrors": {"severity": "page"}},
    ),
    "every gateway": (
        lambda shop: shop.killed("gateway-0", "gateway-1"),
        {"GatewayDown": {"severity": "page"}},
    ),
    "more sessions than there is room for": (
        lambda shop: shop.filled("sessions", 320),
        {"RedisSessionsEvicted": {"pair": "sessions", "severity": "page"}},
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("cause", PROVOCATIONS)
def test_cause_makes_its_alerts_fire(cause: str, lapse: TimeLapse, causes: Causes) -> None:
    provoke, wanted = PROVOCATIONS[cause]
    with provoke(causes):
        _expect(lapse, wanted)
    causes.environment.wait_healthy()
    _expect_end(lapse, wanted)
