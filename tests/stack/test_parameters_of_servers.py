"""What policies know of Postgres's parameters is what real servers of these versions say."""

import pytest

from stack.postgres_parameters import DATA, Parameter, parameters
from testing.postgres_parameters import of_a_server
from testing.postgres_programs import RELEASES


@pytest.mark.parametrize("major", RELEASES)
def test_the_data_is_what_a_server_says(major: int) -> None:
    told = [line.split("\t") for line in DATA.read_text().splitlines()[2:]]
    assert [row for row in told if row[0] == str(major)] == of_a_server(major)


def test_each_version_has_its_own() -> None:
    assert "transaction_timeout" in parameters(17).keys() - parameters(16).keys()
    assert parameters(12) == {}


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("jit", "1", None),
        ("jit", "maybe", "is neither on nor off"),
        ("huge_pages", "try", None),
        ("wal_level", "full", "is none of minimal, replica, logical"),
        ("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)", None),
        ("max_connections", "0", "is outside of 1 to 262143"),
        ("random_page_cost", "1.1", None),
        ("work_mem", "-1", "is outside of 64 to 2147483647 kB"),
        ("work_mem", "64MB", "has a unit, but RDS takes a number of kB"),
        ("work_mem", "much", "is no number"),
        ("search_path", "anything", None),
    ],
)
def test_a_value_that_is_refused_is_told_why(name: str, value: str, fault: str | None) -> None:
    parameter: Parameter = parameters(16)[name]
    assert parameter.refuses(value) == fault
