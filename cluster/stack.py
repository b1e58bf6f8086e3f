"""The stack on the cluster: its settings and made-up secrets, the real engine with the real Kubernetes provider.

AWS and Cloudflare are the engine tests' stand-ins; what the stack's pods ask of AWS is made in a moto server.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import yaml

from cluster import images
from cluster.layout import CLOUD, CONTROL_NAMESPACE, ENVIRONMENT, KUBECONFIG, LOGS, PKI, PROGRAMS, STACK, STATE
from cluster.network import inside
from local import cloud
from local.problem import Problem
from stack.environments import stack_config
from stack.render import Rendered, render
from stack.secret_placeholders import with_placeholders
from tools.engine.project import Project, flat
from tools.engine.provider import computed

_SECRETS = STATE / "secrets.json"
_CERTIFICATES = {
    "edge.origin_certificate": "origin.crt",
    "edge.origin_key": "origin.key",
    "edge.client_certificate": "edge.crt",
    "edge.client_key": "edge.key",
}
Progress = Callable[[str, int], None]
"""Called with the current step and the number of resources that are done."""


def hosts() -> list[str]:
    """The shop's host names."""
    return list(stack_config(ENVIRONMENT)["simone:gateway"]["hosts"])


def database_host() -> str:
    """The database's host name in the stack."""
    identifier = f"simone-{ENVIRONMENT}-postgres"
    return str(computed("aws:rds/instance:Instance", "", {"identifier": identifier})["address"])


def config() -> dict[str, Any]:
    """The settings that differ from the stack file: the CA of the edge's certificate, and the images' version."""
    declared = stack_config(ENVIRONMENT)
    return {
        "simone:gateway": {**declared["simone:gateway"], "edge_ca": (PKI / "edge-ca.crt").read_text()},
        "simone:images": {**declared["simone:images"], "version": images.version()},
    }


def plain_secrets() -> dict[str, Any]:
    """The stack's secrets, generated once; certificates are this cluster's own."""
    if _SECRETS.exists():
        return json.loads(_SECRETS.read_text())
    made = _made_up(with_placeholders(None, None, stack_config(ENVIRONMENT)), "")
    _SECRETS.touch(mode=0o600)
    _SECRETS.write_text(json.dumps(made, indent=1))
    return made


def _made_up(values: Mapping[str, Any], path: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in values.items():
        inner = f"{path}{name}"
        if isinstance(value, Mapping):
            made[name] = _made_up(value, f"{inner}.")
        else:
            file = _CERTIFICATES.get(inner)
            made[name] = (PKI / file).read_text() if file else secrets.token_urlsafe(24)
    return made


@cache
def declared() -> Rendered:
    """The stack as it is applied: rendered offline, once, with this cluster's secrets and the stand-in's outputs."""

    def answers(kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return computed(kind, name, dict(inputs))

    return render(ENVIRONMENT, config=config(), secrets=plain_secrets(), resolve=answers)


def project() -> Project:
    """The stack as the engine's project: created once; its settings follow the stack file."""
    made = Project(
        ENVIRONMENT,
        directory=STACK,
        programs=[PROGRAMS],
        command=inside(CONTROL_NAMESPACE),
        environment={
            "KUBECONFIG": str(KUBECONFIG),
            "PULUMI_K8S_CLIENT_QPS": "50",
            "PULUMI_K8S_CLIENT_BURST": "100",
        },
    )
    if made.run("stack", "select", ENVIRONMENT).code != 0:
        made.__enter__()
    _follow(made)
    return made


def _follow(made: Project) -> None:
    """Rewrite the project's stack file with this cluster's settings; keep what the engine has added."""
    kept = yaml.safe_load(made.stack_file.read_text())
    settings = {key: value for key, value in stack_config(ENVIRONMENT).items() if key != "simone:secrets"} | config()
    own = {"simone:secrets": kept["config"]["simone:secrets"]} if "simone:secrets" in kept["config"] else {}
    made.stack_file.write_text(yaml.safe_dump({**kept, "config": {**settings, **own}}, sort_keys=False))
    if not own:
        made.set_secrets(dict(flat(plain_secrets(), "simone:secrets")))


def make_cloud() -> None:
    """Create the stack's AWS resources in the stand-in, where the stack's pods use them."""
    rendered = render(ENVIRONMENT, config=config(), secrets=plain_secrets(), resolve=cloud.resolve)
    account = cloud.Account(stack_config(ENVIRONMENT)["aws:region"], f"http://{CLOUD}:443")
    cloud.create(rendered.resources, account)


def up(made: Project, progress: Progress) -> Mapping[str, int]:
    """`pulumi up`. Returns the number of resources by operation; raises Problem when it fails."""
    # A killed engine leaves its lock. No other engine can be running: only one make cluster runs at a time.
    made.run("cancel", "--yes")
    return _apply(made, ["up", "--yes", "--skip-preview"], progress)


def destroy(made: Project, progress: Progress) -> Mapping[str, int]:
    """`pulumi destroy`. Raises Problem when it fails."""
    return _apply(made, ["destroy", "--yes", "--skip-preview"], progress)


def _apply(made: Project, arguments: Sequence[str], progress: Progress) -> Mapping[str, int]:
    log = LOGS / f"pulumi-{arguments[0]}.log"
    done = 0
    lines: list[str] = []
    with made.started(*arguments) as process, open(log, "w", encoding="utf-8") as kept:
        for line in process.stdout or ():
            kept.write(line)
            kept.flush()
            lines.append(line)
            if any(word in line for word in (" created (", " updated (", " deleted (", " replaced (")):
                done += 1
            progress(line.strip(), done)
    if process.returncode:
        faults = [line.strip() for line in lines if "error:" in line]
        raise Problem(f"pulumi {arguments[0]} failed ({log}): {' | '.join(faults[:6])[:1500]}")
    return counts("".join(lines))


def counts(output: str) -> Mapping[str, int]:
    """The counts in the CLI's last lines: `+ 196 created`, `~ 1 updated`, `12 unchanged`."""
    found: dict[str, int] = {}
    after = output.rpartition("Resources:")[2]
    for line in after.splitlines():
        words = line.strip().lstrip("+-~ ").split()
        if len(words) == 2 and words[0].isdigit():
            found[words[1]] = int(words[0])
    return found
