"""Stand-ins for an environment's secrets, which nobody can decrypt without the stack's key."""

from collections.abc import Mapping
from typing import Any, Literal, cast, get_origin

from components.settings.certificates import PLACEHOLDER
from components.settings.renamed import with_new_names
from components.settings.secrets import Secrets
from components.settings.section import Section


def with_placeholders(
    configured: Any, plain: Mapping[str, Any] | None, config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`simone:secrets` complete: values given in plain text, and a placeholder for every other required one, for
    each encrypted one (`{secure: …}`) of the stack file, and for those that other settings of `config` call for.
    """
    configured_values: Mapping[str, Any] = (
        cast(Mapping[str, Any], configured) if isinstance(configured, Mapping) else {}
    )
    return _section(Secrets, configured_values, plain or {}, "", _called_for(config or {}))


def _called_for(config: Mapping[str, Any]) -> frozenset[str]:
    """The secrets that components/settings/relations.py asks for only beside certain settings."""
    names: set[str] = set()
    config, _, _ = with_new_names(config)
    if (config.get("simone:gateway") or {}).get("tls"):
        names |= {"edge.origin_certificate", "edge.origin_key"}
    if (config.get("simone:redis") or {}).get("tls_ca"):
        names |= {"redis.tls_certificate", "redis.tls_key"}
    if edge := config.get("simone:edge"):
        names |= {"api.cloudflare_token", "monitoring.analytics_token"}
        names |= set() if edge.get("stand_in_api") else {"edge.client_certificate", "edge.client_key"}
    if ((config.get("simone:api") or {}).get("mail") or {}).get("username"):
        names |= {"api.mail_password"}
    if (config.get("simone:monitoring") or {}).get("route"):
        names.add("monitoring.sign_in_client_secret")
    return frozenset(names)


def _section(
    model: type[Section],
    configured: Mapping[str, Any],
    plain: Mapping[str, Any],
    path: str,
    called_for: frozenset[str],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        inner = f"{path}.{name}" if path else name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            values[name] = _section(
                field.annotation, configured.get(name) or {}, plain.get(name) or {}, inner, called_for
            )
        elif name in plain:
            values[name] = plain[name]
        elif name in configured and get_origin(field.annotation) is Literal:
            values[name] = configured[name]
        elif name in configured or field.is_required() or inner in called_for:
            values[name] = _placeholder(inner)
    unknown = (set(configured) | set(plain)) - set(model.model_fields)
    return values | {name: configured.get(name, plain.get(name)) for name in unknown}


def _placeholder(path: str) -> str:
    words = f"{PLACEHOLDER}{path.replace('.', '-')}".ljust(32, "-")
    return f"https://{words}" if path.endswith("_url") else words


def required_secrets() -> tuple[str, ...]:
    """The dotted names of the secrets that every environment needs."""

    def names(model: type[Section], path: str) -> list[str]:
        found: list[str] = []
        for name, field in model.model_fields.items():
            inner = f"{path}.{name}" if path else name
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                found += names(field.annotation, inner)
            elif field.is_required():
                found.append(inner)
        return found

    return tuple(names(Secrets, ""))
