"""Resources that an environment must have to itself: two with the same claim would overwrite each other's."""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any, Final

from stack.environments import deployed_environments, stack_config

_CLUSTER: Final = ("simone:aws", "oidc_provider_arn")
"""Each cluster has an OIDC provider of its own."""
_CLAIMED: Final = (
    ("simone:redis", "backup", "bucket"),
    ("simone:gateway", "hosts"),
    ("simone:edge", "hostname"),
    ("simone:edge", "zone_id"),
    ("simone:edge", "load_balancing", "origins"),
)


def claims(config: Mapping[str, Any]) -> Mapping[str, str]:
    """An environment's claims by setting. An unset setting claims nothing."""
    found = dict(leaf for path in _CLAIMED for leaf in _leaves(".".join(path), _at(config, path)))
    if cluster := _at(config, _CLUSTER):
        found[f"{'.'.join(_CLUSTER)} with simone:namespace"] = f"{cluster} {config.get('simone:namespace')}"
    return found


def shared(environment: str) -> Iterator[tuple[str, str]]:
    """Claims that another environment has too: the setting, and the other environment."""
    own = claims(stack_config(environment))
    for other in deployed_environments():
        if other != environment:
            taken = set(claims(stack_config(other)).values())
            yield from ((setting, other) for setting, value in own.items() if value in taken)


def _at(config: Any, path: tuple[str, ...]) -> Any:
    return reduce(lambda value, key: value.get(key) if isinstance(value, dict) else None, path, config)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case list():
            for index, item in enumerate(value):
                yield from _leaves(f"{path}[{index}]", item)
        case dict():
            for key, item in value.items():
                yield from _leaves(f"{path}.{key}", item)
        case _:
            pass
