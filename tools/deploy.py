"""`python -m tools.deploy`: brings an environment up by a plan that was reviewed first.

`plan` previews with the policies and saves the plan; `apply` does exactly that plan, and ends when every workload has
rolled out; `up` is both, with a question in between; `drift` says whether the cloud still is what the program
declares. Exit codes: 0 fine, 1 stopped (a policy, a protected resource, drift, or a no to the question), 2 broken.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from policies.settings_file import path_of
from review import reviewing
from review.engine_preview import PreviewError
from review.gate import Exit
from review.report import Report, Verdict
from stack.environments import ROOT, RenderError, deployed_environments, environments, stack_config
from tools import account
from tools.claims import shared

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Environment = Annotated[str, typer.Argument(help="The environment: the <env> of a Pulumi.<env>.yaml.")]
Out = Annotated[Path, typer.Option(help="The directory of the saved plan and its report.")]
_DEFAULT_OUT = Path("reports/deploy")
ROLL_OUT_TIMEOUT = "15m"  # for each workload: a Redis pair copies its data before its next node is replaced
_SERVERS = ("Deployment", "StatefulSet", "DaemonSet")


def fail(message: str) -> NoReturn:
    """End with this message and the exit code for what is broken."""
    typer.echo(message, err=True)
    raise typer.Exit(Exit.BROKEN)


def _pulumi(*arguments: str, capture: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run the CLI in the current directory's project."""
    if shutil.which("pulumi") is None:
        fail("the Pulumi CLI isn't on PATH; install a release: https://www.pulumi.com/docs/install/")
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        # The event log, which holds the policies' results, is a debugging option of the CLI.
        env={**os.environ, "PULUMI_DEBUG_COMMANDS": "true"},
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )


def _policies(environment: str) -> list[str]:
    return ["--policy-pack", str(ROOT / "policies"), "--policy-pack-config", str(path_of(environment))]


def _known(environment: str) -> None:
    try:
        deployable = deployed_environments()
    except RenderError as error:
        fail(str(error))
    if environment not in environments():
        fail(f"there is no environment {environment!r}; there are: {', '.join(deployable)}")
    if environment not in deployable:
        fail(f"{environment} is this machine's, and `make up` runs it; what can be deployed: {', '.join(deployable)}")


def _has_its_own(environment: str) -> None:
    """Refuse what another environment claims: a new one's stack file begins as a copy of another's."""
    taken = [f"{setting} is {other}'s" for setting, other in shared(environment)]
    if taken:
        fail(
            f"{environment} would overwrite what isn't its own: {'; '.join(taken)}. Set it in Pulumi.{environment}.yaml"
        )


def _account_offers(environment: str) -> None:
    """Refuse before the plan what AWS would refuse: an update that stops halfway is worse."""
    rds = account.client(environment)
    if rds is None:
        typer.echo("there are no AWS credentials here, so what the account offers isn't checked", err=True)
        return
    try:
        refused = account.faults(environment, rds)
    except account.AccountError as error:
        fail(str(error))
    if refused:
        fail("\n".join(f"Pulumi.{environment}.yaml: {line}" for line in refused))


def _settled(environment: str, preview: str) -> str:
    """The preview without changes that RDS keeps for its maintenance window; unchanged if RDS can't be asked, or has
    none.
    """
    rds = account.client(environment)
    try:
        pending = account.waiting(environment, rds) if rds else {}
    except account.AccountError as error:
        typer.echo(f"{error}; what waits is shown as a difference", err=True)
        return preview
    if not pending:
        return preview
    typer.echo(f"waits for the maintenance window: {', '.join(f'{name} {value}' for name, value in pending.items())}")
    try:
        found = json.loads(preview)
    except ValueError:
        return preview
    return json.dumps(account.without_waiting(found, account.database(environment)[0], pending))


def _kubectl(environment: str) -> list[str]:
    """The command with the context that the Kubernetes provider has."""
    if shutil.which("kubectl") is None:
        fail(
            "kubectl isn't on PATH; with it the end of the roll-out is waited for: https://kubernetes.io/docs/tasks/tools/"
        )
    context = stack_config(environment).get("kubernetes:context")
    return ["kubectl", *(["--context", str(context)] if context else [])]


def _stored(environment: str) -> list[dict[str, Any]] | None:
    """The resources of the stored state, None where it can't be read."""
    exported = _pulumi("stack", "export", "--stack", environment, capture=True)
    if exported.returncode != 0:
        return None
    return json.loads(exported.stdout)["deployment"].get("resources") or []


def wait_for_roll_out(environment: str) -> None:
    """Wait for each deployed workload until only its new pods run; kubectl prints the progress."""
    resources = _stored(environment)
    if resources is None:
        fail(f"{environment} is applied, but its state can't be read, so it isn't known whether it has rolled out")
    late: list[str] = []
    for kind in _SERVERS:
        for resource in resources:
            if resource["type"] == f"kubernetes:apps/v1:{kind}" and not resource.get("delete"):
                metadata = resource["outputs"]["metadata"]
                workload = f"{kind.lower()}/{metadata['name']}"
                command = ["-n", metadata["namespace"], "rollout", "status", workload, f"--timeout={ROLL_OUT_TIMEOUT}"]
                if subprocess.run([*_kubectl(environment), *command], check=False).returncode != 0:
                    late.append(workload)
    if late:
        fail(f"{environment} is applied, but these have not rolled out: {', '.join(late)}; see: kubectl describe")


def cluster_of(environment: str) -> str:
    """Where the Kubernetes provider goes: the context that the stack file names, else kubectl's current one."""
    named = stack_config(environment).get("kubernetes:context")
    if named:
        return f"the cluster {named}"
    if shutil.which("kubectl") is None:
        return "the current cluster"
    asked = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, check=False)
    return f"kubectl's current cluster {asked.stdout.strip() or '(there is none)'}"


def _planned(environment: str, out: Path) -> Report:
    """Preview, save the plan, and write the report on it."""
    _has_its_own(environment)
    _account_offers(environment)
    out.mkdir(parents=True, exist_ok=True)
    saved, preview, events = out / "plan.json", out / "preview.json", out / "events.json"
    for stale in (saved, preview, events):
        stale.unlink(missing_ok=True)
    with Console(stderr=True).status(f"Previewing {environment}"):
        finished = _pulumi(
            "preview",
            *("--stack", environment, "--json", "--diff", "--save-plan", str(saved), "--event-log", str(events)),
            *_policies(environment),
            capture=True,
        )
    preview.write_text(finished.stdout)
    try:
        report = reviewing.of_preview(preview, events if events.exists() else None)
    except PreviewError as error:
        fail(f"{environment} can't be previewed: {error}")
    written = reviewing.write(report, out)
    typer.echo(f"{report.headline}: {written['review.md']}")
    if finished.returncode != 0 and reviewing.EXIT[report.verdict] is Exit.FINE:
        fail(f"pulumi preview ended with exit code {finished.returncode}; its messages are above")
    return report


@app.command("list")
def listed() -> None:
    """Print the environments that can be deployed, as a JSON array for a workflow's matrix."""
    typer.echo(json.dumps(deployed_environments()))


@app.command()
def plan(environment: Environment, out: Out = _DEFAULT_OUT) -> None:
    """Preview with the policies, save the plan, and write what it does for a reviewer."""
    _known(environment)
    raise typer.Exit(reviewing.EXIT[_planned(environment, out).verdict])


@app.command()
def apply(environment: Environment, out: Out = _DEFAULT_OUT) -> None:
    """Apply the saved plan, and stop at anything that isn't in it."""
    _known(environment)
    saved = out / "plan.json"
    if not saved.exists():
        fail(f"there is no saved plan in {out}; run: python -m tools.deploy plan {environment}")
    _kubectl(environment)
    finished = _pulumi(
        *("up", "--stack", environment, "--yes", "--skip-preview", "--plan", str(saved)), *_policies(environment)
    )
    saved.unlink()
    if finished.returncode != 0:
        raise typer.Exit(Exit.BROKEN)
    wait_for_roll_out(environment)


@app.command()
def up(
    environment: Environment,
    out: Out = _DEFAULT_OUT,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before applying.")] = False,
) -> None:
    """Plan, show, ask, apply."""
    _known(environment)
    report = _planned(environment, out)
    code = reviewing.EXIT[report.verdict]
    if code is not Exit.FINE:
        raise typer.Exit(code)
    if report.verdict is Verdict.NO_CHANGES:
        return
    question = f"Bring {environment} up as planned, in {cluster_of(environment)}?"
    if not yes and not (sys.stdin.isatty() and typer.confirm(question)):
        typer.echo("nothing was changed; say yes to the question, or give --yes", err=True)
        raise typer.Exit(Exit.VIOLATED)
    apply(environment, out)


@app.command()
def destroy(
    environment: Environment,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before deleting.")] = False,
) -> None:
    """Delete all of an environment, or nothing if anything is protected: the CLI alone would delete the rest and then
    stop.
    """
    _known(environment)
    resources = _stored(environment)
    if resources is None:
        fail(f"{environment}'s state can't be read (its message is above); nothing was deleted")
    kept = [
        f"  {each['urn'].rpartition('::')[2]} is protected in the state" for each in resources if each.get("protect")
    ]
    kept += [
        f"  {each['urn'].rpartition('::')[2]} can't be deleted in AWS (postgres.deletion_protection)"
        for each in resources
        if (each.get("inputs") or {}).get("deletionProtection") is True
    ]
    if kept:
        typer.echo(
            f"{environment} holds what must not be deleted by accident, so nothing was deleted:\n"
            + "\n".join(kept)
            + "\ndocs/deploy.md (Destroy) says how to let go of it.",
            err=True,
        )
        raise typer.Exit(Exit.VIOLATED)
    number = len([each for each in resources if not each["type"].startswith("pulumi:")])
    question = f"Delete all {number} resources of {environment}, in {cluster_of(environment)}? Type its name to say yes"
    if not yes and not (sys.stdin.isatty() and typer.prompt(question) == environment):
        typer.echo("nothing was deleted; type the environment's name, or give --yes", err=True)
        raise typer.Exit(Exit.VIOLATED)
    if _pulumi("destroy", "--stack", environment, "--yes", "--skip-preview").returncode != 0:
        raise typer.Exit(Exit.BROKEN)


@app.command()
def drift(environment: Environment, out: Out = _DEFAULT_OUT) -> None:
    """Compare program, state and cloud, and judge what is deployed; writes drift.md when they differ."""
    _known(environment)
    out.mkdir(parents=True, exist_ok=True)
    page = out / "drift.md"
    page.unlink(missing_ok=True)
    preview = out / "drift.json"
    finished = _pulumi("preview", "--stack", environment, "--refresh", "--json", capture=True)
    preview.write_text(_settled(environment, finished.stdout))
    try:
        report = reviewing.of_preview(preview, None)
    except PreviewError as error:
        fail(f"{environment} can't be compared: {error}")
    judged = _pulumi("policy", "analyze", "--stack", environment, *_policies(environment), capture=True)
    if report.verdict is Verdict.NO_CHANGES and judged.returncode == 0 and finished.returncode == 0:
        typer.echo(f"{environment} is what the program declares")
        return
    page.write_text(reviewing.drift_page(environment, report, judged.stdout if judged.returncode else ""))
    typer.echo(f"{environment} differs: {page}")
    raise typer.Exit(Exit.BROKEN if report.verdict is Verdict.BROKEN else Exit.VIOLATED)


if __name__ == "__main__":
    app()
