"""What `make up` brings up: the rendered stack as pods, with those that stand for AWS and for kube-proxy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local import balancer, builds, certificates, cloud, database, mailbox, packages, preflight, sandbox, secrets_file
from local.edge import pods as edge
from local.images import catalogue
from local.plan import LocalPlan, PlannedPod, Planner
from local.problem import Problem
from local.state import State
from stack.environments import RenderError, stack_config
from stack.render import render
from stack.resource import Resource

STACK = "local"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The rendered stack, its plan, and all pods that run: the plan's and those of this machine's own."""

    resources: Sequence[Resource]
    plan: LocalPlan
    pods: Sequence[PlannedPod]
    region: str

    @property
    def fingerprints(self) -> dict[str, str]:
        return {pod.name: pod.fingerprint() for pod in self.pods}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the stack comes from: its file, in which tests replace keys by `config`, or a test's own `resources`."""

    state: State
    config: Mapping[str, Any]
    resources: Sequence[Resource] | None

    def declared(self) -> Declared:
        """Render and plan. Raises Problem for a wrong setting, and for what can't run here."""
        secrets = secrets_file.load(self.state)
        resources = self._render(secrets) if self.resources is None else self.resources
        images = catalogue(ca_file=self.state.certificates / certificates.CA_FILE)
        instance = database.declared(resources, secrets.get("POSTGRES_OWNER", ""))
        mail_port = mailbox.port(resources)
        plan = Planner(
            resources,
            self.state,
            images,
            reserved=(database.PORT, cloud.PORT, balancer.HEALTH_PORT, *((mail_port,) if mail_port else ())),
            providers={instance.urn: database.NAME} if instance else {},
        ).plan()
        pods = [_with_sources(pod) for pod in plan.pods]
        if any(resource.type.startswith("aws:") for resource in resources):
            pods.append(cloud.pod(self.state, images))
        if edge.declared(resources):
            zone = {**stack_config(STACK), **self.config}["simone:edge"]
            pods += map(_with_sources, edge.pods(resources, zone, secrets, self.state, images))
        if mail_port:
            pods.append(mailbox.pod(mail_port, self.state, images))
        if instance:
            pods.append(database.pod(instance, secrets[secrets_file.SUPERUSER_PASSWORD], self.state))
        if any(service.balanced for service in plan.services):
            addresses = {pod.name: pod.pod.address for pod in plan.pods}
            pods.append(balancer.pod(plan.services, addresses, self.state, images))
        region = str({**stack_config(STACK), **self.config}["aws:region"])
        return Declared(resources=resources, plan=plan, pods=pods, region=region)

    def _render(self, secrets: Mapping[str, str]) -> Sequence[Resource]:
        settings = secrets_file.as_setting(secrets)
        try:
            return render(STACK, config=self.config, secrets=settings, resolve=cloud.resolve).resources
        except RenderError as error:
            raise Problem(str(error)) from None

    def prepare(self, say: Callable[[str], None]) -> Declared:
        """Install and build what the stack needs and lacks: everything that needs the internet."""
        preflight.check_platform(*preflight.this_platform())
        self.state.create()
        say("rendering the stack")
        found = self.declared()
        instance = database.declared(found.resources, "")
        if instance and database.fetch(instance, say):
            found = self.declared()
        pods = [*found.pods, *found.plan.jobs, *found.plan.cron_jobs]
        missing = {package for pod in pods if pod.missing for package in pod.packages}
        missing |= set() if Path(sandbox.PROGRAM).exists() else {sandbox.PACKAGE}
        if missing:
            say(f"installing {', '.join(sorted(missing))}")
            packages.install(missing)
        built = any(pod.built for pod in pods) and builds.ensure_storefront(say)
        return self.declared() if missing or built else found


def _with_sources(pod: PlannedPod) -> PlannedPod:
    """The pod with a hash of its image's sources in its environment, so that a changed source restarts it."""
    if not pod.sources:
        return pod
    newest = 0
    for source in map(Path, pod.sources):
        files = source.rglob("*.py") if source.is_dir() else [source]
        newest = max([newest, *(file.stat().st_mtime_ns for file in files if file.exists())])
    containers = tuple(
        replace(each, environment={**each.environment, "SIMONE_SOURCE_STATE": str(newest)})
        for each in pod.pod.containers
    )
    return replace(pod, pod=replace(pod.pod, containers=containers))
