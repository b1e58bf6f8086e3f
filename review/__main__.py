"""`python -m review`: reviews an environment before it is deployed."""

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from policies.settings_file import PolicySettingsError
from review import gate as gating
from review import gate_text, reviewing
from review import preview as previewing
from review.checkouts import CheckoutError
from review.engine_preview import PreviewError
from review.machine_readable import annotations
from stack.environments import RenderError, environments

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How a preview is printed."""

    TREE = "tree"
    JSON = "json"


@app.callback()
def describe() -> None:
    """Look at an environment before it is deployed: no engine, cloud or cluster needed."""


@app.command()
def preview(
    environment: Annotated[str, typer.Argument(help="The environment: the <env> of a Pulumi.<env>.yaml.")],
    form: Annotated[Format, typer.Option("--format", help="A tree to read, or steps to process.")] = Format.TREE,
) -> None:
    """Print everything that the environment declares."""
    from stack.render import render  # noqa: PLC0415 - the SDK, which the others need in processes of their own only

    try:
        rendered = render(environment)
    except RenderError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if form is Format.JSON:
        typer.echo(json.dumps(previewing.steps(rendered), indent=2))
    else:
        Console().print(previewing.tree(rendered))


@app.command()
def gate(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ENVIRONMENT]...", help="The <env> of a Pulumi.<env>.yaml; or all.")
    ] = None,
    base: Annotated[str, typer.Option(help="A commit or branch whose policies judge as well.")] = "",
) -> None:
    """Judge environments by the policies. Exit code 0: fine, 1: a mandatory policy broken, 2: it can't be told."""
    try:
        judged = reviewing.gated(tuple(names or environments()), base)
    except (CheckoutError, PolicySettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(gating.Exit.BROKEN) from None
    for one in judged:
        if one.verdicts:
            gate_text.write(Console(), one.environment, one.verdicts, one.violations, one.notes)
        if one.errors:
            typer.echo("\n".join(one.errors), err=True)
    raise typer.Exit(max(one.exit for one in judged))


@app.command()
def review(
    base: Annotated[str, typer.Option(help="The commit or branch to compare with.")] = "origin/main",
    from_preview: Annotated[
        Path | None, typer.Option("--from", help="Read `pulumi preview --json` from this file instead.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="The event log of that preview, for the policies' results.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The directory to write the report to, for people and programs.")] = Path(
        "reports"
    ),
) -> None:
    """Write what a change would do to all environments, for a reviewer. Exit codes as of `gate`."""
    progress = Console(stderr=True)
    try:
        with progress.status("Rendering and comparing all environments"):
            report = reviewing.of_preview(from_preview, events) if from_preview else reviewing.of_commits(base)
    except (CheckoutError, PreviewError, PolicySettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(gating.Exit.BROKEN) from None
    written = reviewing.write(report, out)
    typer.echo(f"{report.headline}: {written['review.md']}")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        typer.echo("\n".join(annotations(report)))
    raise typer.Exit(reviewing.EXIT[report.verdict])


if __name__ == "__main__":
    app()
