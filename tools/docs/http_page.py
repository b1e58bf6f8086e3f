"""docs/http-rules.md: which rule of HTTP's documents which layer is tested for, read from the tests' names."""

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
TESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": (
        "tests/components/gateway/test_gateway_http_rules.py",
        "tests/kpi/test_behind_edge_caches.py",
    ),
    "API": (
        "tests/app/api/test_api_answers.py",
        "tests/app/api/test_api_http_rules.py",
        "tests/app/api/test_api_response_cache.py",
    ),
}
"""Where each layer's tests of HTTP are."""

_HEAD = """\
# Rules of HTTP that are tested

Each test names its section: of RFC 9110 (semantics), 9111 (caching), 9112 (HTTP/1.1) or 9211 (Cache-Status). This page
is made from those names by `make docs`. What is otherwise by design, and why:
[api-caching.md](api-caching.md#by-design-otherwise-than-a-general-cache).

| RFC | Section | What is tested | Layers |
|---|---|---|---|
"""
_NAME: Final = re.compile(r"test_(9\d{3})((?:_\d+)*(?:_and(?:_\d+)+)?)_([a-z].*)")


def page() -> str:
    """The page. Raises FileNotFoundError for a file of tests that isn't there."""
    rules: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for layer, files in TESTS.items():
        for name in files:
            for node in ast.walk(ast.parse((_ROOT / name).read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (found := _NAME.fullmatch(node.name)):
                    section = found[2].strip("_").replace("_and_", ", ").replace("_", ".")
                    layers = rules[found[1], section, found[3].replace("_", " ")]
                    if layer not in layers:
                        layers.append(layer)
    lines = [
        f"| {document} | {section} | {rule} | {' and '.join(layers)} |"
        for (document, section, rule), layers in sorted(rules.items(), key=lambda rule: _order(*rule[0]))
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _order(document: str, section: str, rule: str) -> tuple[str, list[int], str]:
    return document, [int(number) for number in re.findall(r"\d+", section)], rule
