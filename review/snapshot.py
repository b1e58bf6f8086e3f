"""Every environment of a checkout rendered, as JSON on standard output.

Run as a program, by path, in the checkout that is to be rendered: it uses that checkout's own program and renderer,
and of the checkout that this file is in only what stands for a cloud's answers, which must be the same on both sides.
"""

import contextlib
import dataclasses
import gc
import importlib
import importlib.util
import inspect
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

_SHARED = ("components.stack", "components.edge.zone")
"""Modules of the program that bring all others, and the cloud SDKs, with them."""


def main(environments: Sequence[str]) -> None:
    """Print `{environment: {resources, exports, secret_exports, config} | {error}}`."""
    told, sys.stdout = sys.stdout, sys.stderr  # whatever the program prints is no result
    sys.path[0] = os.getcwd()
    # Half of the time would go into looking for garbage among what the cloud SDKs' modules are made of.
    gc.disable()
    if len(environments) > 1:
        import_shared()
    with ProcessPoolExecutor(min(len(environments), os.cpu_count() or 1) or 1, FORKED) as processes:
        rendered = dict(zip(environments, processes.map(_rendered, environments), strict=True))
    json.dump(rendered, told, default=sorted)


FORKED = multiprocessing.get_context("fork")
"""Processes that have what this one has imported."""


def import_shared() -> None:
    """Import the program once, for all processes forked later. What can't be imported says so when it is rendered."""
    for module in _SHARED:
        with contextlib.suppress(Exception):
            importlib.import_module(module)


def _rendered(environment: str) -> Mapping[str, Any]:
    """An environment, or why it can't be rendered."""
    # That checkout's, found only now; one from before stack/ has the renderer in review/.
    try:
        from stack.environments import RenderError, stack_config  # noqa: PLC0415
        from stack.render import render  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if missing.name != "stack":
            raise
        from review import render as older  # noqa: PLC0415

        RenderError, render = older.RenderError, older.render
        stack_config = getattr(older, "stack_config", dict[str, Any]().get)

    # A renderer from before it took a cloud's answers leaves unknown what depends on them.
    known: dict[str, Any] = {"resolve": _outputs()} if "resolve" in inspect.signature(render).parameters else {}
    try:
        config = stack_config(environment)
        return {**dataclasses.asdict(render(environment, **known)), "config": config}
    except RenderError as error:
        return {"error": str(error)}
    except Exception as error:
        # The program is anyone's: whatever it raises is the report's to tell, in a line.
        return {"error": f"the program fails: {type(error).__name__}: {error}"}


def _outputs() -> Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]:
    """`stack.stand_in_outputs.outputs` of the checkout that this file is in."""
    path = Path(__file__).resolve().parent.parent / "stack" / "stand_in_outputs.py"
    spec = importlib.util.spec_from_file_location("stand_in_outputs_of_the_review", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.outputs


if __name__ == "__main__":
    main(sys.argv[1:])
