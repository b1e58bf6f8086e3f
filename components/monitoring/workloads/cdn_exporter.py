"""The exporter of Cloudflare's analytics and of certificates' ends, where there is an edge."""

import pulumi

from components.kubernetes.configuration import secret
from components.kubernetes.pod import SecretFiles
from components.kubernetes.scope import Scope
from components.monitoring.workloads.args import MonitoringArgs, WatchedEdge
from components.monitoring.workloads.exporter import declare_exporter

SYSTEM = "cdn-exporter"
SECRETS_DIRECTORY = "/etc/cdn-exporter/secrets"


def declare_cdn_exporter(name: str, args: MonitoringArgs, edge: WatchedEdge, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…` that the exporter needs. It reads its token from a file."""
    settings = args.settings.cdn_exporter
    own = Scope(name, args.platform, SYSTEM, opts)
    secrets = {
        "token": edge.analytics_token.get_secret_value(),
        **{f"{called}.pem": text for called, text in edge.certificates.items()},
    }
    token = secret(own, "secrets", "cdn-exporter-secrets", secrets)
    declare_exporter(
        own,
        args,
        settings,
        {
            "CLOUDFLARE_ZONE_ID": edge.zone_id,
            "CLOUDFLARE_HOSTNAME": edge.hostname,
            "CLOUDFLARE_API_URL": edge.stand_in_api,
            "EDGE_HAS_TLS": "0" if edge.stand_in_api else None,
            "ANALYTICS_TOKEN_FILE": f"{SECRETS_DIRECTORY}/token",
            "ANALYTICS_DELAY_SECONDS": str(settings.delay),
            "CERTIFICATES_DIRECTORY": SECRETS_DIRECTORY,
            "ORIGIN_HOST": "$(GATEWAY_SERVICE_HOST)" if edge.origin_has_tls else None,
            "ORIGIN_PORT": "$(GATEWAY_SERVICE_PORT)" if edge.origin_has_tls else None,
        },
        files=secrets,
        volumes={"secrets": SecretFiles("cdn-exporter-secrets")},
        mounts={"secrets": SECRETS_DIRECTORY},
        after=[token, *edge.after],
    )
