"""`python -m tools.pins`: write down every environment's URNs, which tests hold the program to.

A URN that changes makes the engine delete the old resource and create a new one. So a rename comes with an alias, and
only what is really new or really gone changes these files.
"""

from pathlib import Path

from stack.environments import environments
from stack.render import render

DIRECTORY = Path(__file__).resolve().parent.parent / "tests" / "components" / "pinned"


def pinned_urns(environment: str) -> list[str]:
    """The environment's URNs as they are declared now, sorted, one that has aliases with these behind it."""
    return sorted(" ".join([resource.urn, *resource.aliases]) for resource in render(environment).resources)


def write(environment: str) -> Path:
    """Write the environment's URNs down; returns the file."""
    path = DIRECTORY / f"{environment}.txt"
    path.write_text("\n".join(pinned_urns(environment)) + "\n")
    return path


if __name__ == "__main__":
    for environment in environments():
        write(environment)
