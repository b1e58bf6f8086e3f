"""Settings of pods, whatever runs in them."""

from collections.abc import Iterable

from components.settings.quantities import Bytes, Cpu
from components.settings.section import Section, setting


class Resources(Section):
    """What a container asks for and may use. The memory limit equals the request: no overcommit, no surprise."""

    cpu: Cpu = setting("100m", unit="cores", why="request", ge=1, le=64_000)
    cpu_limit: Cpu | None = setting(None, unit="cores", why="none: a CPU limit adds latency even on an idle node")
    memory: Bytes = setting("128MiB", unit="bytes", why="request and limit", ge=2**20)


class Autoscaling(Section):
    """How many pods, and when more."""

    minimum: int = setting(2, unit="pods", why="one can be lost or drained", ge=1, le=100)
    maximum: int = setting(10, unit="pods", why="what the database's connections allow", ge=1, le=500)
    cpu_percent: int = setting(
        70,
        unit="% of the CPU request",
        why="leaves room for a lost pod until its successor is ready",
        ge=10,
        le=95,
    )

    def contradictions(self) -> Iterable[str]:
        if self.minimum > self.maximum:
            yield f"minimum is {self.minimum}, more than maximum {self.maximum}; lower minimum or raise maximum"
