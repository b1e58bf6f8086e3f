"""The rules as policies of the engine's SDK: the same functions, run by `pulumi preview --policy-pack policies`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import Severity as PackSeverity
from pulumi_policy.proxy import UnknownValueError

from policies import suppressions
from policies.catalogue import RULES
from policies.judgement import crash
from policies.rule import Finding, Parameters, Rule
from policies.suppressions import Suppression
from stack.resource import Resource, Stack, Undecided
from stack.values import UNKNOWN, property_values

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

Policy = ResourceValidationPolicy | StackValidationPolicy


@dataclass(frozen=True)
class Accepting:
    """Applies policies/suppressions.yaml. Collects a sentence on each finding that was accepted, with the place of its
    entry.
    """

    entries: Sequence[Suppression] = ()
    told: dict[str, str] = field(default_factory=dict[str, str])

    def counting(self, rule: Rule, finding: Finding) -> Sequence[Finding]:
        """The finding if it counts, else nothing."""
        counting, accepted = suppressions.applied(rule, [finding], self.entries, suppressions.today())
        self.told.update((suppressions.accepted(rule, one), one.by.place) for one in accepted)
        return counting


def policies() -> list[Policy]:
    """All rules, without suppressed findings, and the policy that reports those. Raises PolicySettingsError."""
    accepting = Accepting(suppressions.read(RULES))
    # The engine runs them in this order: the last one reports what the others have suppressed.
    return [*(_policy(rule, accepting) for rule in RULES), _suppressions(accepting)]


def _suppressions(accepting: Accepting) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stacks = dict.fromkeys(resource.urn.split("::")[0] for resource in args.resources)
        environments = [stack.removeprefix("urn:pulumi:") for stack in stacks]
        used = {*accepting.told.values()}
        unused = suppressions.unused(accepting.entries, used, environments, suppressions.today())
        for sentence in (*accepting.told, *unused):
            report(sentence, None)

    return StackValidationPolicy(
        name=suppressions.POLICY,
        description=suppressions.DESCRIPTION,
        validate=validate,
        enforcement_level=EnforcementLevel.ADVISORY,
    )


def _policy(rule: Rule, accepting: Accepting) -> Policy:
    level, severity = EnforcementLevel(rule.level.value), PackSeverity(rule.severity.value)
    schema = _schema(rule) if rule.parameters else None
    if not rule.types:
        return StackValidationPolicy(
            name=rule.id,
            description=rule.description,
            validate=_stack_check(rule, accepting),
            enforcement_level=level,
            config_schema=schema,
            severity=severity,
        )
    return ResourceValidationPolicy(
        name=rule.id,
        description=rule.description,
        validate=_resource_check(rule, accepting),
        remediate=_remediation(rule, accepting) if rule.remediation else None,
        enforcement_level=level,
        config_schema=schema,
        severity=severity,
    )


def _schema(rule: Rule) -> PolicyConfigSchema:
    return PolicyConfigSchema(
        properties={name: {"type": _TYPES[type(value)], "default": value} for name, value in rule.parameters.items()}
    )


def _parameters(rule: Rule, given: Mapping[str, Any]) -> Parameters:
    return {**rule.parameters, **given}


def plain(value: Any) -> Any:
    """A policy's properties as plain values: the SDK's proxies raise when an unknown value is touched."""
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        return {key: _item(mapping, key) for key in mapping}
    if hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def _declared(resource: ResourceValidationArgs | PolicyResource) -> Resource:
    return Resource(
        urn=resource.urn,
        type=resource.resource_type,
        name=resource.name,
        inputs=property_values(plain(resource.props))[0],
        protect=bool(resource.opts.protect),
    )


def tell(rule: Rule, findings: Callable[[], Any], report: ReportViolation, accepting: Accepting | None = None) -> None:
    """Report the rule's findings that nobody has accepted. A failure of the rule is reported as a violation too:
    raised, it would stop the other rules.
    """
    try:
        for found in cast("list[Finding]", findings()):
            for finding in (accepting or Accepting()).counting(rule, found):
                report(finding.message, finding.resource.urn if finding.resource else None)
    except Undecided:
        # Judged again during the update, when the value is known.
        return
    except Exception as error:
        report(crash(rule, error), None)


def _resource_check(rule: Rule, accepting: Accepting) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.applies_to(args.resource_type):
            stack = Stack((_declared(args),))
            tell(rule, lambda: rule.check(stack, _parameters(rule, args.get_config())), report, accepting)

    return validate


def _stack_check(rule: Rule, accepting: Accepting) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = Stack(tuple(_declared(resource) for resource in args.resources))
        tell(rule, lambda: rule.check(stack, _parameters(rule, args.get_config())), report, accepting)

    return validate


def _remediation(rule: Rule, accepting: Accepting) -> Callable[[ResourceValidationArgs], Any]:
    """The SDK's type asks for an awaitable; it takes plain properties as well, see ResourceValidationPolicy."""

    def remediate(args: ResourceValidationArgs) -> Mapping[str, Any] | None:
        if not rule.applies_to(args.resource_type) or rule.remediation is None:
            return None
        declared = _declared(args)
        left = suppressions.applied(rule, [Finding("", declared)], accepting.entries, suppressions.today())[1]
        return None if left else rule.remediation(declared)

    return remediate
