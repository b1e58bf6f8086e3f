"""The gateway's files, from the cache policy and the settings: nginx.conf, what its Lua modules read, scripts."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.caching_policy import LONGEST_PATH, LONGEST_QUERY, Policy
from components.gateway import routes
from components.gateway.settings import GatewaySettings
from components.kubernetes.flows import GATEWAY_METRICS_PORT, GATEWAY_PORT, GATEWAY_PURGE_PORT, GATEWAY_TLS_PORT

API_PATHS = ("/api/", "= /health", "= /ready")
STALE_ERRORS = "error timeout invalid_header http_500 http_502 http_503 http_504"

_HERE = Path(__file__).parent


def files(settings: GatewaySettings, policy: Policy, *, edge_cidrs: Sequence[str]) -> dict[str, str]:
    """Everything that /etc/gateway holds, by file name."""
    texts = {name: (_HERE / name).read_text("utf-8") for name in ("shield.lua", "metrics.lua", "start.sh", "stop.sh")}
    texts["nginx.conf"] = nginx_conf(settings, policy, edge_cidrs=edge_cidrs)
    texts["routes.json"] = routes.table(policy)
    if settings.edge_ca:
        texts["edge-ca.pem"] = settings.edge_ca
    return texts


def nginx_conf(settings: GatewaySettings, policy: Policy, *, edge_cidrs: Sequence[str]) -> str:
    """nginx.conf, with @POD_IP@, @API@ and @STOREFRONT@ left for start.sh."""
    public = routes.locations(policy)
    return (
        _environment()
        .get_template("nginx.conf.j2")
        .render(
            settings=settings,
            policy=policy,
            locations=public,
            longest=max((routes.lifetime(location.route) for location in public), default=1),
            edge_cidrs=edge_cidrs,
            api_paths=API_PATHS,
            good_statuses=" ".join(map(str, routes.GOOD_STATUSES)),
            missing_statuses=" ".join(map(str, routes.MISSING_STATUSES)),
            fault_status=routes.FAULT_STATUS,
            stale_errors=STALE_ERRORS,
            page_style=routes.PAGE_STYLE,
            longest_path=LONGEST_PATH,
            longest_query=LONGEST_QUERY,
            port=GATEWAY_TLS_PORT if settings.tls else GATEWAY_PORT,
            purge_port=GATEWAY_PURGE_PORT,
            metrics_port=GATEWAY_METRICS_PORT,
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - nginx's language, not HTML
    )
