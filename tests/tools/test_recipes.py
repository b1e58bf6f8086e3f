"""The recipes of docs/contributing.md on a copy of the tree: what each missing part says.

Parts that stop a preview come first; then everything else that is missing is told in one run of the gate and one of the
tests that the recipes name.
"""

import re
import subprocess
from pathlib import Path

import pytest

from policies import settings_file
from policies.catalogue import RULES
from testing.tree import Tree, copy
from tools.environment import stack_file

pytestmark = pytest.mark.timeout(1800)  # each command renders; how long that takes is the machine's affair

ROUTE = '''

@router.get("/api/shelves/{shelf_id}")
async def show_shelf(shelf_id: int) -> dict[str, int]:
    """A shelf."""
    return {"shelf_id": shelf_id}
'''
SETTING = """\
    shelf_life: Duration = setting("60s", unit="seconds", why="how long a key may lie unread", ge=1, le=600)
"""
ALERT = """\
    Alert(
        name="RedisShelfEmpty",
        expr='redis_up{job="redis"} == 2',
        hold="2m",
        hold_reason="a shelf is filled again within a minute",
        severity="ticket",
        summary="The shelf of {{ $labels.pod }} is empty",
        description="Nothing lies there.",
        runbook="redis",
    ),
"""
RULE = '''

@rule(
    "shelves-are-named",
    severity=Severity.LOW,
    protects="Nobody finds what lies on a shelf without a name.",
    fix="Give it a name.",
    link="https://kubernetes.io/docs/concepts/overview/working-with-objects/names/",
    types=("core/v1:PersistentVolumeClaim",),
)
def shelves_are_named(resource: Resource, _: Parameters) -> Findings:
    """Every shelf has a name."""
    if not resource.get("metadata", "name"):
        yield Finding("it has no name", resource)
'''
COMPONENT = '''\
"""Shelves."""

import pulumi

from components.kubernetes.deployment import deployment
from components.kubernetes.pod import Container, Pod
from components.kubernetes.scope import Scope
from components.platform import Platform
from components.settings.pods import Resources


class Shelves(pulumi.ComponentResource):
    """One pod."""

    def __init__(self, name: str, platform: Platform, image: str) -> None:
        super().__init__("simone:shelves:Shelves", name)
        own = Scope(name, platform, "shelves", pulumi.ResourceOptions(parent=self))
        container = Container(name="shelves", image=image, resources=Resources())
        deployment(own, Pod(uid=10001, containers=[container]), replicas=1, after=[])
        self.register_outputs({})


class Ladder(pulumi.ComponentResource):
    """Nobody declares it."""

    def __init__(self, name: str) -> None:
        super().__init__("simone:shelves:Ladder", name)
'''
DECLARED = '    Shelves("shelves", platform, images.ours("api"))\n'
ALERTING = "tests/components/monitoring/test_alerts.py"
PINNED = "tests/components/test_pinned_urns.py"
TOLD_BY_TESTS = (
    ("tests/app/test_api_caching_policy.py::"
    "test_a_route_of_the_api_that_the_policy_does_not_name_is_refused_with_the_entry_that_is_missing"),
    "tests/components/test_settings_are_read.py",
    "tests/components/test_redis_texts.py::test_the_page_gives_a_reason_for_each_line_of_a_node_and_for_no_other",
    f"{ALERTING}::test_every_alert_has_both_cases",
    "tests/policies/test_rules.py::test_every_rule_is_listed_and_comes_with_a_change_that_breaks_it",
    f"{PINNED}::test_every_urn_is_the_pinned_one_or_has_it_as_an_alias[dev]",
    f"{PINNED}::test_every_urn_is_the_pinned_one_or_has_it_as_an_alias[staging]",
    f"{PINNED}::test_every_component_is_declared_somewhere",
    *(f"tests/tools/test_generated_docs.py::test_the_page_is_what_the_code_says_now[docs/{page}.md-page]"
      for page in ("settings", "alerts", "policies")),
)  # fmt: skip


def append(tree: Tree, file: str, text: str) -> None:
    path = tree.root / file
    path.write_text(path.read_text() + text)


def in_one_line(told: "subprocess.CompletedProcess[str]") -> str:
    """Without the marks and breaks that tools put into long lines."""
    return re.sub(r"\s+", " ", re.sub(r"(?m)^E? +", " ", told.stdout + told.stderr))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A copy with the first part of each recipe, and nothing else of it."""
    tree = copy(tmp_path_factory.mktemp("tree"))
    append(tree, "app/api/routes/catalogue.py", ROUTE)
    tree.replace("components/redis/settings.py", "    exporter: Resources", SETTING + "    exporter: Resources")
    tree.replace("components/redis/redis_conf.py", "tcp-backlog 511\n", "tcp-backlog 511\nhz 10\n")
    tree.replace("components/monitoring/rules/redis.py", "_ALERTS = (\n", f"_ALERTS = (\n{ALERT}")
    append(tree, "policies/rules/ownership.py", RULE)
    (tree.root / "components/shelves").mkdir()
    (tree.root / "components/shelves/__init__.py").write_text(COMPONENT)
    stack = "components/stack.py"
    imported = "from components.storefront import"
    tree.replace(stack, imported, f"from components.shelves import Shelves\n{imported}")
    tree.replace(stack, "    storefront_args = ", f"{DECLARED}    storefront_args = ")
    return tree


@pytest.fixture(scope="module")
def previewed(tree: Tree) -> Tree:
    """The copy after what stopped the preview was added."""
    stopped = tree.run("review", "preview", "dev")
    assert stopped.returncode == 2
    assert "Traceback" not in stopped.stderr
    panel, runbook = re.findall(r"alert RedisShelfEmpty .*", stopped.stderr)
    assert "(components/monitoring/rules/redis.py) has no panel that explains it" in panel
    assert 'add "RedisShelfEmpty" to `alerts` of a Panel in components/monitoring/dashboards/' in panel
    assert "add a section `## RedisShelfEmpty` with Means, Look, Fix and Over when to docs/runbooks/redis.md" in runbook
    boards = "components/monitoring/dashboards/redis.py"
    tree.replace(boards, '"RedisSentinelTilt", ', '"RedisSentinelTilt", "RedisShelfEmpty", ')
    append(tree, "docs/runbooks/redis.md", "\n## RedisShelfEmpty\n\n**Means.** **Look.** **Fix.** **Over when.**\n")
    return tree


@pytest.mark.full
def test_the_gate_names_what_a_component_lacks(previewed: Tree) -> None:
    judged = previewed.run("review", "gate", "dev")
    told = in_one_line(judged)
    assert judged.returncode == 1, told
    assert "no NetworkPolicy applies to shelves" in told
    assert "Add the system's flows to components/kubernetes/flows.py" in told
    assert "it has no port named metrics" in told
    assert "Name the metrics port `metrics`" in told


@pytest.fixture(scope="module")
def told_by_tests(previewed: Tree) -> str:
    """What the tests say that the recipes name; `staging` is a copied stack file."""
    (previewed.root / "Pulumi.staging.yaml").write_text(stack_file("staging", "dev"))
    ran = previewed.run("pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *TOLD_BY_TESTS)
    told = in_one_line(ran)
    assert f"{len(TOLD_BY_TESTS)} failed" in told, told
    return told


@pytest.mark.full
@pytest.mark.parametrize(
    "message",
    [
        "app/caching.yaml names no GET /api/shelves/{shelf_id}, which the API answers",
        "methods: [GET], audience: never}",
        (
            "RedisSettings.shelf_life (components/redis/settings.py) is a setting that nothing reads: "
            "use it in components/redis/, or take it out"
        ),
        "`hz` has no reason: add it to the table redis.conf of docs/redis.md",
        "docs/settings.md is out of date; run: make docs",
        "add CASES['RedisShelfEmpty'] to tests/components/monitoring/alert_cases.py",
        "docs/alerts.md is out of date; run: make docs",
        "no test breaks shelves-are-named: say what breaks it in BREAKS of tests/policies/breaking.py",
        "policies/staging.json is missing: it says how strict the policies are in staging",
        "not pinned yet: make pins ['urn:pulumi:dev::simone::simone:shelves:Shelves",
        (
            "components/shelves/__init__.py has the component simone:shelves:Ladder, which no environment declares: "
            "call it in components/stack.py"
        ),
        "no URN of staging is pinned yet (tests/components/pinned/staging.txt): make pins",
    ],
)
def test_a_test_names_what_is_missing(message: str, told_by_tests: str) -> None:
    assert message in told_by_tests


def test_an_environment_without_policies_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "DIRECTORY", tmp_path)
    with pytest.raises(settings_file.PolicySettingsError) as refused:
        settings_file.read("staging", RULES)
    assert str(refused.value) == (
        "policies/staging.json is missing: it says how strict the policies are in staging; `make environment` writes "
        "it with all else that an environment needs, or copy another environment's"
    )
