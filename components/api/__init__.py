"""The Python API: its pods, and the Jobs that bring the database up to date before they start."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.api import jobs
from components.api.environment import application_files
from components.api.pods import SECRETS, ApplicationArgs, application_deployment
from components.network.flows import API_PORT
from components.scram import scram_verifier
from components.settings.secrets import Secrets

SYSTEM = "api"
OWNER_SECRETS = "api-owner-secrets"


@dataclass(frozen=True, kw_only=True)
class ApiArgs:
    """What the API is made from. `database_host` is Postgres itself: migrations don't go through pgBouncer."""

    pods: ApplicationArgs
    database_host: pulumi.Input[str]


class Api(pulumi.ComponentResource):
    """The API on port 3000 behind a Service, and the Jobs `migrate` and (where set) `seed`.

    `service` is the Service, for whoever calls the API; `ready` are the Jobs, for whoever needs the schema; `files` is
    the Secret that the worker reads too.
    """

    service: k8s.core.v1.Service
    ready: list[pulumi.Resource]
    files: k8s.core.v1.Secret

    def __init__(self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:api:Api", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pods = args.pods
        platform, secrets, settings = pods.platform, pods.secrets, pods.settings
        application = application_files(secrets)
        self.files = workload.secret(f"{name}-secrets", platform, SYSTEM, SECRETS, application, opts=child)
        owner_files = _owner_files(secrets)
        owner = workload.secret(f"{name}-owner-secrets", platform, jobs.SYSTEM, OWNER_SECRETS, owner_files, opts=child)
        job_account = workload.service_account(f"{name}-account-jobs", platform, jobs.SYSTEM, opts=child)
        account = workload.service_account(f"{name}-account", platform, SYSTEM, opts=child)
        self.service = workload.service(f"{name}-service", platform, SYSTEM, API_PORT, opts=child)

        commands = {"migrate": ["migrate"]}
        if settings.sample_data is not None:
            amounts = settings.sample_data.model_dump()
            commands["seed"] = ["seed", *(f"--{key}={amount}" for key, amount in amounts.items())]
        self.ready = []
        for job, arguments in commands.items():
            made = jobs.database_job(
                f"{name}-{job}",
                platform,
                image=pods.image,
                arguments=arguments,
                host=args.database_host,
                secret=OWNER_SECRETS,
                fingerprint=workload.files_checksum(owner_files),
                opts=workload.after(child, *pods.after, owner, job_account, *self.ready),
            )
            self.ready.append(made)

        jobs.purge_job(
            f"{name}-purge",
            platform,
            image=pods.image,
            host=args.database_host,
            secret=OWNER_SECRETS,
            opts=workload.after(child, owner, job_account),
        )
        application_deployment(
            f"{name}-deployment",
            pods,
            SYSTEM,
            "serve",
            http_port=API_PORT,
            resources=settings.resources,
            replicas=None,  # the autoscaler's
            opts=workload.after(child, *pods.after, self.files, account, *self.ready),
        )
        workload.autoscaler(f"{name}-autoscaler", platform, SYSTEM, settings.scaling, opts=child)
        workload.disruption_budget(f"{name}-budget", platform, SYSTEM, opts=child)
        self.register_outputs({})


def _owner_files(secrets: Secrets) -> Mapping[str, str]:
    """What only the Jobs may know: the schema's owner, and the verifiers of the roles that they create."""
    return {
        "database-password": secrets.postgres.owner.get_secret_value(),
        "app-scram": scram_verifier("app", secrets.postgres.app),
        "exporter-scram": scram_verifier("exporter", secrets.postgres.exporter),
        "admin-token": secrets.api.admin_token.get_secret_value(),
    }
