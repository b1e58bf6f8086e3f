"""Visitors' countries as the regions that the edge routes by (components/edge/balancing.py): US, EU, APAC.

Cloudflare counts by country (ISO 3166-1 alpha-2); it knows nothing of our regions.
"""

from typing import Final


def _codes(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTRIES: Final = {
    # Northern America
    "us": _codes("US CA MX BM GL PM PR VI"),
    # Europe, as the continent
    "eu": _codes(
        "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME "
        "MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"
    ),
    # Southern, eastern and south-eastern Asia, and Oceania
    "apac": _codes(
        "AF AS AU BD BN BT CC CK CN CX FJ FM GU HK ID IN JP KH KI KP KR LA LK MH MM MN MO MP MV MY NC NF NP NR NU NZ "
        "PF PG PH PK PN PW SB SG TH TK TL TO TV TW VN VU WF WS"
    ),
}
ELSEWHERE: Final = "other"
_REGION_OF: Final = {country: region for region, countries in COUNTRIES.items() for country in countries}


def region_of(country: str) -> str:
    """The region of a country's code; `other` for the rest of the world and for unknown ones (`T1`, `XX`)."""
    return _REGION_OF.get(country, ELSEWHERE)
