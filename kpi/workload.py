"""The load mix, and the visits that it describes: the same ones for the same seed."""

import math
import random
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

WORKLOAD_FILE = Path(__file__).parent / "workload.yaml"

Step = Literal[
    "product",
    "listing",
    "search",
    "reviews",
    "inventory",
    "categories",
    "profile",
    "write_cart",
    "write_review",
    "write_stock",
]
STEPS: tuple[Step, ...] = get_args(Step)
PUBLIC_READS: frozenset[Step] = frozenset({"product", "listing", "search", "reviews", "inventory", "categories"})


class WorkloadError(Exception):
    """The workload file is wrong; the message names the field and what is allowed."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ThinkTime(_Model):
    """Seconds between a response and the visitor's next step."""

    median: float = Field(gt=0)
    sigma: float = Field(ge=0, le=3)
    maximum: float = Field(gt=0)


class Steps(_Model):
    """How many steps a visit has."""

    mean: float = Field(ge=1)
    maximum: int = Field(ge=1, le=10_000)


class Listing(_Model):
    """Which listings are requested."""

    limits: tuple[int, ...] = Field(min_length=1)
    sorts: Mapping[str, float]


class Workload(_Model):
    """`kpi/workload.yaml`."""

    seed: int
    sessions_per_second: float = Field(gt=0, le=10_000)
    zipf_exponent: float = Field(ge=0, le=3)
    products: int = Field(ge=1)
    categories: int = Field(ge=1)
    think_time: ThinkTime
    steps: Steps
    countries: Mapping[str, float]
    signed_in: float = Field(ge=0, le=1)
    mix: Mapping[Step, float]
    searches: tuple[str, ...] = Field(min_length=1)
    listing: Listing
    conditional: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        for name, shares in (("mix", self.mix), ("countries", self.countries), ("listing.sorts", self.listing.sorts)):
            if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
                raise ValueError(f"the shares of {name} add up to {sum(shares.values()):g}, not to 1")
        return self

    @classmethod
    def load(cls, path: Path = WORKLOAD_FILE) -> Self:
        """The mix in a file. Raises WorkloadError."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text()))
        except (OSError, yaml.YAMLError) as error:
            raise WorkloadError(f"{path}: {error}") from None
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
            raise WorkloadError(f"{path}: {faults}") from None

    @property
    def requests_per_second(self) -> float:
        """About how many requests arrive a second, once visits overlap."""
        return self.sessions_per_second * self.steps.mean


class Zipf:
    """Ranks 0..count-1 with probability proportional to 1/(rank+1)^exponent."""

    def __init__(self, count: int, exponent: float) -> None:
        self._cumulative = list(accumulate(1 / rank**exponent for rank in range(1, count + 1)))

    def rank(self, uniform: float) -> int:
        """The rank for a uniform number of [0, 1)."""
        return bisect(self._cumulative, uniform * self._cumulative[-1])


@dataclass(frozen=True, slots=True)
class Action:
    """One step: a request after a pause of `think` seconds. `item` is a rank, not an id."""

    step: Step
    think: float
    item: int
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor: when they come (seconds from the start), from where, signed in or not, and what they do."""

    start: float
    country: str
    user: int | None
    actions: tuple[Action, ...]


class Visits:
    """Generates visits of a workload. `part` of `parts` splits the stream over processes without overlap; another
    `stream` has other visitors who behave alike.
    """

    def __init__(
        self, workload: Workload, *, part: int = 0, parts: int = 1, rate: float | None = None, stream: str = ""
    ) -> None:
        self._workload = workload
        self._rate = (rate or workload.sessions_per_second) / parts
        self._random = random.Random(f"{workload.seed}/{part}/{parts}/{stream}")  # noqa: S311 - a load, not a secret
        self._products = Zipf(workload.products, workload.zipf_exponent)
        self._categories = Zipf(workload.categories, workload.zipf_exponent)
        self._searches = Zipf(len(workload.searches), workload.zipf_exponent)

    def _choose(self, shares: Mapping[str, float]) -> str:
        return self._random.choices(list(shares), weights=list(shares.values()))[0]

    def _action(self) -> Action:
        workload, chance = self._workload, self._random
        step: Step = chance.choices(list(workload.mix), weights=list(workload.mix.values()))[0]
        think = chance.lognormvariate(math.log(workload.think_time.median), workload.think_time.sigma)
        think = min(think, workload.think_time.maximum)
        if step == "listing":
            sort, limit = self._choose(workload.listing.sorts), chance.choice(workload.listing.limits)
            return Action(step, think, self._categories.rank(chance.random()), f"sort={sort}&limit={limit}")
        if step == "search":
            rank = self._searches.rank(chance.random())
            return Action(step, think, rank, workload.searches[rank])
        return Action(step, think, self._products.rank(chance.random()))

    def _visit(self, start: float) -> Visit:
        workload, chance = self._workload, self._random
        count = min(workload.steps.maximum, 1 + int(chance.expovariate(1 / workload.steps.mean)))
        user = chance.randrange(1 << 30) if chance.random() < workload.signed_in else None
        country = self._choose(workload.countries)
        return Visit(start, country, user, tuple(self._action() for _ in range(count)))

    def until(self, seconds: float) -> Iterator[Visit]:
        """Visits that begin within `seconds`, in order of their start."""
        start = self._random.expovariate(self._rate)
        while start < seconds:
            yield self._visit(start)
            start += self._random.expovariate(self._rate)
