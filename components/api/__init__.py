"""The Python API: its pods, and the Jobs that bring the database up to date before they start."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.api import jobs
from components.api.environment import application_files
from components.api.pods import SECRETS, ApplicationArgs, application_deployment
from components.kubernetes.account import service_account
from components.kubernetes.autoscaler import autoscaler
from components.kubernetes.budget import disruption_budget
from components.kubernetes.configuration import files_checksum, secret
from components.kubernetes.flows import API_PORT
from components.kubernetes.scope import Scope
from components.kubernetes.service import service
from components.postgres.roles import APP, EXPORTER
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
        pods = args.pods
        platform, secrets, settings = pods.platform, pods.secrets, pods.settings
        child = pulumi.ResourceOptions(parent=self)
        own, job_own = Scope(name, platform, SYSTEM, child), Scope(name, platform, jobs.SYSTEM, child)
        self.files = secret(own, "secrets", SECRETS, application_files(secrets))
        owner_files = _owner_files(secrets)
        job_needs = [
            secret(job_own, "owner-secrets", OWNER_SECRETS, owner_files),
            service_account(job_own, "account-jobs"),
        ]
        account = service_account(own, "account")
        self.service = service(own, "service", API_PORT)

        commands = {"migrate": ["migrate"]}
        if settings.sample_data is not None:
            amounts = settings.sample_data.model_dump()
            commands["seed"] = ["seed", *(f"--{key}={amount}" for key, amount in amounts.items())]
        self.ready = []
        for command, arguments in commands.items():
            made = jobs.database_job(
                job_own,
                command,
                image=pods.image,
                arguments=arguments,
                host=args.database_host,
                secret=OWNER_SECRETS,
                fingerprint=files_checksum(owner_files),
                after=[*pods.after, *job_needs, *self.ready],
            )
            self.ready.append(made)

        jobs.purge_job(job_own, image=pods.image, host=args.database_host, secret=OWNER_SECRETS, after=job_needs)
        application_deployment(
            own,
            pods,
            "serve",
            http_port=API_PORT,
            resources=settings.resources,
            replicas=None,  # the autoscaler's
            after=[*pods.after, self.files, account, *self.ready],
        )
        autoscaler(own, settings.scaling)
        disruption_budget(own)
        self.register_outputs({})


def _owner_files(secrets: Secrets) -> Mapping[str, str]:
    """What only the Jobs may know: the schema's owner, the verifiers of the roles that they create, and the tokens that
    they let in.
    """
    logins = {**secrets.postgres.logins(APP), **secrets.postgres.logins(EXPORTER)}
    return {
        "database-password": secrets.postgres.owner.get_secret_value(),
        **{f"{role}-scram": scram_verifier(role, password) for role, password in sorted(logins.items())},
        **secrets.api.files("admin_token", "admin-token"),
    }
