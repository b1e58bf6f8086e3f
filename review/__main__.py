"""`python -m review`: look at an environment before it is deployed."""

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from policies.settings_file import PolicySettingsError
from review import gate as gating
from review import gate_text
from review import preview as previewing
from review.render import RenderError, render

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
) -> None:
    """Judge the environment by the policies. Exit code 0: fine, 1: a mandatory policy broken, 2: it can't be told."""
    try:
        found = gating.verdicts(environment, render(environment).resources)
    except (RenderError, PolicySettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(gating.Exit.BROKEN) from None
    broken = gating.violations(found)
    gate_text.write(Console(), environment, found, broken)
    if any(violation.mandatory for violation in broken):
        raise typer.Exit(gating.Exit.VIOLATED)


if __name__ == "__main__":
    app()
