import pytest
from pulumi.runtime import rpc

from stack.properties import ANY, Path, contains, format_path, parse_path, value_at
from stack.values import HIDDEN, SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN, property_values

PATHS: dict[str, Path] = {
    "spec.containers[0].image": ("spec", "containers", 0, "image"),
    'data["redis.conf"]': ("data", "redis.conf"),
    '["a.b"].c[10]["d e"]': ("a.b", "c", 10, "d e"),
    'labels["says \\"hi\\""]': ("labels", 'says "hi"'),
    'paths["C:\\temp\\"]': ("paths", "C:\\temp\\"),
    '["$ref"]': ("$ref",),
}


@pytest.mark.parametrize(("text", "path"), PATHS.items())
def test_a_path_is_written_and_read_as_pulumi_does(text: str, path: Path) -> None:
    assert format_path(path) == text
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["triggers[*]", "triggers.*", 'triggers["*"]'])
def test_the_three_ways_to_write_any_element(text: str) -> None:
    assert parse_path(text) == ("triggers", ANY)


@pytest.mark.parametrize("text", [".spec", "spec.", "spec[", "spec[x]", 'spec["x]'])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a property path"):
        parse_path(text)


@pytest.mark.parametrize(
    ("selected", "path", "below"),
    [
        ("foo.*.baz", "foo.bar.baz.bam", True),
        ("foo[*].baz", "foo[3].baz", True),
        ("*", "anything", True),
        ("foo.bar", "foo", False),
        ("foo[1]", 'foo["1"]', False),
        ("foo.*.baz", "foo.bar", False),
    ],
)
def test_a_path_selects_what_lies_below_it(selected: str, path: str, below: bool) -> None:
    assert contains(parse_path(selected), parse_path(path)) is below


def test_the_engines_marks_are_those_of_the_sdk() -> None:
    assert rpc.UNKNOWN == UNKNOWN
    assert rpc._special_sig_key == SIGNATURE_KEY
    assert rpc._special_secret_sig == SECRET_SIGNATURE


def test_marks_are_taken_off_and_secrets_remembered() -> None:
    unknown_number = "3eeb2bf0-c639-47a8-9e75-3b44932eb421"
    values, secret = property_values(
        {
            "port": 6379.0,
            "size": {"a.b": [unknown_number]},
            "password": {SIGNATURE_KEY: SECRET_SIGNATURE, "plaintext": '"hunter2"'},
            "token": {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "v1:abc"},
            "shown": {"key": HIDDEN},
        }
    )
    assert values == {
        "port": 6379,
        "size": {"a.b": [UNKNOWN]},
        "password": "hunter2",
        "token": HIDDEN,
        "shown": {"key": HIDDEN},
    }
    assert secret == {"password", "token", "shown.key"}
    assert value_at(values, 'size["a.b"][0]') == UNKNOWN
