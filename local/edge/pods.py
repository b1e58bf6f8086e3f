"""The edge's pods: two places and an upper tier, a Varnish each, and Cloudflare's API in front of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.api.invalidation.cloudflare import RATES
from explain.zone import RULESET, Rule, Zone, ZoneError
from local.edge.vcl import Place, program
from local.images import DEFAULT_PATH, Image, find
from local.plan import PlannedPod, of_this_machine
from local.problem import Problem
from local.secrets_file import ANALYTICS_TOKEN, PURGE_TOKEN
from local.spec import Container, Mount, Probe
from local.state import State
from local.volumes import VolumeFiles
from stack.resource import Resource

HERE: Final = "127.0.0.1"
GATEWAY_PORT: Final = 8080
UPPER: Final = "upper"
PORTS: Final[Mapping[str, int]] = {UPPER: 8880, "eu": 8881, "us": 8882}
"""Where each Varnish listens; ten more is where it takes purges."""
COUNTRIES: Final[Mapping[str, str]] = {UPPER: "DE", "eu": "DE", "us": "US"}
API: Final = "cloudflare"
MEMORY: Final = "64m"
"""The memory of each Varnish's cache."""
_WORK: Final = "/var/lib/varnish"
_CONFIG: Final = "/etc/varnish"
_PROGRAM: Final = "/opt/edge/cloudflare.py"
_USER: Final = 1000


def purge_port(place: str) -> int:
    """Where a place takes purges."""
    return PORTS[place] + 10


def varnish(name: str, work: str, configuration: str) -> tuple[str, ...]:
    """The command of a place's Varnish, from its directory for shared memory and its VCL.

    It doesn't compress: like Cloudflare with a strong ETag, it passes on what the origin has compressed.
    """
    listen = ("-a", f"http={HERE}:{PORTS[name]}", "-a", f"purge={HERE}:{purge_port(name)}")
    tuned = ("-p", "http_gzip_support=off", "-p", "thread_pools=1", "-p", "thread_pool_min=10")
    storage = ("-s", f"malloc,{MEMORY}", "-s", "Transient=malloc,16m")
    return ("varnishd", "-F", "-j", "none", "-n", work, "-f", configuration, *listen, *storage, *tuned)


def programs(rules: Sequence[Rule], gateway: tuple[str, int]) -> dict[str, str]:
    """The VCL of each place before a gateway. Raises ZoneError for a rule that Varnish can't follow."""
    upper = (HERE, PORTS[UPPER])
    return {
        name: program(
            rules,
            Place(name=name, country=country, origin=gateway, upper=None if name == UPPER else upper),
        )
        for name, country in COUNTRIES.items()
    }


def configuration(resources: Sequence[Resource], gateway: tuple[str, int] = (HERE, GATEWAY_PORT)) -> dict[str, str]:
    """The VCL of each place, from the rules that the stack declares. Raises Problem for what can't run here."""
    try:
        return programs(Zone.of(resources).rules, gateway)
    except ZoneError as error:
        raise Problem(f"the edge can't run on this machine: {error}") from None


def declared(resources: Sequence[Resource]) -> bool:
    """Whether the stack has an edge."""
    return any(resource.type == RULESET for resource in resources)


def pods(
    resources: Sequence[Resource],
    zone: Mapping[str, Any],
    secrets: Mapping[str, str],
    state: State,
    images: Mapping[str, Image],
) -> list[PlannedPod]:
    """The Varnishes and the API, for the zone that `simone:edge` describes. Raises Problem for what can't run here."""
    texts = configuration(resources)
    return [*(_place(name, texts[name], state, images) for name in PORTS), _api(zone, secrets, state, images)]


def _name(place: str) -> str:
    return f"edge-{place}"


def _work(place: str, state: State) -> str:
    """A Varnish's shared memory, which the API's pod reads too. It isn't in scratch, which every start empties."""
    return str(state.pod(_name(place)) / "varnish")


def _place(place: str, text: str, state: State, images: Mapping[str, Image]) -> PlannedPod:
    name = _name(place)
    image = find("varnish", images, name)
    volume = VolumeFiles(directory=str(state.pod(name) / "volumes" / "config"), files={"edge.vcl": (text, 0o644)})
    work = _work(place, state)
    container = Container(
        name="varnish",
        argv=varnish(place, f"{_WORK}/{place}", f"{_CONFIG}/edge.vcl"),
        environment={"PATH": DEFAULT_PATH},
        uid=_USER,
        gid=_USER,
        user=image.user,
        mounts=(Mount(source=volume.directory, target=_CONFIG), Mount(source=work, target=_WORK, read_only=False)),
        links=image.all_links(),
        readiness=Probe(http_path="/edge-health", host=HERE, port=PORTS[place]),
    )
    return of_this_machine(
        name,
        HERE,
        container,
        state,
        kind="Edge",
        ports=(("varnish", "http", PORTS[place]), ("varnish", "purge", purge_port(place))),
        volumes=(volume,),
        directories=(work,),
        packages=image.packages,
        missing=tuple(image.missing()),
    )


def _api(zone: Mapping[str, Any], secrets: Mapping[str, str], state: State, images: Mapping[str, Image]) -> PlannedPod:
    image = find("moto", images, API)
    address = urlsplit(zone["stand_in_api"])
    rate = RATES[zone["plan"]]
    tokens = {"purge": secrets[PURGE_TOKEN], "analytics": secrets[ANALYTICS_TOKEN]}
    outer = [place for place in PORTS if place != UPPER]
    told = {
        "address": (address.hostname, address.port),
        "zone": zone["zone_id"],
        "tokens": {right: hashlib.sha256(token.encode()).hexdigest() for right, token in tokens.items()},
        "per_second": rate.per_second,
        "burst": rate.burst,
        "places": [(HERE, purge_port(place)) for place in (UPPER, *outer)],
        "directories": [f"{_WORK}/{place}/{place}" for place in outer],
    }
    program_file = Path(__file__).with_name("cloudflare.py")
    container = Container(
        name=API,
        argv=("python", _PROGRAM),
        environment={"PATH": image.environment["PATH"], "PYTHONUNBUFFERED": "1", "EDGE": json.dumps(told)},
        uid=_USER,
        gid=_USER,
        mounts=(
            *image.mounts,
            Mount(source=str(program_file), target=_PROGRAM),
            *(Mount(source=_work(place, state), target=f"{_WORK}/{place}") for place in outer),
        ),
        readiness=Probe(http_path="/healthz", host=HERE, port=address.port or 0),
    )
    listening = ((API, "api", address.port or 0),)
    return of_this_machine(API, HERE, container, state, kind="Edge", ports=listening, sources=(str(program_file),))
