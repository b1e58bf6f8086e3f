"""The worker that spreads invalidations: it takes what writes left in the outbox to every layer that keeps copies."""

import pulumi

from components import workload
from components.api.pods import ApplicationArgs, application_deployment
from components.network.flows import APPLICATION_METRICS_PORT

SYSTEM = "api-worker"
# Either may take any event, and an event may run twice; the second is there when the first is lost.
REPLICAS = 2


class ApiWorker(pulumi.ComponentResource):
    """Pods without a Service: nobody calls them, Prometheus apart."""

    def __init__(self, name: str, args: ApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("simone:api:ApiWorker", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = workload.service_account(f"{name}-account", args.platform, SYSTEM, opts=child)
        application_deployment(
            f"{name}-deployment",
            args,
            SYSTEM,
            "worker",
            http_port=APPLICATION_METRICS_PORT,
            resources=args.settings.worker_resources,
            replicas=REPLICAS,
            opts=workload.after(child, account, *args.after),
        )
        workload.disruption_budget(f"{name}-budget", args.platform, SYSTEM, opts=child)
        self.register_outputs({})
