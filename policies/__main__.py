"""The pack's entry, started by the engine; constructing the pack serves it until the engine is done."""

import sys
from pathlib import Path

# The engine starts this directory on its own, so the packages beside it have to be made importable.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policies.pack import policies

PolicyPack(name="simone", policies=[*policies()])
