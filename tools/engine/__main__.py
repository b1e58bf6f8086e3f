"""`python -m tools.engine`: provide the Pulumi CLI."""

import subprocess
import sys

import typer
from rich.console import Console

from tools.engine import build

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main() -> None:
    """Find a `pulumi` on PATH or build one into .tools/bin, and say which one it is."""
    console = Console(stderr=True)
    try:
        program = build.find()
        if program is None:
            with console.status("Building the Pulumi CLI from source (3 to 7 minutes, once)"):
                program = build.build()
    except build.EngineError as error:
        console.print(f"error: {error}", style="red", markup=False)
        sys.exit(1)
    version = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.strip()
    typer.echo(f"Pulumi {version}: {program}")


if __name__ == "__main__":
    app()
