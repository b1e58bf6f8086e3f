"""A wrong stack file is one clear line: the key as written, the value, what is allowed."""

from typing import Any

import pytest

from components.settings import Settings, SettingsError, parse
from review.render import stack_config
from review.secret_placeholders import with_placeholders


def _config(**changes: Any) -> dict[str, Any]:
    config = stack_config("prod")
    config["simone:secrets"] = with_placeholders(None, None, config)
    for path, value in changes.items():
        section, *keys = path.split("__")
        target = config
        names = [f"simone:{section}", *keys]
        for name in names[:-1]:
            target[name] = dict(target.get(name, {}))
            target = target[name]
        target[names[-1]] = value
    return config


def _message(**changes: Any) -> str:
    with pytest.raises(SettingsError) as raised:
        parse(_config(**changes), "prod")
    return str(raised.value)


def test_the_stack_file_is_accepted_as_it_stands() -> None:
    assert isinstance(parse(_config(), "prod"), Settings)


def test_a_typo_in_a_section_names_the_right_one() -> None:
    assert _message(apii={}) == "Pulumi.prod.yaml: simone:apii is not a setting; did you mean 'api'?"


def test_a_typo_in_a_key_names_the_right_one() -> None:
    assert (
        _message(api__pool_sise=3)
        == "Pulumi.prod.yaml: simone:api.pool_sise is not a setting; did you mean 'pool_size'?"
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("10 GHz", "the unit 'GHz' is not known; write one of B, KiB, MiB, GiB, TiB, for example 10GiB"),
        ("10", "the unit is missing; write one of B, KiB, MiB, GiB, TiB, for example 10GiB"),
        (10, "needs a number with a unit (B, KiB, MiB, GiB, TiB), for example 10GiB"),
        ("0.3B", "is not a whole number of the smallest unit (B)"),
    ],
)
def test_a_wrong_unit_says_which_are_allowed(value: Any, reason: str) -> None:
    assert _message(api__local_cache=value) == f"Pulumi.prod.yaml: simone:api.local_cache is {value!r}: {reason}"


def test_a_value_out_of_range_says_the_bound_with_its_unit() -> None:
    message = _message(api__drain="2h")
    assert message == "Pulumi.prod.yaml: simone:api.drain is 2h: must be at most 1m"


def test_every_fault_is_told_at_once() -> None:
    assert len(_message(api__pool_size=0, owner="", images__redis="redis:latest").splitlines()) == 3


def test_a_missing_setting_says_what_it_is_and_how_to_set_it() -> None:
    config = _config()
    del config["simone:images"]
    with pytest.raises(SettingsError, match=r"simone:images is missing: .* pulumi config set --path 'simone:images'"):
        parse(config, "prod")


def test_a_missing_secret_says_how_to_set_it_and_a_weak_one_is_never_shown() -> None:
    config = _config()
    del config["simone:secrets"]["redis"]["app"]
    config["simone:secrets"]["redis"]["exporter"] = "hunter2"
    with pytest.raises(SettingsError) as raised:
        parse(config, "prod")
    assert "pulumi config set --secret --path 'simone:secrets.redis.app'" in str(raised.value)
    assert "simone:secrets.redis.exporter: has 7 characters" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_an_image_without_a_fixed_version_is_refused() -> None:
    assert "'latest' changes under a running shop" in _message(images__redis="redis:latest")
