"""Renders judged by a checkout's own policies, as JSON on standard output.

Run as a program, by path, in the checkout whose policies are to judge: it uses nothing of the checkout that this file
is in. The renders come on standard input, as review/snapshot.py prints them.
"""

import dataclasses
import gc
import json
import os
import sys
from typing import Any


def main() -> None:
    """Print `{environment: {rules, suppressions, violations, crashes} | {error}}`."""
    sys.path[0] = os.getcwd()
    gc.disable()  # it ends within seconds
    # That checkout's, found only now.
    from policies.catalogue import RULES  # noqa: PLC0415
    from policies.settings_file import PolicySettingsError, path_of, read  # noqa: PLC0415
    from review import checkouts, gate  # noqa: PLC0415

    rendered = checkouts.parse(sys.stdin.read(), "the change").rendered
    accepted = getattr(gate, "accepted", list[Any])  # older ones know no suppressions
    judged: dict[str, Any] = {}
    for environment, stack in rendered.items():
        try:
            if not path_of(environment).exists():
                # An environment that is new: whatever its settings are, the rules' own come first.
                rules = {rule.id: {"level": rule.level.value, "parameters": dict(rule.parameters)} for rule in RULES}
                judged[environment] = {"rules": rules, "suppressions": [], "violations": [], "crashes": []}
                continue
            strictness = read(environment, RULES)
            verdicts = gate.verdicts(environment, stack)
            judged[environment] = {
                "rules": {
                    name: {"level": one.level.value, "parameters": dict(one.parameters)}
                    for name, one in strictness.items()
                },
                "suppressions": accepted(),
                "violations": [dataclasses.asdict(violation) for violation in gate.violations(verdicts)],
                "crashes": gate.crashes(verdicts),
            }
        except PolicySettingsError as error:
            judged[environment] = {"error": str(error)}
    json.dump(judged, sys.stdout, default=sorted)


if __name__ == "__main__":
    main()
