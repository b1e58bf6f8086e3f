"""`python -m explain URL`: what the edge of an environment would do with a request, and why."""

import re
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

import typer
from rich.console import Console

from app import caching_policy
from app.caching_policy import Method
from explain.origin import policy_headers
from explain.zone import EdgeVerdict, OriginResponse, Request, Zone, ZoneError
from stack.environments import RenderError
from stack.render import render

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def explain(
    url: Annotated[str, typer.Argument(help="an address of the shop, or a path with query")],
    *,
    environment: Annotated[str, typer.Option("--env", help="whose rules: the <env> of a Pulumi.<env>.yaml")] = "prod",
    method: str = "GET",
    header: Annotated[list[str] | None, typer.Option(help="of the request, as 'Name: value'; may be repeated")] = None,
    country: Annotated[str, typer.Option(help="where the visitor is, as two letters (ISO 3166)")] = "DE",
    device: Annotated[Literal["desktop", "mobile", "tablet"], typer.Option(help="what the visitor has")] = "desktop",
    status: Annotated[int, typer.Option(min=200, max=599, help="what the origin answers with")] = 200,
    answer_header: Annotated[
        list[str] | None, typer.Option(help="of the answer, instead of what the cache policy gives it; may be repeated")
    ] = None,
) -> None:
    """Works the declared rulesets out for one request: rules that match, the key, how long, or why not."""
    console = Console(highlight=False, soft_wrap=True)
    parts = urlsplit(url)
    if not parts.path.startswith("/") and not (parts.scheme and parts.netloc):
        raise typer.BadParameter(f"{url!r} is neither a path (/products/5) nor an address (https://shop/products/5)")
    if method.upper() not in get_args(Method):
        raise typer.BadParameter(f"{method!r} is no method; there are: {', '.join(get_args(Method))}")
    if not re.fullmatch("[A-Za-z]{2}", country):
        raise typer.BadParameter(f"{country!r} is no country of two letters, such as DE or US")
    request = Request(
        path=parts.path or "/",
        query=parts.query,
        method=method.upper(),
        host=parts.netloc or "shop",
        headers=_headers(header or []),
        country=country.upper(),
        device=device,
    )
    if answer_header is None:
        answer = OriginResponse(status=status, headers=policy_headers(caching_policy.load(), request, status))
    else:
        answer = OriginResponse(status=status, headers=_headers(answer_header))
    try:
        with console.status(f"rendering {environment}"):
            zone = Zone.of(render(environment).resources)
    except (RenderError, ZoneError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    _print(console, request, zone.judge(request, answer))
    console.print(f"\nbrowsers are told: {answer.headers.get('cache-control', 'nothing')}", markup=False)


def _headers(given: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon:
            raise typer.BadParameter(f"{line!r} is not 'Name: value'")
        headers[name.strip().lower()] = value.strip()
    return headers


def _print(console: Console, request: Request, verdict: EdgeVerdict) -> None:
    query = f"?{request.query}" if request.query else ""
    console.print(f"[bold]{request.method} {request.path}{query}[/bold] from {request.country}, {request.device}")
    console.print("\nrules that match, in order:")
    for rule in verdict.rules:
        console.print(f"  {rule}", markup=False)
    console.print("\nkept at the edge: " + ("[green]yes[/green]" if verdict.stored else "[red]no[/red]"))
    for reason in verdict.why:
        console.print(f"  {reason}", markup=False)
    if verdict.key is not None:
        console.print(
            f"  then stale for {verdict.stale_while_revalidate} s while refreshed, {verdict.stale_if_error} s on errors"
        )
        console.print("\nkey:")
        for name, value in verdict.key:
            console.print(f"  {name}: {value or '-'}", markup=False)


if __name__ == "__main__":
    app()
