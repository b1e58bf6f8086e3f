"""Geo steering: a pool of origins in each region, watched, with the next pool as fallback."""

from collections.abc import Sequence

import pulumi
import pulumi_cloudflare as cloudflare

from components.edge.settings import EdgeSettings, LoadBalancing, Region

CLOUDFLARE_REGIONS: dict[Region, tuple[str, ...]] = {
    "us": ("WNAM", "ENAM"),
    "eu": ("WEU", "EEU"),
    "apac": ("SEAS", "NEAS", "SAS", "OC"),
}
"""https://developers.cloudflare.com/load-balancing/reference/region-mapping-api/"""
HTTPS_PORT = 443


def balance(
    name: str,
    settings: EdgeSettings,
    balancing: LoadBalancing,
    *,
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Output[str]]:
    """The load balancer, its pools and their monitor. Steering sends every visitor to the nearest working pool.

    The pools come `after` the records of their origins. Returns the pools' ids, the fallback's first.
    """
    monitor = cloudflare.LoadBalancerMonitor(
        f"{name}-monitor",
        account_id=settings.account_id,
        description="Check that the gateway answers and reaches the API",
        type="https",
        method="GET",
        path="/health",
        port=HTTPS_PORT,
        expected_codes="200",
        interval=balancing.interval,
        timeout=5,
        retries=2,
        header={"Host": [settings.hostname]},
        probe_zone=balancing.zone,
        opts=opts,
    )
    pools: dict[Region, pulumi.Output[str]] = {}
    for region, addresses in balancing.origins.items():
        if not addresses:
            continue
        pools[region] = cloudflare.LoadBalancerPool(
            f"{name}-pool-{region}",
            account_id=settings.account_id,
            name=f"simone-{region}",
            monitor=monitor.id,
            minimum_origins=1,
            notification_email=balancing.notify,
            origins=[
                cloudflare.LoadBalancerPoolOriginArgs(
                    name=f"gateway-{number}",
                    address=address,
                    enabled=True,
                    weight=1,
                    header=cloudflare.LoadBalancerPoolOriginHeaderArgs(hosts=[settings.hostname]),
                )
                for number, address in enumerate(addresses)
            ],
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(after))),
        ).id
    order: list[Region] = [balancing.fallback, *(region for region in pools if region != balancing.fallback)]
    nearest = {
        code: [pools[region], *(pools[other] for other in order if other != region)]
        for region in pools
        for code in CLOUDFLARE_REGIONS[region]
    }
    in_order = [pools[region] for region in order]
    cloudflare.LoadBalancer(
        f"{name}-balancer",
        zone_id=settings.zone_id,
        name=settings.hostname,
        description="Send visitors to the nearest region, then to the others",
        default_pools=in_order,
        fallback_pool=pools[balancing.fallback],
        region_pools=nearest,
        steering_policy="geo",
        session_affinity="none",
        adaptive_routing=cloudflare.LoadBalancerAdaptiveRoutingArgs(failover_across_pools=True),
        proxied=True,
        enabled=True,
        opts=opts,
    )
    return in_order
