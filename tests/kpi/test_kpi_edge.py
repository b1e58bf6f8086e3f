"""The replay counts what caches with the policy's lifetimes ask of the origin."""

from pathlib import Path

from app.caching_policy import load, parse
from kpi.browsers import picture_hits
from kpi.edge.replay import Read, ReplayCounts, play, reads
from kpi.workload import Workload

ROUTE = parse(
    """
version: 1
errors: {not_found_ttl: 120, server_error_ttl: 30}
bypass: {request_headers: [], request_cookies: [], response_headers: []}
routes:
  - {route: /a, audience: public, edge_ttl: 10, shield_ttl: 20, stale_while_revalidate: 5}
"""
).routes[0]


def at(*moments: float, place: str = "here", key: str = "/a") -> list[Read]:
    return [Read(moment, place, key, ROUTE) for moment in moments]


def test_a_stale_answer_costs_a_request_that_nobody_waits_for() -> None:
    asked = at(0, 9, 12, 13)
    assert play(asked, shield=False, after=0) == ReplayCounts(reads=4, origin=2, waited=1)
    assert play(asked, shield=False, stale=False, after=0) == ReplayCounts(reads=4, origin=2, waited=2)


def test_past_its_grace_an_answer_is_waited_for() -> None:
    assert play(at(0, 15), shield=False, after=0) == ReplayCounts(reads=2, origin=2, waited=2)


def test_places_share_the_copy_of_the_shield() -> None:
    asked = [*at(0), *at(1, place="there")]
    assert play(asked, shield=False, after=0).origin == 2
    assert play(asked, after=0) == ReplayCounts(reads=2, origin=1, waited=1)


def test_only_the_time_that_is_asked_about_counts() -> None:
    assert play(at(0, 1, 30, 31), edge=False, after=1, until=31) == ReplayCounts(reads=2, origin=1, waited=1)


def test_reads_come_in_the_order_of_time_with_countries_that_share_prices_together() -> None:
    policy = load(Path("app/caching.yaml"))
    asked = list(reads(Workload.load(), policy, 20))
    assert [read.at for read in asked] == sorted(read.at for read in asked)
    assert any(read.key.startswith("DE/api/products") for read in asked)
    assert not any(read.key.startswith("AT") for read in asked)


def test_a_shield_has_more_of_the_pictures_the_longer_it_is_asked() -> None:
    mix = Workload.load()
    soon, later = picture_hits(mix, 60), picture_hits(mix, 600)
    assert soon < later
    assert later >= 0.90
