"""A stack under the engine whose program registers a snapshot: any change to it can be previewed and deployed."""

import dataclasses
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from review import engine_preview
from review.plan import Plan
from stack.render import Rendered
from tools.engine.project import Project

REPLAY = Path(__file__).resolve().parent / "replay"


class Replayed:
    """The project, and what its program declares from now on."""

    def __init__(self, project: Project, snapshot: Path) -> None:
        self.project = project
        self.snapshot = snapshot

    def declare(self, rendered: Rendered) -> None:
        self.snapshot.write_text(json.dumps(dataclasses.asdict(rendered), default=sorted))

    def preview(self, rendered: Rendered) -> Plan:
        self.declare(rendered)
        return engine_preview.parse(self.project.preview().stdout)


@contextmanager
def replaying(directory: Path, engine: Path | None = None) -> Generator[Replayed]:
    """A stack `prod` that has nothing yet; `directory` is for its snapshot."""
    snapshot = directory / "snapshot.json"
    environment = {"SIMONE_SNAPSHOT": str(snapshot)}
    with Project("prod", REPLAY, engine=engine, environment=environment) as project:
        yield Replayed(project, snapshot)
