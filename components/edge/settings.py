"""Settings of the edge. An environment without the section has no edge: the gateway is its front door."""

from collections.abc import Iterable
from typing import Literal

from components.edge.plans import LOST, PLANS, Feature, Plan, PlanName, with_feature
from components.settings.quantities import Duration
from components.settings.section import Section, setting

Region = Literal["us", "eu", "apac"]


class LoadBalancing(Section):
    """Cloudflare's load balancer (an add-on): each visitor goes to the nearest origin that works."""

    origins: dict[Region, list[str]] = setting(
        why="the gateways' public names in each region; a region without any is served by the fallback"
    )
    zone: str = setting(
        why="the zone's name: checks are made in its name, with its client certificate, as visitors' requests are",
        pattern=r"([a-z0-9-]+\.)+[a-z]{2,}",
    )
    fallback: Region = setting("eu", why="serves regions without a working origin of their own")
    interval: Duration = setting("60s", unit="s", why="between two checks; 60 s is the shortest on every plan", ge=5)
    notify: str | None = setting(None, why="mail address that is told when a pool fails")

    def contradictions(self) -> Iterable[str]:
        if not self.origins.get(self.fallback):
            yield (f"fallback is {self.fallback!r}, so origins.{self.fallback} needs at least one name")


class Logs(Section):
    """Logpush (an add-on below Enterprise): one line for each request, for hit ratio by region."""

    destination: str = setting(
        why="where the lines go, in Cloudflare's notation, for example s3://bucket/cdn?region=eu-central-1",
        pattern=r"[a-z0-9-]+://.+",
    )
    ownership_challenge: str | None = setting(None, why="the token that Cloudflare put there, for s3 and gs")


class EdgeSettings(Section):
    """The Cloudflare zone."""

    account_id: str = setting(why="the Cloudflare account", pattern=r"[0-9a-f]{32}")
    zone_id: str = setting(why="the zone, which exists already", pattern=r"[0-9a-f]{32}")
    hostname: str = setting(why="the shop's public name, in the zone", pattern=r"([a-z0-9-]+\.)+[a-z]{2,}")
    plan: PlanName = setting(why="the zone's plan; it decides what may be declared (docs/edge.md has the table)")
    without: list[Feature] = setting(
        [], why="features that the shop does without although it would use them, because the plan lacks them"
    )
    origin: str | None = setting(
        None, why="the gateway's public name, where it isn't the load balancer of this very stack"
    )
    hsts_max_age: Duration = setting("365d", unit="s", why="browsers remember that the shop is HTTPS only", ge=0)
    load_balancing: LoadBalancing | None = setting(None, why="several regions; unset: one origin")
    eu_only: bool = setting(
        False, why="decrypt and serve in the EU only (Regional Services, an Enterprise add-on); off: any data centre"
    )
    smart_routing: bool = setting(False, why="Argo, an add-on: quicker ways to the origin")
    cache_reserve: bool = setting(False, why="an add-on: keeps what the edge would drop for lack of room")
    logs: Logs | None = setting(None, why="request logs; unset: Cloudflare's own analytics only")
    alert_mail: list[str] = setting([], why="who is told of origin errors, failing pools and failing log delivery")

    @property
    def limits(self) -> Plan:
        """What the plan can do."""
        return PLANS[self.plan]

    def has(self, feature: Feature) -> bool:
        """Whether the zone uses a feature."""
        return feature in self.limits.features and feature not in self.without

    def contradictions(self) -> Iterable[str]:
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
