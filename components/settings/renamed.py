"""Settings whose name has changed: the old name is still read, and a warning says which one to write."""

from collections.abc import Mapping
from typing import Any, Final, cast

from components.platform import PROJECT

NEW_NAMES: Final[Mapping[str, str]] = {
    "pgbouncer.server_tls_ca_file": "server_ca_file",
    "redis.tls_authority": "tls_ca",
}
"""The new name by the old one, which is written with its section."""


def with_new_names(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str], list[str]]:
    """A stack's configuration under today's names, a warning for each old name, and a fault for each setting that is
    given under both.
    """
    renamed = dict(config)
    warnings: list[str] = []
    faults: list[str] = []
    for path, new in NEW_NAMES.items():
        section, old = path.split(".")
        key = f"{PROJECT}:{section}"
        given = renamed.get(key)
        if not isinstance(given, Mapping) or old not in given:
            continue
        settings = dict(cast(Mapping[str, Any], given))
        value = settings.pop(old)
        if new in settings:
            faults.append(f"{key}.{old} is the old name of {new}, and both are set: remove {old}")
        else:
            settings[new] = value
            warnings.append(f"{key}.{old} is deprecated: write {key}.{new} instead")
        renamed[key] = settings
    return renamed, warnings, faults
