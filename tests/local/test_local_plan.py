"""From manifests to what runs on this machine, without running anything."""

from pathlib import Path
from typing import Any

import pytest

from local import balancer, discovery
from local.environment_variables import expand
from local.images import catalogue
from local.plan import LocalPlan, PlannedPod, Planner
from local.problem import Problem
from local.spec import dump, load
from local.state import State
from local.workloads import distinct_number
from testing.manifests import Stack

STATE = State(Path("/state"))


def planned(stack: Stack) -> LocalPlan:
    return Planner(stack.resources, STATE, catalogue()).plan()


def pod(plan: LocalPlan, name: str) -> PlannedPod:
    return next(each for each in plan.pods if each.name == name)


def container(**more: Any) -> dict[str, Any]:
    return {"name": "main", "image": "redis:7.2.7", "command": ["redis-server"], **more}


def deployment(stack: Stack, name: str, replicas: int | None = 1, **spec: Any) -> str:
    template = {
        "metadata": {"labels": {"app.kubernetes.io/name": name}},
        "spec": {"containers": [container()], **spec},
    }
    counted = {} if replicas is None else {"replicas": replicas}
    return stack.add("Deployment", name, spec={**counted, "template": template})


def service(stack: Stack, name: str, port: int, target: int | str | None = None) -> None:
    ports = [{"name": "main", "port": port, **({"targetPort": target} if target else {})}]
    stack.add("Service", name, spec={"selector": {"app.kubernetes.io/name": name}, "ports": ports})


def test_every_pod_has_a_loopback_address_of_its_own() -> None:
    stack = Stack()
    for number in range(20):
        deployment(stack, f"system-{number}", 3)
    addresses = [each.pod.address for each in planned(stack).pods]
    assert len(set(addresses)) == 60
    assert all(address.startswith("127.0.") and address != "127.0.0.1" for address in addresses)


def test_an_added_workload_leaves_the_others_their_addresses() -> None:
    stack = Stack()
    deployment(stack, "api", 2)
    before = pod(planned(stack), "api-1").pod.address
    deployment(stack, "gateway", 2)
    assert pod(planned(stack), "api-1").pod.address == before


def test_a_job_whose_name_changes_moves_nobody() -> None:
    stack = Stack()
    stack.add("StatefulSet", "gateway", spec={"replicas": 1, "template": {"spec": {"containers": [container()]}}})
    before = pod(planned(stack), "gateway-0").pod.address

    def number(name: str) -> int:
        return distinct_number(name, set(), 10, 249)

    same = next(f"purge-{run}" for run in range(10_000) if number(f"Job/purge-{run}") == number("StatefulSet/gateway"))
    stack.add("Job", same, spec={"template": {"spec": {"containers": [container()]}}})
    assert pod(planned(stack), "gateway-0").pod.address == before


def test_a_service_of_several_pods_is_on_localhost_behind_the_balancer() -> None:
    stack = Stack()
    deployment(stack, "api", 2)
    service(stack, "api", 3000)
    plan = planned(stack)
    assert plan.services[0].address == "127.0.0.1"
    addresses = {each.name: each.pod.address for each in plan.pods}
    text = balancer.configuration(plan.services, addresses)
    assert "bind 127.0.0.1:3000" in text
    assert f"server api-1 {addresses['api-1']}:3000 agent-addr {addresses['api-1']}" in text


def test_a_service_of_one_named_pod_is_that_pods_address() -> None:
    stack = Stack()
    stack.redis("cache", replicas=2)
    plan = planned(stack)
    named = next(each for each in plan.services if each.name == "cache-1")
    assert (named.address, named.balanced) == (pod(plan, "cache-1").pod.address, False)


def test_two_services_with_one_port_get_an_address_each() -> None:
    stack = Stack()
    for name in ("first", "second"):
        deployment(stack, name)
        service(stack, name, 9121)
    first, second = planned(stack).services
    assert first.address == "127.0.0.1"
    assert second.address.startswith("127.0.2.")


def test_a_container_gets_the_kubelets_service_variables_and_may_use_them() -> None:
    stack = Stack()
    stack.redis("cache", env=[{"name": "TARGET", "value": "$(API_SERVICE_HOST):$(API_SERVICE_PORT_MAIN)/$$(X)/$(NO)"}])
    deployment(stack, "api", 2)
    service(stack, "api", 3000)
    environment = pod(planned(stack), "cache-0").pod.containers[0].environment
    assert environment["TARGET"] == "127.0.0.1:3000/$(X)/$(NO)"
    assert environment["API_PORT"] == "tcp://127.0.0.1:3000"
    assert environment["CACHE_0_SERVICE_HOST"] == pod(planned(stack), "cache-0").pod.address


def test_an_unknown_variable_stays_as_it_is_written() -> None:
    assert expand("$(A) $(B) $$(A)", {"A": "1"}) == "1 $(B) $(A)"


def test_a_pod_finds_services_by_their_cluster_names() -> None:
    stack = Stack()
    stack.add("Namespace", "shop")
    deployment(stack, "api", 2)
    service(stack, "api", 3000)
    assert "127.0.0.1 api api.shop api.shop.svc api.shop.svc.cluster.local" in pod(planned(stack), "api-0").pod.hosts


def test_a_pod_of_a_stateful_set_has_a_name_under_its_governing_service() -> None:
    stack = Stack()
    stack.redis("cache", replicas=2)
    first, second = (each.pod for each in planned(stack).pods)
    assert f"{second.address} cache-1.cache cache-1.cache.default" in first.hosts


def test_the_autoscalers_minimum_is_what_runs() -> None:
    stack = Stack()
    deployment(stack, "api", replicas=None)
    stack.add("HorizontalPodAutoscaler", "api", spec={"minReplicas": 3, "scaleTargetRef": {"name": "api"}})
    assert len(planned(stack).pods) == 3


def test_configuration_and_secrets_become_files_with_their_modes() -> None:
    stack = Stack()
    stack.add("ConfigMap", "texts", data={"a.conf": "one", "b.conf": "two"})
    stack.add("Secret", "keys", data={"password": "cGFzcw=="}, stringData={"token": "t"})
    stack.redis("cache", volumeMounts=[{"name": "texts", "mountPath": "/etc/cache", "readOnly": True}])
    spec = stack.resources[-1].inputs["spec"]["template"]["spec"]
    spec["volumes"] = [
        {"name": "texts", "configMap": {"name": "texts", "items": [{"key": "b.conf", "path": "only.conf"}]}},
        {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o400}},
    ]
    texts, keys = pod(planned(stack), "cache-0").volumes
    assert texts.files == {"only.conf": ("two", 0o644)}
    assert keys.files == {"password": ("pass", 0o400), "token": ("t", 0o400)}


def test_a_claim_keeps_its_directory_and_an_empty_directory_is_emptied_at_each_start() -> None:
    stack = Stack()
    stack.redis("cache", volumeMounts=[{"name": "data", "mountPath": "/data"}, {"name": "run", "mountPath": "/run"}])
    stack.resources[-1].inputs["spec"]["template"]["spec"]["volumes"] = [{"name": "run", "emptyDir": {}}]
    planned_pod = pod(planned(stack), "cache-0")
    assert planned_pod.directories == ("/state/volumes/data-cache-0",)
    assert planned_pod.pod.scratch == ("/state/pods/cache-0/scratch/run",)


def test_a_job_comes_after_what_it_depends_on_and_before_what_depends_on_it() -> None:
    stack = Stack()
    database = stack.redis("database")
    template = {"template": {"spec": {"restartPolicy": "Never", "containers": [container()]}}}
    account = stack.add("ServiceAccount", "migrate", after=(database,))
    job = stack.add("Job", "migrate", after=(account,), spec=template)
    stack.redis("api", after=(stack.add("ConfigMap", "api", after=(job,)),))
    plan = planned(stack)
    assert plan.jobs[0].needs == ("database-0",)
    assert pod(plan, "api-0").after == ("migrate",)
    assert pod(plan, "database-0").after == ()


def test_a_changed_configuration_text_changes_the_pods_fingerprint_alone() -> None:
    def fingerprints(text: str) -> dict[str, str]:
        stack = Stack()
        stack.add("ConfigMap", "texts", data={"a.conf": text})
        stack.redis("cache")
        stack.resources[-1].inputs["spec"]["template"]["spec"]["volumes"] = [
            {"name": "texts", "configMap": {"name": "texts"}}
        ]
        stack.redis("other")
        return {each.name: each.fingerprint() for each in planned(stack).pods}

    before, after = fingerprints("one"), fingerprints("two")
    assert before["cache-0"] != after["cache-0"]
    assert before["other-0"] == after["other-0"]


def test_the_launcher_reads_back_what_was_planned(tmp_path: Path) -> None:
    stack = Stack()
    stack.redis(
        "cache",
        livenessProbe={"httpGet": {"path": "/live", "port": "redis", "httpHeaders": [{"name": "X", "value": "1"}]}},
        lifecycle={"preStop": {"exec": {"command": ["sh", "-c", "sleep 1"]}}},
    )
    written = pod(planned(stack), "cache-0").pod
    (tmp_path / "pod.json").write_text(dump(written))
    assert load(tmp_path / "pod.json") == written


def test_prometheus_gets_the_labels_that_a_cluster_would_give() -> None:
    stack = Stack()
    stack.add("Namespace", "shop")
    stack.redis("cache", ports=[{"name": "metrics", "containerPort": 9121}])
    plan = planned(stack)
    (target,) = discovery.targets(plan.pods, plan.namespace)
    assert target["targets"] == [f"{plan.pods[0].pod.address}:9121"]
    labels = target["labels"]
    assert isinstance(labels, dict)
    assert labels["__meta_kubernetes_namespace"] == "shop"
    assert labels["__meta_kubernetes_pod_label_app_kubernetes_io_name"] == "cache"
    assert labels["__meta_kubernetes_pod_container_port_name"] == "metrics"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": "ghcr.io/acme/mystery:1"}, ["cache-0", "ghcr.io/acme/mystery:1", "redis_exporter"]),
        (
            {"env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "lost", "key": "p"}}}]},
            ["cache-0", "Secret", "lost"],
        ),
        (
            {"env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "spec.wrong"}}}]},
            ["cache-0", "spec.wrong", "status.podIP"],
        ),
        ({"volumeMounts": [{"name": "lost", "mountPath": "/x"}]}, ["cache-0", "lost"]),
    ],
)
def test_what_cannot_run_here_is_said_by_name(change: dict[str, Any], words: list[str]) -> None:
    stack = Stack()
    stack.redis("cache", **change)
    with pytest.raises(Problem) as problem:
        planned(stack)
    assert all(word in str(problem.value) for word in words)
