"""The exporter of Cloudflare's analytics and of certificates' ends, where there is an edge."""

import pulumi

from components.monitoring.workloads.args import MonitoringArgs, WatchedEdge
from components.monitoring.workloads.exporter import declare_exporter
from components.monitoring.workloads.parts import mount
from components.workload import after, env, files_checksum, secret, secret_volume

SYSTEM = "cdn-exporter"
SECRETS_DIRECTORY = "/etc/cdn-exporter/secrets"


def declare_cdn_exporter(name: str, args: MonitoringArgs, edge: WatchedEdge, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…` that the exporter needs. It reads its token from a file."""
    settings = args.settings.cdn_exporter
    secrets = {"token": edge.analytics_token.get_secret_value()}
    token = secret(f"{name}-secrets", args.platform, SYSTEM, "cdn-exporter-secrets", secrets, opts=opts)
    declare_exporter(
        name,
        args,
        SYSTEM,
        settings,
        [
            env("CLOUDFLARE_ZONE_ID", edge.zone_id),
            env("CLOUDFLARE_HOSTNAME", edge.hostname),
            env("ANALYTICS_TOKEN_FILE", f"{SECRETS_DIRECTORY}/token"),
            env("ANALYTICS_DELAY_SECONDS", str(settings.delay)),
            *(
                [
                    env("ORIGIN_HOST", "$(GATEWAY_SERVICE_HOST)"),
                    env("ORIGIN_PORT", "$(GATEWAY_SERVICE_PORT)"),
                ]
                if edge.origin_has_tls
                else []
            ),
        ],
        checksum=files_checksum(secrets),
        volumes=[secret_volume("secrets", "cdn-exporter-secrets")],
        mounts=[mount("secrets", SECRETS_DIRECTORY)],
        opts=after(opts, token, *edge.after),
    )
