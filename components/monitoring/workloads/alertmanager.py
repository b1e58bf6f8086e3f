"""Alertmanager: a StatefulSet of one with its configuration in a Secret (receivers' addresses are credentials)."""

import pulumi

from components.kubernetes.account import service_account
from components.kubernetes.configuration import secret
from components.kubernetes.flows import ALERTMANAGER_PORT
from components.kubernetes.pod import POD_IP, Container, Pod, SecretFiles, http_probe
from components.kubernetes.scope import Scope
from components.kubernetes.service import service
from components.kubernetes.stateful_set import stateful_set
from components.monitoring.config.alertmanager import (
    CONFIG_FILE,
    DATA_DIRECTORY,
    alertmanager_arguments,
    alertmanager_yml,
)
from components.monitoring.workloads.args import MonitoringArgs

SYSTEM = "alertmanager"
UID = 65534
"""`nobody`, as the official image runs."""


def declare_alertmanager(name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
    """Everything named `{name}-…` that Alertmanager needs."""
    platform, settings = args.platform, args.settings.alertmanager
    directory, _, file_name = CONFIG_FILE.rpartition("/")
    config = {file_name: alertmanager_yml(settings, args.secrets)}
    own = Scope(name, platform, SYSTEM, opts)
    account = service_account(own, "")
    texts = secret(own, "config", "alertmanager-config", config)
    service(own, "service", ALERTMANAGER_PORT)
    container = Container(
        name=SYSTEM,
        image=args.images.alertmanager,
        args=alertmanager_arguments(args.settings),
        env=POD_IP,
        ports={"metrics": ALERTMANAGER_PORT},
        resources=settings.resources,
        readiness=http_probe("/-/ready", ALERTMANAGER_PORT, timeout=5),
        liveness=http_probe("/-/healthy", ALERTMANAGER_PORT, timeout=5),
        mounts={"config": directory, "data": DATA_DIRECTORY},
    )
    pod = Pod(
        uid=UID,
        component="monitoring",
        files=[config],
        containers=[container],
        volumes={"config": SecretFiles("alertmanager-config")},
    )
    stateful_set(
        own,
        "stateful-set",
        pod,
        replicas=1,
        claims={"data": settings.storage},
        opts=own.options(after=[account, texts]),
    )
