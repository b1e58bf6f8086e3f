"""The Python API: its pods, the worker that spreads invalidations, and the Jobs that run before both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.api.environment import SECRETS_DIRECTORY, Addresses, variables
from components.api.jobs import database_job
from components.api.settings import ApiSettings
from components.deployment import stateless_deployment
from components.network.flows import API_PORT, APPLICATION_METRICS_PORT
from components.platform import Platform
from components.quantities import MIB
from components.scram import scram_verifier
from components.secrets import Secrets
from components.workload import mount

SYSTEM, WORKER, JOBS = "api", "api-worker", "api-jobs"
UID = 10001
SECRETS = "api-secrets"
OWNER_SECRETS = "api-owner-secrets"


@dataclass(frozen=True, kw_only=True)
class ApiArgs:
    """What the API is made from.

    `addresses` are those of the systems that it calls, `database_host` and `database_port` Postgres itself, for
    migrations. `after` are resources that must be there before a pod starts: the Services whose environment variables
    it reads, and the database.
    """

    platform: Platform
    settings: ApiSettings
    secrets: Secrets
    image: str
    addresses: Addresses
    database_host: pulumi.Input[str]
    database_port: int
    after: Sequence[pulumi.Resource] = ()


class Api(pulumi.ComponentResource):
    """The API on port 3000 behind a Service, its worker, and the Jobs `migrate` and (where set) `seed`.

    `service` is the Service, for whoever calls the API.
    """

    service: k8s.core.v1.Service

    def __init__(self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:api:Api", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        platform, secrets = args.platform, args.secrets
        workload.secret(f"{name}-secrets", platform, SYSTEM, SECRETS, _application_files(secrets), opts=child)
        owner_files = _owner_files(secrets)
        owner_secrets = workload.secret(
            f"{name}-owner-secrets", platform, SYSTEM, OWNER_SECRETS, owner_files, opts=child
        )
        accounts = [
            workload.service_account(f"{name}-account-{system}", platform, system, opts=child)
            for system in (SYSTEM, WORKER, JOBS)
        ]
        self.service = workload.service(f"{name}-service", platform, SYSTEM, API_PORT, opts=child)

        before = pulumi.ResourceOptions(parent=self, depends_on=[*args.after, owner_secrets, *accounts])
        ready: list[pulumi.Resource] = []
        jobs: list[tuple[str, list[str]]] = [("migrate", ["migrate"])]
        if args.settings.sample_data is not None:
            amounts = args.settings.sample_data.model_dump()
            jobs.append(("seed", ["seed", *(f"--{key}={amount}" for key, amount in amounts.items())]))
        for job, arguments in jobs:
            ready.append(
                database_job(
                    f"{name}-{job}",
                    platform,
                    image=args.image,
                    arguments=arguments,
                    host=args.database_host,
                    port=args.database_port,
                    secret=OWNER_SECRETS,
                    fingerprint=workload.files_checksum(owner_files),
                    opts=pulumi.ResourceOptions.merge(before, pulumi.ResourceOptions(depends_on=[*ready])),
                )
            )

        running = pulumi.ResourceOptions(parent=self, depends_on=[*args.after, *accounts, *ready])
        self._deployment(f"{name}-deployment", args, SYSTEM, "serve", running)
        self._deployment(f"{name}-worker", args, WORKER, "worker", running)
        workload.autoscaler(f"{name}-autoscaler", platform, SYSTEM, args.settings.scaling, opts=child)
        for system in (SYSTEM, WORKER):
            workload.disruption_budget(f"{name}-budget-{system}", platform, system, opts=child)
        self.register_outputs({})

    def _deployment(
        self, name: str, args: ApiArgs, system: str, command: str, opts: pulumi.ResourceOptions
    ) -> k8s.apps.v1.Deployment:
        serves = system == SYSTEM
        settings = args.settings
        port = API_PORT if serves else APPLICATION_METRICS_PORT
        ports = [k8s.core.v1.ContainerPortArgs(name="metrics", container_port=APPLICATION_METRICS_PORT)]
        if serves:
            ports.append(k8s.core.v1.ContainerPortArgs(name="http", container_port=API_PORT))
        return stateless_deployment(
            name,
            args.platform,
            system,
            uid=UID,
            # The autoscaler owns the API's replicas; two workers share the outbox, whose events may run twice.
            replicas=None if serves else 2,
            grace_period=settings.drain + settings.grace_period,
            checksum=workload.files_checksum(_application_files(args.secrets)),
            containers=[
                k8s.core.v1.ContainerArgs(
                    name=system,
                    image=args.image,
                    command=["python", "-m", "app.api", command],
                    env=variables(settings, args.addresses),
                    ports=ports,
                    resources=(settings.resources if serves else settings.worker_resources).requirements(),
                    security_context=workload.container_security(),
                    startup_probe=workload.http_probe("/health", port, period=2, failures=30),
                    liveness_probe=workload.http_probe("/health", port, period=10, failures=3),
                    readiness_probe=workload.http_probe("/ready", port, period=3, failures=2),
                    lifecycle=workload.drain(settings.drain),
                    volume_mounts=[
                        mount("secrets", SECRETS_DIRECTORY, read_only=True),
                        mount("tmp", "/tmp"),  # noqa: S108 - the container's own
                    ],
                )
            ],
            volumes=[workload.secret_volume("secrets", SECRETS), workload.empty_dir("tmp", 64 * MIB)],
            opts=opts,
        )


def _application_files(secrets: Secrets) -> Mapping[str, str]:
    """What a running pod may know, by file name (app/api/settings.py reads them)."""
    token = secrets.api.cloudflare_token
    return {
        "redis-password": secrets.redis.app.get_secret_value(),
        "database-password": secrets.postgres.app.get_secret_value(),
        "admin-token": secrets.api.admin_token.get_secret_value(),
        "revalidation-key": secrets.api.revalidation_key.get_secret_value(),
    } | ({"cloudflare-token": token.get_secret_value()} if token else {})


def _owner_files(secrets: Secrets) -> Mapping[str, str]:
    """What only the Jobs may know: the schema's owner, and the verifiers of the roles that they create."""
    return {
        "database-password": secrets.postgres.owner.get_secret_value(),
        "app-scram": scram_verifier("app", secrets.postgres.app),
        "exporter-scram": scram_verifier("exporter", secrets.postgres.exporter),
        "admin-token": secrets.api.admin_token.get_secret_value(),
    }
