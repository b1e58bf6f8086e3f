"""The worker that spreads invalidations: it takes what writes left in the outbox to every layer that keeps copies."""

import pulumi

from components.api.pods import ApplicationArgs, application_deployment
from components.kubernetes.account import service_account
from components.kubernetes.budget import disruption_budget
from components.kubernetes.flows import APPLICATION_METRICS_PORT
from components.kubernetes.scope import Scope

SYSTEM = "api-worker"
# Either may take any event, and an event may run twice; the second is there when the first is lost.
REPLICAS = 2


class ApiWorker(pulumi.ComponentResource):
    """Pods without a Service: only Prometheus connects to them."""

    def __init__(self, name: str, args: ApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:api:ApiWorker", name, None, opts)
        own = Scope(name, args.platform, SYSTEM, pulumi.ResourceOptions(parent=self))
        application_deployment(
            own,
            args,
            "worker",
            http_port=APPLICATION_METRICS_PORT,
            resources=args.settings.worker_resources,
            replicas=REPLICAS,
            after=[service_account(own, "account"), *args.after],
        )
        disruption_budget(own)
        self.register_outputs({})
