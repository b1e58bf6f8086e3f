"""`python -m tools.secrets prod`: give an environment the secrets that it still lacks."""

import secrets
import shutil
import subprocess
from typing import Annotated, NoReturn

import typer

from components.platform import PROJECT
from stack.environments import RenderError, stack_config
from stack.secret_placeholders import required_secrets

_RANDOM_BYTES = 32  # 43 characters of base64url: more than any brute force, and no character that needs quoting


def main(
    environment: Annotated[str, typer.Argument(help="The environment: the <env> of a Pulumi.<env>.yaml.")],
) -> None:
    """Set every required secret that is missing to a random value, encrypted by the stack's secrets provider.

    Existing ones stay: `make rotate` replaces them.
    """
    present = _present(environment)
    for name in required_secrets():
        if name not in present:
            set_secret(environment, name, random_value())
            typer.echo(f"set {PROJECT}:secrets.{name}")


def random_value() -> str:
    """A new password or token."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def set_secret(environment: str, name: str, value: str) -> None:
    """Write `simone:secrets.<name>` into the stack file, encrypted.

    The Pulumi CLI reads the value on its standard input: it is never in an argument, and never printed.
    """
    pulumi("config", "set", "--stack", environment, "--secret", "--path", f"{PROJECT}:secrets.{name}", given=value)


def _present(environment: str) -> set[str]:
    """The names of the encrypted values in the stack file, which need no key."""
    try:
        shape: dict[str, dict[str, object]] = stack_config(environment).get(f"{PROJECT}:secrets") or {}
    except RenderError as error:
        _fail(str(error))
    return {f"{system}.{name}" for system, values in shape.items() for name in values}


def pulumi(*arguments: str, given: str | None = None) -> str:
    """Run the Pulumi CLI. Returns its output; raises typer.Exit, with its message, if it fails."""
    if shutil.which("pulumi") is None:
        _fail("the Pulumi CLI isn't on PATH; install it (https://www.pulumi.com/docs/install/)")
    done = subprocess.run(["pulumi", *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        _fail(done.stderr.strip() or f"pulumi {arguments[0]} failed with {done.returncode}")
    return done.stdout


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
