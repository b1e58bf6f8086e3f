"""`python tools/images.py`: the images built from this repository, as JSON for the build workflow's matrix.

An image is a Dockerfile: `app/<name>/Dockerfile` for what is ours, `images/<name>/Dockerfile` for what others wrote
but don't publish. Every one is built with the repository as its context. Standard library only: it runs before
anything is installed.
"""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def dockerfiles() -> dict[str, Path]:
    """Each image's Dockerfile by the image's name."""
    found = [*ROOT.glob("app/*/Dockerfile"), *ROOT.glob("images/*/Dockerfile")]
    return {path.parent.name: path for path in sorted(found)}


if __name__ == "__main__":
    print(
        json.dumps(
            [{"name": name, "dockerfile": str(path.relative_to(ROOT))} for name, path in dockerfiles().items()],
            separators=(",", ":"),
        )
    )
