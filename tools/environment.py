"""`python -m tools.environment staging --from dev`: makes a complete new environment from an existing one."""

import re
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import yaml

from components.settings.environment import NAME
from policies.settings_file import path_of
from stack.environments import ROOT, RenderError, deployed_environments, environments, stack_config
from tools import pins
from tools.claims import claims, shared
from tools.docs.__main__ import write as write_docs

_GIVEN = ("simone:edge.zone_id",)
"""Claims of a new environment that can't be generated."""
DEPLOY = ROOT / ".github" / "workflows" / "deploy.yml"


def stack_file(name: str, source: str) -> str:
    """The text of `Pulumi.<name>.yaml`: `source`'s under the new name, without what only `source` can decrypt."""
    text = _renamed(_without_secrets(Path(ROOT / f"Pulumi.{source}.yaml").read_text()), source, name)
    head = f"# The {name} environment, made from {source}. Every setting: docs/settings.md.\n"
    text = head + re.sub(r"\A(#.*\n)+", "", text)
    taken = claims(stack_config(source))
    for setting, value in claims(yaml.safe_load(text)["config"]).items():
        if taken.get(setting) == value and setting not in _GIVEN:
            first, dot, rest = value.partition(".")
            own = f"{first}.{name}.{rest}" if dot else f"{value}-{name}"
            text = re.sub(rf"(?<![\w.-]){re.escape(value)}(?![\w.-])", own, text)
    return text


def deploy_workflow(text: str, name: str, source: str) -> str:
    """The workflow with the new environment after `source`, but before the last one; unchanged if it doesn't deploy
    `source`."""
    head, *jobs = re.split(r"(?m)^(?=  [a-z][\w-]*:$)", text)
    planned = [job.split(":")[0].strip() for job in jobs if job.startswith("  plan-")]
    if f"plan-{source}" not in planned:
        return text
    following = planned[min(planned.index(f"plan-{source}") + 1, len(planned) - 1)].removeprefix("plan-")
    at = next(index for index, job in enumerate(jobs) if job.startswith(f"  plan-{following}:"))
    added = [_renamed(job, following, name) for job in jobs if re.match(rf"  (plan|apply)-{following}:", job)]
    jobs[at] = re.sub(r"(?m)\A(.*\n)(    needs: .*\n)?", rf"\1    needs: apply-{name}\n", jobs[at])
    return head + "".join([*jobs[:at], *added, *jobs[at:]])


def main(
    name: Annotated[str, typer.Argument(help="The new environment's name: staging.")],
    source: Annotated[str, typer.Option("--from", help="The environment that it is made from: dev.")],
) -> None:
    """Write the stack file, the policies' settings, the pinned URNs, the deploying jobs and the pages of docs/."""
    made: dict[Path, str] = {}
    try:
        _check(name, source)
        made[ROOT / f"Pulumi.{name}.yaml"] = stack_file(name, source)
        made[path_of(name)] = path_of(source).read_text()
        for path, text in made.items():
            path.write_text(text)
        pinned = pins.write(name)
    except (RenderError, OSError) as error:
        for path in made:
            path.unlink(missing_ok=True)
        _fail(f"{name}, made from {source}, can't be rendered, so nothing was made: {error}")
    for path in (*made, pinned):
        typer.echo(f"made {path.relative_to(ROOT)}")
    before = DEPLOY.read_text()
    after = deploy_workflow(before, name, source)
    if after == before:
        typer.echo(
            f"{DEPLOY.relative_to(ROOT)} doesn't deploy {source}: add {name} there if it shall be deployed by it"
        )
    else:
        DEPLOY.write_text(after)
        typer.echo(f"changed {DEPLOY.relative_to(ROOT)}")
    for page in write_docs():
        typer.echo(f"changed {page}")
    typer.echo(
        f"\nStill to do, all in docs/deploy.md. In Pulumi.{name}.yaml, of its own (make deploy refuses others'):"
    )
    for setting, other in shared(name):
        typer.echo(f"  {setting}: is {other}'s")
    typer.echo(
        f"simone:aws, images.registry and edge.account_id are {source}'s too: right where it is the same account.\n"
        f"Then: pulumi stack init {name} --secrets-provider …, make secrets ENV={name}, and in GitHub the environments "
        f"{name}-plan and {name}, with {source}'s variables and reviewers."
    )


def _check(name: str, source: str) -> None:
    templates = deployed_environments()
    if not re.fullmatch(NAME, name):
        _fail(
            f"NAME is {name!r}: must match {NAME}, as it becomes part of every cloud resource's name; example: staging"
        )
    if name in environments() or path_of(name).exists():
        _fail(
            f"there is an environment {name!r} already (Pulumi.{name}.yaml, policies/{name}.json): choose another name"
        )
    if source not in environments():
        _fail(f"FROM is {source!r}, which is no environment; there are: {', '.join(templates)}")
    if source not in templates:
        _fail(f"FROM is {source}, which runs on this machine and isn't deployed; make it from: {', '.join(templates)}")


def _renamed(text: str, source: str, name: str) -> str:
    return re.sub(rf"\b{re.escape(source)}\b", name, text)


def _without_secrets(text: str) -> str:
    """The stack file without its key and the values encrypted by it, which only `source` can read."""
    lines = text.splitlines(keepends=True)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = list(root.value)
    for key, value in root.value:
        if key.value == "config":
            entries += value.value
    for key, value in entries:
        if key.value == "config":
            continue
        encrypted = re.search(r"(^|[\s{])secure:", text[value.start_mark.index : value.end_mark.index])
        if encrypted or key.value in ("encryptionsalt", "encryptedkey", "secretsprovider"):
            last = value.end_mark.line + (value.end_mark.column > 0)
            lines[key.start_mark.line : last] = [""] * (last - key.start_mark.line)
    return "".join(lines)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    typer.run(main)
