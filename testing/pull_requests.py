"""Realistic pull requests against a small production stack, each as the change that it makes to what is declared.

The stack (pull_requests_base.json) is part of a real render, kept as it was: a pinned report changes only when the code
that reads the stack changes.
"""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review.checkouts import parse
from review.compare import compare
from review.plan import Plan
from stack.render import Rendered
from stack.resource import Resource

BASE = Path(__file__).with_name("pull_requests_base.json")
PROVIDERS: Mapping[str, Mapping[str, Any]] = {
    "kubernetes": {"enableConfigMapMutable": True, "enableSecretMutable": True}
}


@dataclass
class Editor:
    """The stack as a pull request changes it."""

    resources: dict[str, Resource]
    exports: dict[str, Any]

    def inputs(self, name: str) -> dict[str, Any]:
        changed = self.resources[name]
        copied = copy.deepcopy(dict(changed.inputs))
        self.resources[name] = dataclasses.replace(changed, inputs=copied)
        return copied

    def container(self, name: str) -> dict[str, Any]:
        first: dict[str, Any] = self.inputs(name)["spec"]["template"]["spec"]["containers"][0]
        return first

    def text(self, name: str, file: str, old: str, new: str) -> None:
        data = self.inputs(name)["data"]
        assert old in data[file]
        data[file] = data[file].replace(old, new)

    def follow(self, name: str, checksum: str) -> None:
        """Restart a server's pods for a changed file that they read, as the program does."""
        annotations = self.inputs(name)["spec"]["template"]["metadata"]["annotations"]
        annotations["simone.shop/config-checksum"] = checksum

    def parameter(self, name: str, value: str) -> None:
        entries = self.inputs("postgres-parameters")["parameters"]
        next(entry for entry in entries if entry["name"] == name)["value"] = value

    def option(self, name: str, **changed: Any) -> None:
        self.resources[name] = dataclasses.replace(self.resources[name], **changed)

    def rename_component(self, old: str, new: str, *, alias: bool) -> None:
        """Rename a component and its children, as another name in its constructor would."""
        component = self.resources.pop(old)
        urn = component.urn.removesuffix(f"::{old}") + f"::{new}"
        aliases = (old,) if alias else ()
        self.resources[new] = dataclasses.replace(component, name=new, urn=urn, aliases=aliases)
        for name, child in list(self.resources.items()):
            if child.parent == component.urn:
                del self.resources[name]
                renamed = new + name.removeprefix(old)
                self.resources[renamed] = dataclasses.replace(
                    child, name=renamed, urn=child.urn.removesuffix(name) + renamed, parent=urn
                )
        for name, resource in self.resources.items():
            dependencies = tuple(self._renamed(dependency) for dependency in resource.dependencies)
            self.resources[name] = dataclasses.replace(resource, dependencies=dependencies, property_dependencies={})

    def _renamed(self, dependency: str) -> str:
        present = {resource.urn for resource in self.resources.values()}
        if dependency in present:
            return dependency
        chain = dependency.rsplit("::", 1)[0]
        return next(urn for urn in present if urn.rsplit("::", 1)[0] == chain)


def _nothing(_: Editor) -> None:
    pass


def _memory_raised(stack: Editor) -> None:
    stack.text("redis-data-config", "redis.conf", "maxmemory 5368709120", "maxmemory 6442450944")
    stack.follow("redis-data-nodes", "6f1d0c1d2f7a4b10")
    resources = stack.container("redis-data-nodes")["resources"]
    resources["requests"]["memory"] = resources["limits"]["memory"] = "12544Mi"


def _memory_cut(stack: Editor) -> None:
    stack.text("redis-data-config", "redis.conf", "maxmemory 5368709120", "maxmemory 1073741824")
    stack.follow("redis-data-nodes", "0b9f7c55e2d14a63")


def _reboot_parameter(stack: Editor) -> None:
    stack.parameter("max_connections", "1200")


def _immediate_parameter(stack: Editor) -> None:
    stack.parameter("work_mem", "40960")


def _component_renamed(stack: Editor) -> None:
    stack.rename_component("pgbouncer", "pooler", alias=False)


def _component_renamed_with_alias(stack: Editor) -> None:
    stack.rename_component("pgbouncer", "pooler", alias=True)


def _sentinel_removed(stack: Editor) -> None:
    stack.inputs("redis-sentinels")["spec"]["replicas"] = 2


def _bucket_opened(stack: Editor) -> None:
    stack.inputs("redis-backups-private")["blockPublicPolicy"] = False


def _cache_rule_reordered(stack: Editor) -> None:
    rules = stack.inputs("edge-request-cache-settings")["rules"]
    rules.insert(0, rules.pop())


def _secret_rotated(stack: Editor) -> None:
    stack.inputs("redis-node-secrets")["stringData"]["users.acl"] = "user app on #0123 ~* +@read"
    stack.follow("redis-data-nodes", "d41f3a9c7be2058e")


def _image_bumped(stack: Editor) -> None:
    container = stack.container("redis-data-nodes")
    container["image"] = container["image"].replace("7.2", "7.4")


def _component_deleted(stack: Editor) -> None:
    for name in [name for name in stack.resources if name.startswith("pgbouncer")]:
        del stack.resources[name]


def _database_renamed(stack: Editor) -> None:
    stack.inputs("postgres-instance")["dbName"] = "shop"


def _smaller_instance(stack: Editor) -> None:
    stack.inputs("postgres-instance")["instanceClass"] = "db.m7g.large"


def _volume_grown(stack: Editor) -> None:
    claim = stack.inputs("redis-data-nodes")["spec"]["volumeClaimTemplates"][0]
    claim["spec"]["resources"]["requests"]["storage"] = "100Gi"


def _protection_taken_off(stack: Editor) -> None:
    stack.option("redis-backups", protect=False)


def _service_added(stack: Editor) -> None:
    service = stack.resources["pgbouncer-service"]
    inputs = copy.deepcopy(dict(service.inputs))
    inputs["metadata"]["name"] = "pgbouncer-reports"
    stack.resources["pgbouncer-reports"] = dataclasses.replace(
        service, name="pgbouncer-reports", urn=f"{service.urn.rsplit('::', 1)[0]}::pgbouncer-reports", inputs=inputs
    )


def _variable_in_front(stack: Editor) -> None:
    stack.container("pgbouncer-deployment")["env"].insert(0, {"name": "TZ", "value": "UTC"})


def _migration_released(stack: Editor) -> None:
    job = stack.inputs("api-migrate")
    job["metadata"]["name"] = "api-migrate-0a1b2c3d"
    job["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/simone/api:1.1.0"


def _flow_added(stack: Editor) -> None:
    rules = stack.inputs("network-pgbouncer")["spec"]["ingress"]
    peer = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "reports"}}}
    rules.insert(1, {"from": [peer], "ports": [{"port": 6432, "protocol": "TCP"}]})


def _owner_changed(stack: Editor) -> None:
    for name, resource in list(stack.resources.items()):
        if "tags" in resource.inputs:
            stack.inputs(name)["tags"]["owner"] = "platform"


def _outputs_changed(stack: Editor) -> None:
    stack.exports |= {"database_address": "moved.example", "admin_token": "another"}


def _firewall_opened(stack: Editor) -> None:
    rule = stack.inputs("postgres-firewall-cluster")
    del rule["referencedSecurityGroupId"]
    rule["cidrIpv4"] = "0.0.0.0/0"


def _password_in_a_variable(stack: Editor) -> None:
    stack.container("pgbouncer-deployment")["env"].append({"name": "DATABASE_PASSWORD", "value": "hunter2-hunter2"})


PULL_REQUESTS: Mapping[str, Callable[[Editor], None]] = {
    "nothing": _nothing,
    "memory-raised": _memory_raised,
    "memory-cut": _memory_cut,
    "reboot-parameter": _reboot_parameter,
    "immediate-parameter": _immediate_parameter,
    "component-renamed": _component_renamed,
    "component-renamed-with-alias": _component_renamed_with_alias,
    "sentinel-removed": _sentinel_removed,
    "bucket-opened": _bucket_opened,
    "cache-rule-reordered": _cache_rule_reordered,
    "secret-rotated": _secret_rotated,
    "image-bumped": _image_bumped,
    "component-deleted": _component_deleted,
    "database-renamed": _database_renamed,
    "smaller-instance": _smaller_instance,
    "volume-grown": _volume_grown,
    "protection-taken-off": _protection_taken_off,
    "service-added": _service_added,
    "variable-in-front": _variable_in_front,
    "migration-released": _migration_released,
    "flow-added": _flow_added,
    "owner-changed": _owner_changed,
    "outputs-changed": _outputs_changed,
    "firewall-opened": _firewall_opened,
    "password-in-a-variable": _password_in_a_variable,
}


def base() -> Rendered:
    """The stack before any pull request."""
    return parse(BASE.read_text()).rendered["prod"]


def changed(name: str) -> Rendered:
    """The stack after a pull request."""
    before = base()
    editor = Editor({resource.name: resource for resource in before.resources}, dict(before.exports))
    PULL_REQUESTS[name](editor)
    return dataclasses.replace(before, resources=tuple(editor.resources.values()), exports=editor.exports)


def planned(name: str) -> Plan:
    """The plan of a pull request."""
    return compare(base(), changed(name), PROVIDERS)
