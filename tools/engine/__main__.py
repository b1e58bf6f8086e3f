"""`python -m tools.engine`: provide the Pulumi CLI."""

import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console

from tools.engine import build

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    to_come: Annotated[bool, typer.Option("--next", help="The version after the pinned one, for the tests.")] = False,
) -> None:
    """Find a `pulumi` on PATH or build one into .tools/bin, and say which one it is."""
    console = Console(stderr=True)
    try:
        program = None if to_come else build.find()
        if program is None:
            with console.status("Building the Pulumi CLI from source (3 to 7 minutes, once)"):
                program = (build.NEXT if to_come else build.PINNED).build()
    except build.EngineError as error:
        console.print(f"error: {error}", style="red", markup=False)
        sys.exit(1)
    version = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.strip()
    typer.echo(f"Pulumi {version}: {program}")


if __name__ == "__main__":
    app()
