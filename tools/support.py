"""`python -m tools.support`: which declared versions are unsupported, or soon will be.

Dates come from tools/support_ends.yaml. Exit codes: 0 all are supported long enough, 1 some aren't, or it isn't known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from components.platform import PROJECT
from components.postgres.settings import PostgresSettings
from components.settings.images import Images
from stack.environments import ROOT, deployed_environments, stack_config

ENDS = Path(__file__).with_name("support_ends.yaml")
_FROM = re.compile(
    r"^FROM (?P<program>[a-z0-9_-]+):(?P<version>\S+?)(?:-[a-z]\S*)?(?:@\S+)?(?: AS \S+)?$", re.MULTILINE
)

_ARGUMENT = re.compile(r"^ARG (\w+)=(\S+)$", re.MULTILINE)


class End(BaseModel):
    """Until when versions that begin with `version` are supported; without a date `because` says why there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    program: str
    version: str
    until: date | None = None
    because: str = ""
    source: str


@dataclass(frozen=True, order=True)
class Declared:
    """A declared version, and where it is declared."""

    program: str
    version: str
    where: str


def ends(file: Path = ENDS) -> list[End]:
    """The known ends."""
    return TypeAdapter(list[End]).validate_python(yaml.safe_load(file.read_text()))


def declared() -> list[Declared]:
    """Every version that is declared or built upon, once for each place."""
    return sorted({*_of_environments(), *_of_images(), *_of_guide()})


def _of_environments() -> Iterator[Declared]:
    for environment in deployed_environments():
        config, where = stack_config(environment), f"Pulumi.{environment}.yaml"
        postgres = PostgresSettings.model_validate(config.get(f"{PROJECT}:postgres") or {})
        yield Declared("postgres", postgres.engine_version, where)
        images = Images.model_validate(config[f"{PROJECT}:images"])
        for name in Images.model_fields.keys() - {"registry", "version", "digests"}:
            program, _, tag = str(getattr(images, name)).rpartition("/")[2].partition("@")[0].partition(":")
            yield Declared(program, tag.partition("-")[0], where)


def _of_images() -> Iterator[Declared]:
    for file in sorted([*ROOT.glob("images/*/Dockerfile"), *ROOT.glob("app/*/Dockerfile")]):
        text = file.read_text()
        for name, default in _ARGUMENT.findall(text):
            text = text.replace(f"${{{name}}}", default)
        for found in _FROM.finditer(text):
            yield Declared(found["program"], found["version"], str(file.relative_to(ROOT)))


def _of_guide() -> Iterator[Declared]:
    found = re.search(r'kind: ClusterConfig\nmetadata: .*version: "([\d.]+)"', (ROOT / "docs/deploy.md").read_text())
    if found is None:
        raise ValueError("docs/deploy.md no longer names the cluster's version")
    yield Declared("eks", found[1], "docs/deploy.md")


def report(versions: Sequence[Declared], known: Sequence[End], today: date, within: timedelta) -> list[str]:
    """One line for each version whose support ends within `within`, or whose end isn't listed."""
    lines: list[str] = []
    for each in versions:
        fitting = [end for end in known if end.program == each.program and _begins(each.version, end.version)]
        named = f"{each.program} {each.version} ({each.where})"
        if not fitting:
            lines.append(f"{named}: nobody says until when it is supported; add it to tools/{ENDS.name}")
        elif (until := fitting[0].until) is not None and until - today <= within:
            verb = "ended" if until < today else "ends"
            lines.append(f"{named}: support {verb} {until}; see {fitting[0].source}")
    return lines


def _begins(version: str, beginning: str) -> bool:
    return version == beginning or version.startswith((f"{beginning}.", f"{beginning}-"))


def main(
    days: Annotated[int, typer.Option(help="How long support must last from today on.")] = 60,
) -> None:
    """Name the declared versions whose support has ended or ends soon."""
    lines = report(declared(), ends(), datetime.now(UTC).date(), timedelta(days=days))
    for line in lines:
        typer.echo(line)
    if lines:
        raise typer.Exit(1)
    typer.echo(f"everything that is declared is supported for {days} days and more")


if __name__ == "__main__":
    typer.run(main)
