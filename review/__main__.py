"""`python -m review`: look at an environment before it is deployed."""

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
from review.checkouts import CheckoutError, commit_of, printed
from review.engine_preview import PreviewError
from review.machine_readable import annotations
from stack.environments import RenderError
from stack.render import render
from stack.stand_in_outputs import outputs

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
    environment: Annotated[str, typer.Argument(help="The environment: the <env> of a Pulumi.<env>.yaml.")],
    base: Annotated[str, typer.Option(help="A commit or branch whose policies judge as well.")] = "",
) -> None:
    """Judge the environment by the policies. Exit code 0: fine, 1: a mandatory policy broken, 2: it can't be told."""
    try:
        stack = render(environment, resolve=outputs)
        found = gating.verdicts(environment, stack)
        own = gating.judge_of(environment, found)
        unused = tuple(gating.unused({environment: found}))
        judged = reviewing.judged_by_base(commit_of(base), printed(stack)) if base else {}
    except (CheckoutError, RenderError, PolicySettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(gating.Exit.BROKEN) from None
    changes, broken, doubts = reviewing.with_base(own, judged.get(environment))
    notes = (*changes, *doubts, *(sentence for _, sentence in gating.suppressed(found)), *unused)
    gate_text.write(Console(), environment, found, broken, notes)
    if own.crashes:
        typer.echo("\n".join(own.crashes), err=True)
        raise typer.Exit(gating.Exit.BROKEN)
    if any(violation.mandatory for violation in broken):
        raise typer.Exit(gating.Exit.VIOLATED)


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
