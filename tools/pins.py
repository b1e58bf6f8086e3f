"""`python -m tools.pins`: writes every environment's URNs to files, which tests compare with the program.

A URN that changes makes the engine delete the old resource and create a new one. So a rename needs an
alias, and these files change only for resources that are new or gone.
"""

from pathlib import Path

from stack.environments import environments
from stack.render import render

DIRECTORY = Path(__file__).resolve().parent.parent / "tests" / "components" / "pinned"


def pinned_urns(environment: str) -> list[str]:
    """The environment's declared URNs, sorted; a URN's aliases follow it."""
    return sorted(" ".join([resource.urn, *resource.aliases]) for resource in render(environment).resources)


def write(environment: str) -> Path:
    """Write the environment's URNs. Returns the file."""
    path = DIRECTORY / f"{environment}.txt"
    path.write_text("\n".join(pinned_urns(environment)) + "\n")
    return path


if __name__ == "__main__":
    for environment in environments():
        write(environment)
