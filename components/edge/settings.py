"""Settings of the edge. An environment without the section has no edge: the gateway is its front door."""

from collections.abc import Iterable
from typing import Literal

from components.edge.plans import LOST, PLANS, Feature, PlanName, ZonePlan, with_feature
from components.settings.quantities import Duration
from components.settings.section import Section, setting

Region = Literal["us", "eu", "apac"]
PRELOAD_AGE = 31_536_000
"""The shortest `max-age` that https://hstspreload.org takes, seconds."""


class LoadBalancing(Section):
    """Cloudflare's load balancer (an add-on): each visitor goes to the nearest origin that works."""

    origins: dict[Region, list[str]] = setting(
        why="the gateways' public names by region; the fallback serves a region without any"
    )
    own: str | None = setting(
        None,
        why="this stack's own of `origins`, which gets an unproxied record; unset: the fallback's first",
    )
    zone: str = setting(
        why="the zone's name: health checks carry it and its client certificate, as visitors' requests do",
        pattern=r"([a-z0-9-]+\.)+[a-z]{2,}",
    )
    fallback: Region = setting("eu", why="serves regions without a working origin")
    interval: Duration = setting("60s", unit="s", why="between two checks; 60 s is the shortest on every plan", ge=5)
    notify: str | None = setting(None, why="mail address to tell when a pool fails")

    @property
    def own_name(self) -> str:
        """The name under which Cloudflare finds this stack's gateway."""
        return self.own or self.origins[self.fallback][0]

    def contradictions(self) -> Iterable[str]:
        if not self.origins.get(self.fallback):
            yield (f"fallback is {self.fallback!r}, so origins.{self.fallback} needs at least one name")
            return
        named = [name for names in self.origins.values() for name in names]
        if self.own_name not in named:
            yield f"own is {self.own}, which is none of origins ({', '.join(named)}); add it to its region"
        elif not self.own_name.endswith(f".{self.zone}"):
            yield f"the origin {self.own_name} isn't in the zone {self.zone}, so no record of it can be declared there"


class Logs(Section):
    """Logpush (an add-on below Enterprise): one line for each request, for hit ratio by region."""

    destination: str = setting(
        why="in Cloudflare's notation, for example s3://bucket/cdn?region=eu-central-1",
        pattern=r"[a-z0-9-]+://.+",
    )
    ownership_challenge: str | None = setting(None, why="the token that Cloudflare put there, for s3 and gs")


class EdgeSettings(Section):
    """The Cloudflare zone."""

    account_id: str = setting(why="the Cloudflare account", pattern=r"[0-9a-f]{32}")
    zone_id: str = setting(why="the existing zone", pattern=r"[0-9a-f]{32}")
    hostname: str = setting(why="the shop's public name, in the zone", pattern=r"([a-z0-9-]+\.)+[a-z]{2,}")
    plan: PlanName = setting(why="the zone's plan, which limits what may be declared (table: docs/edge.md)")
    without: list[Feature] = setting([], why="features that the shop goes without because the plan lacks them")
    origin: str | None = setting(None, why="the gateway's public name; unset: this stack's load balancer")
    redirects: list[str] = setting(
        [], why="other names in the zone, mostly its apex: each gets a record and a 301 to the shop"
    )
    hsts_max_age: Duration = setting(
        "365d", unit="s", why="how long browsers remember that the shop is HTTPS only", ge=0
    )
    hsts_include_subdomains: bool = setting(
        False, why="binds every name below the shop's and below `redirects`: other people's hosts too"
    )
    hsts_preload: bool = setting(False, why="browsers ship with it (hstspreload.org); taking it back takes months")
    load_balancing: LoadBalancing | None = setting(None, why="several regions; unset: one origin")
    eu_only: bool = setting(False, why="decrypts and serves in the EU only (Regional Services, an Enterprise add-on)")
    smart_routing: bool = setting(False, why="Argo, an add-on: faster routes to the origin")
    cache_reserve: bool = setting(False, why="an add-on: keeps what the edge would evict")
    logs: Logs | None = setting(None, why="request logs; unset: Cloudflare's analytics only")
    stand_in_api: str | None = setting(
        None,
        why="a stand-in for Cloudflare's API on this machine (`make up`); unset: Cloudflare",
        pattern=r"http://127\.0\.0\.1:[0-9]+/client/v4",
    )
    alert_mail: list[str] = setting([], why="told of origin errors, failing pools and failing log delivery")

    @property
    def public_origin(self) -> str | None:
        """What visitors call the shop; None where a stand-in has several addresses on this machine."""
        return None if self.stand_in_api else f"https://{self.hostname}"

    @property
    def limits(self) -> ZonePlan:
        """What the plan can do."""
        return PLANS[self.plan]

    def has(self, feature: Feature) -> bool:
        """Whether the zone uses a feature."""
        return feature in self.limits.features and feature not in self.without

    def contradictions(self) -> Iterable[str]:
        if self.hsts_preload and not (self.hsts_include_subdomains and self.hsts_max_age >= PRELOAD_AGE):
            yield (
                "hsts_preload is taken only with hsts_include_subdomains: true and an hsts_max_age of 365d or more "
                "(hstspreload.org); set both, or turn hsts_preload off"
            )
        if self.hostname in self.redirects:
            yield f"redirects names {self.hostname}, the shop itself, which would lead to itself for ever; take it out"
        for feature, lost in LOST.items():
            if feature not in self.limits.features and feature not in self.without:
                yield (
                    f"the plan {self.plan!r} lacks {feature} ({with_feature(feature)} has it). Change the plan, or "
                    f"add {feature} to `without`; then {lost}"
                )
        if self.eu_only and self.plan != "enterprise":
            yield (
                f"eu_only needs Regional Services, which only enterprise can have, and the plan is {self.plan!r}. "
                "Without them visitors are served by their nearest data centre, in the EU as a rule but not by promise"
            )
