"""Settings of the storefront."""

from components.settings.pods import Autoscaling, Resources
from components.settings.quantities import GIB, Bytes, Duration
from components.settings.section import Section, group, setting


class StorefrontSettings(Section):
    """The Next.js shop: pods that render pages and images."""

    scaling: Autoscaling = group(Autoscaling, why="how many pods")
    resources: Resources = setting(
        {"cpu": "500m", "memory": "768MiB"},
        why="Node's heap, the image worker, and sharp's buffers for three images",
    )
    page_cache: Bytes = setting(
        "1GiB",
        unit="bytes",
        why="the image volume, of which the storefront uses 768 MiB (app/storefront/src/server/pictures.ts)",
        ge=GIB,
    )
    worker_rollout: int = setting(
        100, unit="%", why="browsers that may replace their service worker with this release's", ge=0, le=100
    )
    grace_period: Duration = setting("30s", unit="s", why="the slowest page, after the drain", ge=5, le=600)
    drain: Duration = setting("5s", unit="s", why="until load balancers notice that a pod is leaving", ge=0, le=60)
