"""The shop's own counters, read from every pod at one moment: the difference of two readings is a run's work."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class ShopNotRunning(Exception):
    """The shop doesn't run; the message says what doesn't answer."""


@dataclass(frozen=True)
class Reading:
    """Samples of all pods by name and labels (`job` and `pod` added)."""

    samples: Mapping[tuple[str, Labels], float]

    def total(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples; a label's value is a regular expression for the whole value."""
        return sum(value for _, value in self.values(name, **labels))

    def values(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """A metric's samples with their labels; as `total` chooses them."""
        return [
            (dict(found_labels), value)
            for (found, found_labels), value in self.samples.items()
            if found == name
            and all(re.fullmatch(pattern, dict(found_labels).get(key, "")) for key, pattern in labels.items())
        ]

    def since(self, before: "Reading") -> "Reading":
        """How much the counters grew. A restarted pod counts from zero."""
        grown = {
            key: value - before.samples.get(key, 0.0) if value >= before.samples.get(key, 0.0) else value
            for key, value in self.samples.items()
        }
        return Reading(grown)


class Observer:
    """Reads the pods that Prometheus knows, directly: its own samples would be up to 15 s old."""

    def __init__(self, prometheus_url: str) -> None:
        self._prometheus = prometheus_url

    async def _targets(self, client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
        try:
            answer = await client.get(f"{self._prometheus}/api/v1/targets", params={"state": "active"})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise ShopNotRunning(
                f"Prometheus doesn't answer at {self._prometheus} ({error}); start the shop with `make up`"
            ) from None
        return [
            (target["labels"]["job"], target["labels"]["pod"], target["scrapeUrl"])
            for target in answer.json()["data"]["activeTargets"]
        ]

    async def read(self) -> Reading:
        """All samples of this moment. A pod that doesn't answer is left out. Raises ShopNotRunning."""
        samples: dict[tuple[str, Labels], float] = {}
        async with httpx.AsyncClient(timeout=10) as client:
            targets = await self._targets(client)
            answers = await asyncio.gather(*(client.get(url) for _, _, url in targets), return_exceptions=True)
        for (job, pod, _), answer in zip(targets, answers, strict=True):
            if isinstance(answer, BaseException) or answer.is_error:
                continue
            for family in text_string_to_metric_families(answer.text):
                for sample in family.samples:
                    labels = frozenset({**sample.labels, "job": job, "pod": pod}.items())
                    samples[sample.name, labels] = sample.value
        return Reading(samples)

    async def series(self, query: str, seconds: float, step: float) -> list[tuple[dict[str, str], list[float]]]:
        """A query's values over the last `seconds`, from Prometheus itself."""
        async with httpx.AsyncClient(timeout=20) as client:
            clock = (await client.get(f"{self._prometheus}/api/v1/query", params={"query": "time()"})).json()
            end = float(clock["data"]["result"][1])
            answer = await client.get(
                f"{self._prometheus}/api/v1/query_range",
                params={"query": query, "start": end - seconds, "end": end, "step": step},
            )
        answer.raise_for_status()
        return [
            (result["metric"], [float(value) for _, value in result["values"]])
            for result in answer.json()["data"]["result"]
        ]
