"""`python -m local`: the shop on this machine, from the command line."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from local import browser, builds, mailbox
from local.environment import Environment
from local.problem import Problem
from local.running import Entry
from local.running import Progress as Step
from local.state import State

INTERRUPTED = 130
WIDE = 200  # characters in a line where no terminal says how many

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
console = Console(highlight=False)
if not console.is_terminal:
    console.width = WIDE


def _table(entries: list[Entry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "kind", "address", "pid", "health"):
        table.add_column(heading, overflow="ellipsis", no_wrap=True)
    for entry in entries:
        colour = "green" if entry.healthy else "red"
        table.add_row(
            entry.name, entry.kind, entry.address, str(entry.pid or ""), f"[{colour}]{entry.health}[/{colour}]"
        )
    return table


@app.command()
def up() -> None:
    """Start everything that the stack `local` declares, wait until it is healthy, and print where it is."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment = Environment()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=None)
            show = _shown_in(progress, task) if console.is_terminal else _said()
            only_in_aws = environment.up(show)
        entries = environment.status()
    except KeyboardInterrupt:
        typer.echo("interrupted: what this had started is stopped again, data is kept; run make up to go on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    console.print(_table(entries))
    if only_in_aws:
        console.print(f"In AWS only, not on this machine: {', '.join(only_in_aws)}")
    console.print(f"All healthy after {time.monotonic() - began:.1f} s. Secrets: {environment.state.secrets}")
    if any(entry.name == mailbox.NAME for entry in entries):
        console.print(f"Mails aren't sent but kept: {environment.state.mail}/new")


def _shown_in(progress: Progress, task: object) -> Callable[[Step], None]:
    def show(step: Step) -> None:
        progress.update(task, description=step.stage, total=step.total or None, completed=step.ready)  # pyright: ignore[reportArgumentType]

    return show


def _said() -> Callable[[Step], None]:
    """Progress where there is no terminal: a line for each new stage."""
    last = ""

    def show(step: Step) -> None:
        nonlocal last
        if step.stage != last:
            last = step.stage
            typer.echo(step.stage)

    return show


@app.command()
def setup() -> None:
    """Install and build what the stack `local` needs, without starting any server."""
    Environment().prepare(_said())
    typer.echo("everything that the local environment runs is installed")


@app.command()
def storefront() -> None:
    """Build the storefront, unless nothing of it changed."""
    builds.ensure_storefront(typer.echo)


@app.command()
def node() -> None:
    """Print the folder of a Node that the storefront's tools run with."""
    typer.echo(builds.ensure_node(lambda stage: typer.echo(stage, err=True)))


@app.command()
def chromium() -> None:
    """Install Chromium for the browser tests. Where that can't be done they are skipped, so it only says so."""
    try:
        browser.ensure(typer.echo)
    except Problem as problem:
        typer.echo(f"NOT TESTED in a browser, because Chromium is missing: {problem}", err=True)


@app.command()
def browsers() -> None:
    """Install Chromium, Firefox and WebKit. Tests in what can't be installed are skipped, so it only says so."""
    for engine in browser.ENGINES:
        try:
            engine.ensure(typer.echo)
        except Problem as problem:
            typer.echo(f"NOT TESTED in {engine.name}: {problem}", err=True)


@app.command()
def down() -> None:
    """Stop everything. Data stays in the state directory."""
    Environment().down()
    typer.echo("everything is stopped; data is kept (make clean removes it)")


@app.command()
def status(
    output: Annotated[str, typer.Option("--format", help="table or json")] = "table",
) -> None:
    """Show every pod, Service and job. Exits with 0 only if all is healthy."""
    entries = Environment().status()
    if output == "json":
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=1))
    else:
        console.print(_table(entries))
    raise typer.Exit(0 if all(entry.healthy for entry in entries) else 1)


@app.command()
def logs(
    pod: Annotated[str, typer.Argument(help="a pod's name; all pods if it is left out")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on as more is written")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="how many of each file's last lines")] = 50,
) -> None:
    """Show what the containers wrote."""
    directory = State.here().logs / pod if pod else State.here().logs
    files = sorted(str(file) for file in directory.rglob("*.log") if file.stat().st_size or follow)
    if not files:
        raise Problem(f"there are no logs in {directory}; see make status for the pods' names")
    command = ["tail", f"--lines={lines}", *(["--follow=name"] if follow else []), *files]
    try:
        raise typer.Exit(subprocess.run(command, check=False).returncode)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command()
def run(
    job: Annotated[str, typer.Argument(help="a CronJob's or Job's name, see status")],
    arguments: Annotated[list[str] | None, typer.Argument(help="added to the job's own arguments")] = None,
) -> None:
    """Run a job now, show what it writes, and exit with its code. ARGS in the environment is read too."""
    environment = Environment()
    log = environment.state.logs / job
    words = [*(arguments or []), *shlex.split(os.environ.get("ARGS", ""))]
    before = {file: file.stat().st_size for file in log.glob("*.log")} if log.exists() else {}
    code = environment.run_job(job, words)
    for file in sorted(log.glob("*.log")):
        sys.stdout.write(file.read_bytes()[before.get(file, 0) :].decode(errors="replace"))
    raise typer.Exit(code)


@app.command(name="exec", context_settings={"ignore_unknown_options": True})
def execute(
    pod: Annotated[str, typer.Argument(help="a pod's name, see status")],
    command: Annotated[list[str] | None, typer.Argument(help="the command; RUN in the environment is read too")] = None,
    container: Annotated[str, typer.Option("--container", "-c", help="the pod's first one if it is left out")] = "",
) -> None:
    """Run a command in a pod's container, as kubectl exec does, and exit with its code."""
    words = [*(command or []), *shlex.split(os.environ.get("RUN", ""))]
    if not words:
        raise Problem("say what to run: make exec POD=redis-data-0 RUN='sh /etc/redis/cli.sh ROLE'")
    code, _ = Environment().execute(pod, words, container)
    raise typer.Exit(code)


@app.command()
def clean() -> None:
    """Stop everything and remove all data, logs and secrets of the local environment."""
    Environment().clean()
    typer.echo("everything is stopped and removed")


if __name__ == "__main__":
    try:
        app()
    except Problem as problem:
        sys.exit(f"error: {problem}")
