"""The database's parameters follow the instance's memory, and RDS would take them."""

import pytest

from components.postgres.instance_classes import MEMORY
from components.postgres.parameters import parameters
from components.postgres.settings import PostgresSettings
from components.settings.quantities import GIB


def _values(**settings: object) -> dict[str, str]:
    return {row.name: row.value for row in parameters(PostgresSettings.model_validate(settings))}


def test_the_16_gib_instance_has_exactly_the_specified_figures() -> None:
    values = _values(instance_class="db.m7g.xlarge")
    specified = {
        "shared_buffers": "524288",
        "effective_cache_size": "1572864",
        "work_mem": "20480",
        "maintenance_work_mem": "1048576",
        "max_parallel_workers": "8",
        "max_worker_processes": "8",
        "random_page_cost": "1.1",
        "jit": "1",
        "log_min_duration_statement": "100",
    }
    assert {name: values[name] for name in specified} == specified


@pytest.mark.parametrize("instance_class", sorted(MEMORY))
def test_memory_parameters_fit_every_class(instance_class: str) -> None:
    settings = PostgresSettings.model_validate({"instance_class": instance_class})
    values = _values(instance_class=instance_class)
    assert int(values["shared_buffers"]) * 8192 == settings.memory // 4
    assert int(values["effective_cache_size"]) * 8192 == settings.memory * 3 // 4
    assert int(values["work_mem"]) >= 4096
    assert int(values["max_connections"]) == settings.max_connections > 0


def test_static_parameters_wait_for_a_reboot_and_the_others_do_not() -> None:
    methods = {row.name: row.apply_method for row in parameters(PostgresSettings())}
    waiting = {name for name, method in methods.items() if method == "pending-reboot"}
    assert waiting == {
        "max_connections",
        "max_worker_processes",
        "pg_stat_statements.max",
        "shared_buffers",
        "shared_preload_libraries",
    }


def test_more_memory_never_means_fewer_connections() -> None:
    by_memory = sorted(MEMORY, key=lambda name: MEMORY[name])
    counts = [PostgresSettings.model_validate({"instance_class": name}).max_connections for name in by_memory]
    assert counts == sorted(counts)
    assert max(counts) <= 5000
    assert MEMORY["db.m7g.xlarge"] == 16 * GIB
