"""Settings of the namespace: its size, and which addresses may come in from outside."""

from components.settings.quantities import Bytes, Cpu
from components.settings.section import Section, group, setting

# https://www.cloudflare.com/ips-v4
CLOUDFLARE_IPV4 = [
    "173.245.48.0/20",
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "141.101.64.0/18",
    "108.162.192.0/18",
    "190.93.240.0/20",
    "188.114.96.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "162.158.0.0/15",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "172.64.0.0/13",
    "131.0.72.0/22",
]


class Quota(Section):
    """The most that the namespace may ask of the cluster; a runaway is stopped here."""

    pods: int = setting(120, unit="pods", why="every pod at maximum scale, and a roll-out's surge", ge=30, le=5000)
    cpu: Cpu = setting("64", unit="cores", why="sum of requests", ge=1000)
    memory: Bytes = setting("192GiB", unit="bytes", why="sum of requests, and of limits", ge=2**30)
    storage: Bytes = setting("512GiB", unit="bytes", why="sum of volume claims", ge=2**30)


class NetworkSettings(Section):
    """The namespace and its borders."""

    quota: Quota = group(Quota, why="the namespace's ResourceQuota")
    edge_cidrs: list[str] = setting(
        CLOUDFLARE_IPV4, why="who may call the gateway from outside: Cloudflare's published addresses", min_length=1
    )
