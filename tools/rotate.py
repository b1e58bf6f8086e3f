"""`python -m tools.rotate prod redis.app`: replaces secrets while the shop runs.

Three steps, each a deployment: servers accept a second value too; clients send it; servers accept it alone. The stack
file has a secret's step, the stack's outputs the deployed one: after an interruption the same command continues. New
values go to the Pulumi CLI on its standard input and nowhere else.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, cast

import typer

from components.platform import PROJECT
from components.settings.secrets import STEPS, rotated
from stack.environments import RenderError, stack_config
from stack.secret_placeholders import required_secrets
from tools import deploy
from tools.secrets import pulumi, random_value, set_secret

REST = tuple(step for step in STEPS if " " not in step)
"""The steps at which a rotation begins and ends, with one valid value."""


def next_step(step: str) -> str:
    """The step after this one; after the last one comes the first."""
    return STEPS[(STEPS.index(cast(Any, step)) + 1) % len(STEPS)]


def main(
    environment: Annotated[str, typer.Argument(help="The environment: the <env> of a Pulumi.<env>.yaml.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="Secrets, such as redis.app; none: print how far each is.")
    ] = None,
    step: Annotated[
        bool, typer.Option("--step", help="Write the next step only, for whom a workflow deploys.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before each deployment.")] = False,
) -> None:
    """Replace these secrets, in three deployments. Exit codes as of `tools.deploy`."""
    if not names:
        for name, at in _configured(environment, rotated()).items():
            typer.echo(f"{name}: {at}")
        return
    for name in names:
        _can_be_replaced(name)
    in_steps, at_once = [name for name in names if name in rotated()], [name for name in names if name not in rotated()]
    if in_steps and at_once:
        deploy.fail(
            f"{', '.join(at_once)} takes one deployment and the others three: replace it by a command of its own"
        )
    if at_once:
        for name in at_once:
            set_secret(environment, name, random_value())
            typer.echo(f"{name} has a new value")
        _deployed_or_said(environment, step=step, yes=yes)
        return
    _in_steps(environment, in_steps, step=step, yes=yes)


def _in_steps(environment: str, names: list[str], *, step: bool, yes: bool) -> None:
    at = _configured(environment, names)
    if len(set(at.values())) > 1:
        deploy.fail(f"these aren't at the same step ({_told(at)}): end what was begun, each by a command of its own")
    if _deployed(environment, names) != at:
        if step:
            deploy.fail(f"Pulumi.{environment}.yaml isn't deployed yet ({_told(at)}): deploy it, then run this again")
        typer.echo(f"Pulumi.{environment}.yaml isn't deployed yet ({_told(at)}); that comes first")
        _deploy(environment, at, yes=yes)
        if at[names[0]] in REST:
            typer.echo(f"replaced: {', '.join(names)}")
            return
    else:
        deploy.wait_for_roll_out(environment)
    while True:
        for name in names:
            _write_step(environment, name, at[name])
        at = _configured(environment, names)
        last = at[names[0]] in REST
        if step:
            then = "that was the last step" if last else "then run this again"
            typer.echo(f"commit Pulumi.{environment}.yaml and deploy it; {then}")
            return
        _deploy(environment, at, yes=yes)
        if last:
            typer.echo(f"replaced: {', '.join(names)}")
            return


def _told(at: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {step}" for name, step in at.items())


def _write_step(environment: str, name: str, at: str) -> None:
    """Begin a rotation by writing the new value, which no server accepts yet; after an interruption, again."""
    system, _, secret = name.partition(".")
    if at in REST:
        set_secret(environment, f"{system}.rotation.{secret}.alternate" if at == "main" else name, random_value())
    to = next_step(at)
    key = f"{PROJECT}:secrets.{system}.rotation.{secret}.accepted"
    pulumi("config", "set", "--stack", environment, "--path", key, to)
    typer.echo(f"{name}: {to}")


def _deploy(environment: str, at: Mapping[str, str], *, yes: bool) -> None:
    """Raises typer.Exit with `tools.deploy`'s code, unless this step has rolled out."""
    deploy.up(environment, yes=yes)
    deploy.wait_for_roll_out(environment)
    if _deployed(environment, at) != at:
        deploy.fail(f"the deployment of {environment} has ended, but its outputs don't have this step: run this again")


def _deployed_or_said(environment: str, *, step: bool, yes: bool) -> None:
    if step:
        typer.echo(f"commit Pulumi.{environment}.yaml and deploy it; that is all")
        return
    deploy.up(environment, yes=yes)


def _can_be_replaced(name: str) -> None:
    if name in rotated() or name in required_secrets():
        return
    known = ", ".join(dict.fromkeys((*rotated(), *required_secrets())))
    deploy.fail(
        f"{name} isn't made here ({known}). What somebody else gives out is replaced in one deployment: "
        f"pulumi config set --secret --path {PROJECT}:secrets.{name}, make deploy ENV=…, then revoke the old value "
        "where it was given out (docs/rotation.md)"
    )


def _configured(environment: str, names: Iterable[str]) -> dict[str, str]:
    """Each secret's step in the stack file, which needs no key."""
    try:
        secrets: dict[str, Any] = stack_config(environment).get(f"{PROJECT}:secrets") or {}
    except RenderError as error:
        deploy.fail(str(error))
    found: dict[str, str] = {}
    for name in names:
        system, _, secret = name.partition(".")
        rotation = ((secrets.get(system) or {}).get("rotation") or {}).get(secret) or {}
        found[name] = rotation.get("accepted", STEPS[0])
        if found[name] not in STEPS:
            deploy.fail(f"{PROJECT}:secrets.{system}.rotation.{secret}.accepted is none of: {', '.join(STEPS)}")
    return found


def _deployed(environment: str, names: Iterable[str]) -> dict[str, str]:
    """Each secret's step in the last deployment."""
    outputs = json.loads(pulumi("stack", "output", "--stack", environment, "--json"))
    steps = outputs.get("rotations") or {}
    found = json.loads(steps) if isinstance(steps, str) else steps
    return {name: found.get(name, STEPS[0]) for name in names}


if __name__ == "__main__":
    typer.run(main)
