"""`python -m cluster`: a real Kubernetes of three nodes on this machine, and the declared stack on it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cluster import images, programs, stack
from cluster.control_plane import kubectl
from cluster.environment import Applied, Environment, gateway_address
from cluster.layout import CONTROL_NAMESPACE, HOME, KUBECONFIG, NODES, PKI, PROGRAMS, STATE, VISITOR
from cluster.network import inside
from local.problem import Problem
from stack.environments import ROOT

INTERRUPTED = 130
app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
console = Console(highlight=False, stderr=True)


@contextmanager
def _alone() -> Generator[None]:
    """Hold the lock of the one command that may run. Ctrl-C ends in one line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        HOME.mkdir(parents=True, exist_ok=True)
        with open(HOME / "lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Problem("another make cluster or cluster-down runs here; wait for it") from None
            yield
    except KeyboardInterrupt:
        typer.echo("interrupted: what is done stays; make cluster goes on, make cluster-down removes it", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _say(message: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {message}")


@app.command()
def up() -> None:
    """Build what is missing, bring up three nodes, apply the stack, wait until it is ready, print its addresses."""
    with _alone():
        began = time.monotonic()
        applied = Environment(_say).up()
        _report(applied)
        typer.echo(f"\nReady after {time.monotonic() - began:.1f} s.")


@app.command()
def build() -> None:
    """Build what is missing, and make the images, without starting anything."""
    with _alone():
        environment = Environment(_say)
        environment.build()
        environment.make_images()


@app.command()
def down() -> None:
    """End the cluster and remove it; programs and images stay in .tools/cluster."""
    with _alone():
        Environment(_say).down()
        typer.echo("the cluster is gone; programs and images stay in .tools/cluster")


@app.command(hidden=True)
def start() -> None:
    """Start those of the cluster's processes that don't run, and leave the stack; for tests that have ended some."""
    with _alone():
        Environment(_say).start()


@app.command(hidden=True)
def cloud() -> None:
    """Create the stack's AWS resources in the stand-in; runs in the control plane's network."""
    stack.make_cloud()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Test the running cluster, or the one of KUBECONFIG. Further arguments go to pytest."""
    own = os.environ.get("KUBECONFIG") or ""
    if not own and not STATE.exists():
        raise Problem("no cluster runs here: make cluster brings one up, or name one by KUBECONFIG=...")
    environment = {**os.environ, "KUBECONFIG": own or str(KUBECONFIG)}
    named = any(each.startswith("tests/") for each in context.args)
    chosen = context.args if named else ["tests/cluster", *context.args]
    command = [sys.executable, "-m", "pytest", "-m", "cluster", *chosen]
    whole = command if own else inside(CONTROL_NAMESPACE, *command)
    raise typer.Exit(subprocess.run(whole, cwd=ROOT, env=environment, check=False).returncode)


@app.command(name="kubectl", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_kubectl(context: typer.Context) -> None:
    """kubectl on the cluster: python -m cluster kubectl get pods -A."""
    raise typer.Exit(subprocess.run(kubectl(*context.args), check=False).returncode)


@app.command()
def versions(
    markdown: Annotated[bool, typer.Option(help="As docs/cluster.md has it.")] = False,
) -> None:
    """What the cluster is made of, and how its images differ from the published ones."""
    with _alone():
        rows = [*_versions(), *images.differences(images.declared(stack.declared().resources))]
    if markdown:
        typer.echo("\n".join(["| what | what it is here |", "|---|---|", *(f"| `{a}` | {b} |" for a, b in rows)]))
    else:
        typer.echo(json.dumps(dict(rows), indent=1))


def _versions() -> list[tuple[str, str]]:
    """The components' versions, as they report them."""
    return [
        ("Kubernetes", programs.kubernetes()),
        ("CoreDNS", programs.version("dns", "github.com/coredns/coredns")),
        ("Pulumi Kubernetes provider", programs.metadata.version("pulumi-kubernetes")),
    ]


def _report(applied: Applied) -> None:
    table = Table(box=None, pad_edge=False, highlight=False)
    for heading in ("node", "zone", "address", "pods"):
        table.add_column(heading)
    for node in NODES:
        table.add_row(node.name, node.zone, node.address, node.pods)
    out = Console(highlight=False)
    out.print(table)
    there = " ".join(inside(CONTROL_NAMESPACE))
    host = stack.hosts()[0]
    rows = {
        "Kubernetes": f"{programs.kubernetes()}, containerd and runc of Debian, kube-proxy with nftables",
        "resources": ", ".join(f"{number} {what}" for what, number in applied.resources.items()),
        "seconds": ", ".join(f"{name} {seconds:.0f}" for name, seconds in applied.seconds.items()),
        "kubeconfig": f"{KUBECONFIG} (inside of its network: {there} …)",
        "kubectl": f"{there} {PROGRAMS}/kube kubectl --kubeconfig {KUBECONFIG} -n simone get pods",
        "the shop": f"{there} curl --interface {VISITOR} --cacert {PKI}/ca.crt --cert {PKI}/edge.crt "
        f"--key {PKI}/edge.key --connect-to {host}:443:{gateway_address()}:8443 https://{host}/",
        "Prometheus": f"{there} {PROGRAMS}/kube kubectl --kubeconfig {KUBECONFIG} -n simone "
        "port-forward service/prometheus 8290",
    }
    for name, value in rows.items():
        typer.echo(f"{name:12}{value}")


if __name__ == "__main__":
    try:
        app()
    except (Problem, PermissionError) as problem:
        sys.exit(f"error: {problem}")
