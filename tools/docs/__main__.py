"""`python -m tools.docs`: write the generated pages, or check that they are current."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from stack.render import render
from tools.docs import alerts_page, architecture, parameters_page, policies_page, readme, settings_page

ROOT = Path(__file__).resolve().parents[2]
PAGES: Mapping[str, Callable[[], str]] = {
    "README.md": readme.page,
    "docs/settings.md": settings_page.page,
    "docs/alerts.md": alerts_page.page,
    "docs/policies.md": policies_page.page,
    "docs/postgres-parameters.md": parameters_page.page,
    "docs/architecture.svg": lambda: architecture.picture(render("prod")),
}


def main(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; name the pages that are out of date.")] = False,
) -> None:
    """Write the pages of docs/ that are made from the code."""
    stale: list[str] = []
    for name, made in PAGES.items():
        path, text = ROOT / name, made()
        if path.exists() and path.read_text() == text:
            continue
        if check:
            stale.append(name)
        else:
            path.write_text(text)
            typer.echo(f"wrote {name}")
    for name in stale:
        typer.echo(f"{name} is out of date; run: make docs", err=True)
    raise typer.Exit(1 if stale else 0)


if __name__ == "__main__":
    typer.run(main)
