"""`python -m tools.docs`: write the generated pages and pictures, or check that they are current."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated

import typer

from stack.environments import ROOT
from stack.render import render
from tools.docs import (
    alerts_page,
    architecture,
    cache_pictures,
    deploy_page,
    failover_picture,
    measured,
    parameters_page,
    policies_page,
    queue_picture,
    readme,
    settings_page,
    settings_picture,
)

PAGES: Mapping[str, Callable[[], str]] = {
    "README.md": readme.page,
    "docs/settings.md": settings_page.page,
    "docs/alerts.md": alerts_page.page,
    "docs/api-caching.md": lambda: measured.filled((ROOT / "docs/api-caching.md").read_text()),
    "docs/deploy.md": deploy_page.page,
    "docs/policies.md": policies_page.page,
    "docs/postgres-parameters.md": parameters_page.page,
    "docs/pictures/architecture.svg": lambda: architecture.picture(render("prod")),
    "docs/pictures/failover.svg": failover_picture.picture,
    "docs/pictures/layers.svg": cache_pictures.layers,
    "docs/pictures/offline-queue.svg": queue_picture.picture,
    "docs/pictures/purge.svg": cache_pictures.purge,
    "docs/pictures/request.svg": cache_pictures.request,
    "docs/pictures/settings.svg": settings_picture.picture,
}


def stale() -> Mapping[str, str]:
    """The pages that aren't current: name and what they should be."""
    made = {name: page() for name, page in PAGES.items()}
    return {
        name: text for name, text in made.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != text
    }


def write() -> Iterable[str]:
    """Write the pages that aren't current; returns their names."""
    pages = stale()
    for name, text in pages.items():
        (ROOT / name).write_text(text)
    return pages


def main(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; name the pages that are out of date.")] = False,
) -> None:
    """Write the pages of docs/ that are made from the code."""
    if not check:
        for name in write():
            typer.echo(f"wrote {name}")
    elif names := stale():
        for name in names:
            typer.echo(f"{name} is out of date; run: make docs", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
