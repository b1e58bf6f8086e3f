"""`python -m kpi.visitors`: visitors of the load mix at the running shop until it is stopped; nothing is measured."""

import asyncio
import itertools
from typing import Final

from tenacity import Retrying, retry_if_exception_type, stop_after_delay

from app.database.catalogue.vocabulary import WAREHOUSES
from kpi.__main__ import admin_token
from kpi.load import Run, play
from kpi.measure import Addresses, find_catalogue
from kpi.observe import ShopNotRunning
from kpi.workload import Workload

TURN_SECONDS: Final = 8.0
WAITING_SECONDS: Final = 120
"""A shop on a busy machine may take longer than one request's time limit for its first response."""


def main() -> None:
    """Play one turn after the other, each with other visitors."""
    mix, addresses = Workload.load(), Addresses()
    patiently = Retrying(
        retry=retry_if_exception_type(ShopNotRunning), stop=stop_after_delay(WAITING_SECONDS), reraise=True
    )
    catalogue = patiently(lambda: asyncio.run(find_catalogue(addresses, mix, admin_token(), WAREHOUSES[0])))
    for turn in itertools.count():
        run = Run(
            workload=mix,
            base_url=addresses.gateway,
            seconds=TURN_SECONDS,
            catalogue=catalogue,
            sessions_per_second=mix.sessions_per_second,
            stream=f"turn {turn}",
        )
        play(run)


if __name__ == "__main__":
    main()
