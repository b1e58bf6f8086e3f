"""What holds of everything that is declared: who owns it, what is exported, which change rolls which pods."""

import importlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from review import replacements
from review.masking import masked
from stack.configuration_texts import kubernetes_bytes, kubernetes_millicores
from stack.environments import ROOT, environments, stack_config
from stack.render import Rendered, render
from stack.resource import Resource
from stack.values import HIDDEN, UNKNOWN

TAGS = {"project", "environment", "component", "owner"}
LABELS = {f"app.kubernetes.io/{name}" for name in ("name", "component", "part-of", "managed-by", "instance")}
WORKLOADS = (":Deployment", ":StatefulSet", ":Job", ":CronJob")


def _takes_tags(type_: str) -> bool:
    """Whether AWS can tag resources of this type, by the SDK's own arguments."""
    _, module, name = type_.split(":")
    found = importlib.import_module(f"pulumi_aws.{module.split('/')[0]}")
    return hasattr(getattr(found, name), "tags")


def test_everything_that_aws_can_tag_says_what_it_belongs_to(environment: Rendered) -> None:
    ours = [resource for resource in environment.resources if resource.type.startswith("aws:")]
    tagged = {resource.name: resource.inputs.get("tags") for resource in ours if _takes_tags(resource.type)}
    assert len(tagged) >= 15
    for name, tags in tagged.items():
        assert tags is not None, name
        assert tags.keys() >= TAGS, name
        assert (tags["project"], tags["environment"]) == ("simone", environment.environment), name


def test_every_kubernetes_object_and_pod_says_what_it_belongs_to(environment: Rendered) -> None:
    ours = [resource for resource in environment.resources if resource.type.startswith("kubernetes:")]
    for resource in ours:
        assert resource.inputs["metadata"]["labels"].keys() >= LABELS, resource.name
    for resource in _workloads(environment):
        assert _template(resource)["metadata"]["labels"].keys() >= LABELS, resource.name


def test_exports_are_useful_and_never_secret(environment: Rendered) -> None:
    assert environment.exports.keys() == {"namespace", "database_address", "backup_bucket", "gateway_host", "shop_host"}
    assert environment.secret_exports == frozenset()
    assert "placeholder-for-" not in json.dumps(environment.exports)
    assert masked("", environment.exports, frozenset()) == environment.exports
    assert HIDDEN not in json.dumps(environment.exports)


def _workloads(rendered: Rendered) -> list[Resource]:
    return [resource for kind in WORKLOADS for resource in rendered.of(kind)]


def _template(workload: Resource) -> Mapping[str, Any]:
    spec = workload.inputs["spec"]
    return spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]


def _read(workload: Resource) -> set[str]:
    """The ConfigMaps and Secrets that a pod reads: `ConfigMap/redis-data`."""
    found: set[str] = set()

    def search(value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if key in ("configMap", "configMapRef", "configMapKeyRef"):
                    found.add(f"ConfigMap/{inner['name']}")
                elif key in ("secret", "secretRef", "secretKeyRef"):
                    found.add(f"Secret/{inner.get('secretName') or inner['name']}")
                search(inner)
        elif isinstance(value, list):
            for inner in value:
                search(inner)

    search(_template(workload)["spec"])
    return found


def _texts(rendered: Rendered) -> dict[str, Any]:
    return {
        f"{kind}/{holder.inputs['metadata']['name']}": (holder.inputs.get("data"), holder.inputs.get("stringData"))
        for kind in ("ConfigMap", "Secret")
        for holder in rendered.of(f"core/v1:{kind}")
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def _rolled(before: Rendered, after: Rendered) -> set[str]:
    """The servers whose pods a deployment of the change restarts."""
    kinds = (":Deployment", ":StatefulSet")
    templates = [{w.name: _template(w) for kind in kinds for w in r.of(kind)} for r in (before, after)]
    return _changed(*templates)


@pytest.mark.parametrize("name", environments())
def test_a_changed_text_changes_in_place(name: str) -> None:
    """Objects have fixed names: a replacement would delete the text before the new one is there."""
    config = stack_config(name)
    assert config["kubernetes:enableConfigMapMutable"] is True
    assert config["kubernetes:enableSecretMutable"] is True


def test_a_changed_text_rolls_exactly_the_servers_that_read_it(rendered: Callable[[str], Rendered]) -> None:
    before = rendered("prod")
    stack = stack_config("prod")
    config = {
        "simone:redis": {**stack["simone:redis"], "data": {"maxmemory": "5GiB", "repl_backlog": "32MiB"}},
        "simone:pgbouncer": {**stack["simone:pgbouncer"], "reserve_pool_timeout": "4s"},
    }
    after = render("prod", config=config)
    texts = _changed(_texts(before), _texts(after))
    assert texts == {"ConfigMap/redis-data", "ConfigMap/pgbouncer"}
    assert _rolled(before, after) == {"redis-data-nodes", "pgbouncer-deployment"}
    assert {w.name for w in _workloads(after) if _read(w) & texts} == {"redis-data-nodes", "pgbouncer-deployment"}


def test_a_changed_secret_rolls_exactly_the_servers_that_read_it(rendered: Callable[[str], Rendered]) -> None:
    before = rendered("prod")
    after = render("prod", secrets={"postgres": {"app": "another-password-of-the-app-role"}})
    texts = _changed(_texts(before), _texts(after))
    assert texts == {"Secret/pgbouncer", "Secret/api-secrets", "Secret/api-owner-secrets"}
    reading = {
        w.name for w in _workloads(after) if _read(w) & texts and w.type.endswith((":Deployment", ":StatefulSet"))
    }
    assert _rolled(before, after) == reading == {"api-deployment", "api-worker-deployment", "pgbouncer-deployment"}


def _needed(workload: Resource, texts: Mapping[str, Any]) -> set[str]:
    """What must be in the cluster before the pods: what they mount, their account, the Services that they are told."""
    mounted = _read(workload)
    told = json.dumps([_template(workload), [texts[name] for name in mounted]])
    services = {name.lower().replace("_", "-") for name in re.findall(r"[({](\w+)_SERVICE_(?:HOST|PORT)[)}]", told)}
    account = _template(workload)["spec"]["serviceAccountName"]
    return {*mounted, f"ServiceAccount/{account}", *(f"Service/{name}" for name in services)}


def test_pods_come_after_all_that_they_read(environment: Rendered) -> None:
    """Else a roll-out may start with the text before, and the kubelet tells no pod of a Service that comes later."""
    by_urn = {resource.urn: resource for resource in environment.resources}
    texts = _texts(environment)

    def before(urn: str) -> set[str]:
        found = set(by_urn[urn].dependencies)
        return found.union(*(before(dependency) for dependency in found))

    missing: dict[str, set[str]] = {}
    for workload in _workloads(environment):
        there = {
            f"{by_urn[urn].inputs['kind']}/{by_urn[urn].inputs['metadata']['name']}"
            for urn in before(workload.urn)
            if by_urn[urn].type.startswith("kubernetes:")
        }
        if late := _needed(workload, texts) - there:
            missing[workload.name] = late
    assert missing == {}


def _longest(workload: Resource) -> int:
    """Seconds that a roll-out (of a Job: its run) may take by what is declared."""
    spec = workload.inputs["spec"]
    if workload.type.endswith(":Job"):
        return int(spec["activeDeadlineSeconds"])
    pod = spec["template"]["spec"]
    probes = [container.get("startupProbe", {}) for container in pod["containers"]]
    start = max(probe.get("periodSeconds", 10) * probe.get("failureThreshold", 0) for probe in probes)
    stop = pod.get("terminationGracePeriodSeconds", 30)
    return int(spec["replicas"] * (start + spec.get("minReadySeconds", 0) + stop))


def test_the_engine_waits_as_long_as_it_may_take(environment: Rendered) -> None:
    """Pods of a StatefulSet go one after the other; Pulumi gives each workload ten minutes unless told otherwise."""
    for kind in (":StatefulSet", ":Job"):
        for workload in environment.of(kind):
            timeouts = workload.options.get("customTimeouts", {})
            for operation in ("create", "update"):
                patience = int(timeouts.get(operation, "600s").removesuffix("s"))
                assert patience >= _longest(workload), (workload.name, operation)


def test_the_quota_holds_all_pods_at_their_most_and_a_roll_out_s_surge(environment: Rendered) -> None:
    scalers = [scaler.inputs["spec"] for scaler in environment.of(":HorizontalPodAutoscaler")]
    most = {spec["scaleTargetRef"]["name"]: spec["maxReplicas"] for spec in scalers}
    needed = {"pods": 0, "requests.cpu": 0, "requests.memory": 0, "requests.storage": 0}
    for workload in _workloads(environment):
        spec = workload.inputs["spec"]
        count = most.get(workload.inputs["metadata"]["name"], spec.get("replicas", 1))
        pods = count + (1 if workload.type.endswith(":Deployment") else 0)
        requests = [container["resources"]["requests"] for container in _template(workload)["spec"]["containers"]]
        claims = [claim["spec"]["resources"]["requests"] for claim in spec.get("volumeClaimTemplates", ())]
        needed["pods"] += pods
        needed["requests.cpu"] += pods * sum(kubernetes_millicores(request["cpu"]) for request in requests)
        needed["requests.memory"] += pods * sum(kubernetes_bytes(request["memory"]) for request in requests)
        needed["requests.storage"] += count * sum(kubernetes_bytes(claim["storage"]) for claim in claims)
    hard = environment.of(":ResourceQuota")[0].inputs["spec"]["hard"]
    assert needed["pods"] <= int(hard["pods"])
    assert needed["requests.cpu"] <= kubernetes_millicores(hard["requests.cpu"])
    assert needed["requests.memory"] <= kubernetes_bytes(hard["requests.memory"])
    assert needed["requests.storage"] <= kubernetes_bytes(hard["requests.storage"])


def test_of_every_declared_type_the_review_knows_what_replaces_it(environment: Rendered) -> None:
    types = {resource.type for resource in environment.resources if resource.custom}
    assert {type_ for type_ in types if not replacements.is_known(type_)} == set()


def test_whoever_talks_to_postgres_itself_verifies_it(rendered: Callable[[str], Rendered]) -> None:
    found: dict[str, set[str]] = {}
    for workload in _workloads(rendered("prod")):
        for container in _template(workload)["spec"]["containers"]:
            variables = {entry["name"]: entry.get("value") for entry in container.get("env", ())}
            if variables.get("DATABASE_HOST") == UNKNOWN and container["name"] != "pgbouncer":  # its file says so
                found[workload.name] = {str(variables.get("PGSSLMODE")), str(variables.get("PGSSLROOTCERT"))}
    assert len(found) >= 4
    assert set(map(frozenset, found.values())) == {frozenset({"verify-full", "/opt/simone/rds-global-bundle.pem"})}
    for image in ("api", "operations"):
        assert "/opt/simone/rds-global-bundle.pem\n" in (ROOT / "app" / image / "Dockerfile").read_text()


SLOW_TO_START = {"api", "storefront", "operations", "grafana", "prometheus", "redis", "gateway"}
"""Images whose programs read data, fill a database or import for seconds before they answer."""


def test_no_slow_starter_is_killed_before_it_has_started(environment: Rendered) -> None:
    probed = {
        f"{resource.object_name}/{container['name']}": "startupProbe" in container
        for resource in environment.resources
        if resource.is_server
        for container in resource.pod["containers"]
        if "livenessProbe" in container
        and re.sub(r"[:@].*", "", container["image"]).rpartition("/")[2] in SLOW_TO_START
    }
    assert len(probed) >= 9
    assert [name for name, has_one in probed.items() if not has_one] == []
