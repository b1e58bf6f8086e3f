"""Purges by hand: `make purge TAG=product:5`, `make purge URL=/products/5 ENV=prod`.

The tags go into the queue that the worker drains through every layer, Cloudflare in batches within the zone's limits.
An address is purged by its tags, because at the edge it has a copy for each country and device.
"""

import re
import subprocess
import sys
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from app.caching_policy import Policy, load
from stack.environments import RenderError, stack_config

PURGE_JOB = "api-purge"  # components/api/jobs.py; not imported, as the SDK takes seconds to load
app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def purge(
    environment: Annotated[str, typer.Argument(help="local, or a cluster's: dev, prod")] = "local",
    *,
    tag: Annotated[list[str] | None, typer.Option(help="such as product:5 or products; may be repeated")] = None,
    url: Annotated[list[str] | None, typer.Option(help="an address of the shop; may be repeated")] = None,
) -> None:
    """Throws away, in every layer, what has one of the tags or is kept for one of the addresses."""
    policy = load()
    try:
        named = [found for one in url or [] for found in tags_of(policy, one)]
        tags = sorted({*(found for one in tag or [] for found in known_tags(policy, one)), *named})
        commands = _commands(environment, [word for name in tags for word in ("--tag", name)])
    except (ValueError, RenderError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if not tags:
        typer.echo("error: say what to purge: --tag product:5 or --url /products/5 (make purge TAG=… URL=…)", err=True)
        raise typer.Exit(2)
    typer.echo(f"purging {', '.join(tags)} in {environment}")
    for command in commands:
        code = subprocess.run(command, check=False).returncode
        if code:
            raise typer.Exit(code)


def known_tags(policy: Policy, tag: str) -> tuple[str, ...]:
    """The tag and those purged with it. Raises ValueError for one that no response has: the purge would succeed and do
    nothing.
    """
    patterns = {pattern: () for route in policy.routes for pattern in route.tags}
    patterns |= {route.lists.tag: (route.lists.family,) for route in policy.routes if route.lists}
    for pattern, family in patterns.items():
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^:]+", pattern), tag):
            return (tag, *family)
    raise ValueError(f"nothing is kept under the tag {tag!r}; there are {', '.join(patterns)}")


def tags_of(policy: Policy, url: str) -> tuple[str, ...]:
    """The tags that cover an address's copies and little else. Raises ValueError if it isn't cached."""
    path = unquote(urlsplit(url).path) or "/"
    found = policy.match("GET", path)
    if found is None or found.route.audience == "never":
        raise ValueError(f"{url}: nothing is kept for this address (app/caching.yaml), so there is nothing to purge")
    if not found.route.tags:
        raise ValueError(
            f"{url}: its route {found.route.route!r} has no tags, so it can't be purged; it expires by itself"
        )
    narrow = [tag for tag in found.route.tags if "{" in tag] or list(found.route.tags)
    return tuple(tag.format_map(found.parameters) for tag in narrow)


def _commands(environment: str, arguments: list[str]) -> list[list[str]]:
    """The commands that start an environment's declared CronJob with the tags. Raises RenderError for an unknown
    one.
    """
    if environment == "local":
        return [[sys.executable, "-m", "local", "run", PURGE_JOB, "--", *arguments]]
    config = stack_config(environment)
    kubectl = ["kubectl", "--namespace", config["simone:namespace"]]
    if context := config.get("kubernetes:context"):
        kubectl += ["--context", context]
    # kubectl can't add arguments to a CronJob's, so this runs in the worker, which has the same program.
    return [[*kubectl, "exec", "deployment/api-worker", "--", "python", "-m", "app.api", "purge", *arguments]]


if __name__ == "__main__":
    app()
