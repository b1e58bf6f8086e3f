"""The pack's entry, started by the engine; constructing the pack serves it until the engine is done."""

import sys
from pathlib import Path

# The engine starts this directory on its own, so the packages beside it have to be made importable.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policies.pack import policies
from policies.settings_file import PolicySettingsError

try:
    judging = policies()
except PolicySettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(2)
PolicyPack(name="simone", policies=[*judging])
