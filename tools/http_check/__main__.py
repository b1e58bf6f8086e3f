"""`make http-check`: redbot on every public address of the running API, then schemathesis on its contract."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app import caching_policy
from local import secrets_file
from local.state import State
from tools.http_check import contract, redbot
from tools.http_check.addresses import public_addresses


def main(
    url: Annotated[str, typer.Option(help="where the API answers")] = "http://127.0.0.1:3000",
    product: Annotated[int, typer.Option(help="a product that is on sale", min=1)] = 1,
    examples: Annotated[int, typer.Option(help="made-up requests for each operation", min=1, max=10_000)] = 50,
    state: Annotated[Path, typer.Option(help="the local environment, for the administrator's token")] = Path(".local"),
) -> None:
    """Print what is wrong and what is meant so; exits 1 if anything is wrong, 2 if nothing could be judged."""
    console, errors = Console(), Console(stderr=True)
    if not redbot.REDBOT.exists():
        errors.print("error: redbot and schemathesis aren't installed: run `make http-check`, which does that")
        raise typer.Exit(2)
    token = os.environ.get(secrets_file.ADMIN_TOKEN, "")
    if not token and State(state).secrets.exists():
        token = secrets_file.load(State(state))[secrets_file.ADMIN_TOKEN]
    table = Table("address", "level", "note", "meant so, because")
    wrong = 0
    try:
        for address in public_addresses(caching_policy.load(), product):
            for note in redbot.judge(url + address):
                if note.level in ("WARN", "BAD"):
                    table.add_row(address, note.level, note.summary, redbot.EXPLAINED.get(note.name, ""))
                    wrong += note.unexplained
    except RuntimeError as error:
        errors.print(f"error: {error}", markup=False)
        raise typer.Exit(2) from None
    console.print(table)
    with tempfile.TemporaryDirectory() as directory:
        verdict = contract.judge(url, token, Path(directory), examples=examples)
    console.print(verdict.report, markup=False)
    raise typer.Exit(0 if verdict.passed and not wrong else 1)


if __name__ == "__main__":
    typer.run(main)
