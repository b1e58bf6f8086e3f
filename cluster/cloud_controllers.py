"""`python -m cluster.cloud_controllers`: the parts of a cloud's controllers that the stack needs.

Volumes bound to a zone as EBS's are, a load balancer's host name, NetworkPolicies on each node, and the webhook that
gives pods of an annotated service account a token for AWS (IRSA).
"""

import base64
import http.server
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from cluster import pki
from cluster.layout import CONTROL, CONTROL_NAMESPACE, NODES, PKI, VOLUMES
from cluster.network import inside
from cluster.network_policies import UnsupportedPolicy, ruleset

NAME = "cloud-controllers"
STORAGE_CLASS, PROVISIONER = "gp3", "simone/local"
WEBHOOK_PORT = 9443
PERIOD = 0.5  # seconds between two reconciliations
_ZONE = "topology.kubernetes.io/zone"
_ROLE = "eks.amazonaws.com/role-arn"
_TOKEN_FOLDER = "/var/run/secrets/eks.amazonaws.com/serviceaccount"  # noqa: S105 (a path)


def command() -> list[str]:
    """The command that starts it."""
    return inside(CONTROL_NAMESPACE, sys.executable, "-m", "cluster.cloud_controllers")


def client() -> httpx.Client:
    """A client of the cluster's API with all rights."""
    context = ssl.create_default_context(cafile=str(pki.AUTHORITY))
    headers = {"Authorization": f"Bearer {pki.token('admin')}"}
    return httpx.Client(base_url=pki.API, headers=headers, verify=context, timeout=10)


class Controllers:
    """Reconciles the cluster with its objects, one call of `reconcile` after another."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self._applied: dict[str, str] = {}

    def _list(self, path: str) -> Sequence[Mapping[str, Any]]:
        # From the API server's memory, since this asks twice a second.
        answer = self._api.get(path, params={"resourceVersion": "0"}).raise_for_status()
        return answer.json()["items"]

    def reconcile(self) -> None:
        """Reconcile once. Raises UnsupportedPolicy for a policy that can't be enforced, after doing the rest."""
        self._provision()
        self._name_balancers()
        self._enforce()

    def _provision(self) -> None:
        """Create a volume for each pending claim, in the zone of its pod's node."""
        zones = {node.name: node.zone for node in NODES}
        for claim in self._list("/api/v1/persistentvolumeclaims"):
            metadata, spec = claim["metadata"], claim["spec"]
            placed = (metadata.get("annotations") or {}).get("volume.kubernetes.io/selected-node")
            waits = claim.get("status", {}).get("phase") == "Pending" and not spec.get("volumeName")
            if not waits or placed not in zones:
                continue
            name = f"pvc-{metadata['uid']}"
            path = VOLUMES / f"{metadata['namespace']}-{metadata['name']}-{metadata['uid'][:8]}"
            path.mkdir(parents=True, exist_ok=True)
            in_zone = {"matchExpressions": [{"key": _ZONE, "operator": "In", "values": [zones[placed]]}]}
            reference = {"namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
            answer = self._api.post(
                "/api/v1/persistentvolumes",
                json={
                    "apiVersion": "v1",
                    "kind": "PersistentVolume",
                    "metadata": {"name": name},
                    "spec": {
                        "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                        "accessModes": spec["accessModes"],
                        "persistentVolumeReclaimPolicy": "Retain",
                        "storageClassName": spec["storageClassName"],
                        "claimRef": reference,
                        "local": {"path": str(path)},
                        "nodeAffinity": {"required": {"nodeSelectorTerms": [in_zone]}},
                    },
                },
            )
            if answer.status_code != 409:  # created by the call before, and not listed yet
                answer.raise_for_status()

    def _name_balancers(self) -> None:
        for service in self._list("/api/v1/services"):
            metadata = service["metadata"]
            there = service.get("status", {}).get("loadBalancer", {}).get("ingress")
            if service["spec"].get("type") == "LoadBalancer" and not there:
                host = f"{metadata['name']}-0123456789abcdef.elb.eu-central-1.amazonaws.com"
                self._api.patch(
                    f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status",
                    content=json.dumps({"status": {"loadBalancer": {"ingress": [{"hostname": host}]}}}),
                    headers={"Content-Type": "application/merge-patch+json"},
                ).raise_for_status()

    def _enforce(self) -> None:
        policies = self._list("/apis/networking.k8s.io/v1/networkpolicies")
        pods = self._list("/api/v1/pods")
        namespaces = {
            each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in self._list("/api/v1/namespaces")
        }
        for node in NODES:
            text = ruleset(node.name, policies, pods, namespaces)
            if self._applied.get(node.name) != text:
                subprocess.run(inside(node.namespace, "nft", "-f", "-"), input=text, text=True, check=True)
                self._applied[node.name] = text


def token_patch(pod: Mapping[str, Any], role: str) -> list[dict[str, Any]]:
    """What EKS's webhook adds to a pod whose service account has a role: a token in a file, and where to find it."""
    source = {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}
    volume = {"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": source}]}}
    patch = [_appended(pod["spec"], "/spec/volumes", "volumes", volume)]
    values = {
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{_TOKEN_FOLDER}/token",
    }
    mount = {"name": "aws-iam-token", "mountPath": _TOKEN_FOLDER, "readOnly": True}
    for number, container in enumerate(pod["spec"]["containers"]):
        path = f"/spec/containers/{number}"
        there = [each["name"] for each in container.get("env") or ()]
        added = [{"name": name, "value": value} for name, value in values.items() if name not in there]
        environment = [*(container.get("env") or ()), *added]
        patch.append({"op": "add", "path": f"{path}/env", "value": environment})
        patch.append(_appended(container, f"{path}/volumeMounts", "volumeMounts", mount))
    return patch


def _appended(holder: Mapping[str, Any], path: str, key: str, value: object) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": [*(holder.get(key) or ()), value]}


class _Webhook(http.server.BaseHTTPRequestHandler):
    api: httpx.Client

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: every new pod makes a request."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        pod, account = request["object"], request["object"]["spec"].get("serviceAccountName", "default")
        found = self.api.get(f"/api/v1/namespaces/{request['namespace']}/serviceaccounts/{account}").json()
        role = (found.get("metadata", {}).get("annotations") or {}).get(_ROLE)
        response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        if role:
            patch = base64.b64encode(json.dumps(token_patch(pod, role)).encode()).decode()
            response |= {"patchType": "JSONPatch", "patch": patch}
        answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _serve_webhook(api: httpx.Client) -> None:
    _Webhook.api = api
    server = http.server.ThreadingHTTPServer((CONTROL, WEBHOOK_PORT), _Webhook)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PKI / "webhook.crt", PKI / "webhook.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Reconcile until ended. Errors are printed, and the next call tries again."""
    with client() as api:
        _serve_webhook(api)
        controllers = Controllers(api)
        said = ""
        while True:
            try:
                controllers.reconcile()
            except (httpx.HTTPError, UnsupportedPolicy, subprocess.CalledProcessError, OSError) as error:
                if str(error) != said:
                    said = str(error)
                    print(said, file=sys.stderr, flush=True)
            time.sleep(PERIOD)


if __name__ == "__main__":
    main()
