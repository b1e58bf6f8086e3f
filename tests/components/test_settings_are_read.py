"""No setting is a promise that nobody keeps: each one is read by what is declared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from components.monitoring.settings import Route
from components.settings import environment
from components.settings.environment import Settings
from components.settings.section import Section
from stack.render import render

ELSEWHERE: Final[Mapping[str, str]] = {
    "Logs.destination": "where the edge's logs are pushed",
    "Logs.ownership_challenge": "where the edge's logs are pushed",
    "RedisSecrets.tls_key": "where Redis speaks TLS",
    "MonitoringSettings.database_sslmode": "once the address of the database is known",
    "RemoteWrite.url": "where there is a long-term store",
    "RemoteWrite.username": "where there is a long-term store",
    **{f"Route.{name}": "where people reach the monitoring from outside" for name in Route.model_fields},
    "SampleData.products": "where there is sample data, which production has none of",
    "SampleData.users": "where there is sample data, which production has none of",
    "SampleData.orders": "where there is sample data, which production has none of",
    "SampleData.reviews": "where there is sample data, which production has none of",
}
"""Settings that a preview of production doesn't read, and when they are read."""


def sections(annotation: Any, found: dict[type[Section], None]) -> dict[type[Section], None]:
    """All sections that an annotation holds, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Section) and annotation not in found:
        found[annotation] = None
        for field in annotation.model_fields.values():
            sections(field.annotation, found)
    for part in get_args(annotation):
        sections(part, found)
    return found


def test_every_setting_is_read_by_what_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[tuple[type, str]] = set()
    parse, get = environment.parse, Section.__getattribute__

    def watched(self: Section, name: str) -> Any:
        read.update((kind, name) for kind in type(self).__mro__)
        return get(self, name)

    def parsed(config: Mapping[str, Any], name: str) -> Settings:
        settings = parse(config, name)  # which reads everything itself, to judge it
        monkeypatch.setattr(Section, "__getattribute__", watched)
        return settings

    monkeypatch.setattr(environment, "parse", parsed)
    render("prod")
    monkeypatch.undo()
    unread = {
        f"{section.__name__}.{name}": Path(*section.__module__.split("."))
        for section in sections(Settings, {})
        for name in section.model_fields
        if (section, name) not in read
    }
    forgotten = [
        f"{name} ({module}.py) is a setting that nothing reads: use it in {module.parent}/, or take it out"
        for name, module in unread.items()
        if name not in ELSEWHERE
    ]
    assert not forgotten, forgotten
    assert unread.keys() == ELSEWHERE.keys(), f"read after all; take it out of ELSEWHERE: {ELSEWHERE.keys() - unread}"
