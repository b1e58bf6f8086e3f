"""Every environment of a checkout rendered, as JSON on standard output.

Run as a program, by path, in the checkout that is to be rendered: it uses that checkout's own program and renderer,
and of the checkout that this file is in only what stands for a cloud's answers, which must be the same on both sides.
"""

import dataclasses
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def main(environments: list[str]) -> None:
    """Print `{environment: {resources, exports, secret_exports, config} | {error}}`."""
    sys.path[0] = os.getcwd()
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
    rendered: dict[str, Any] = {}
    for environment in environments:
        try:
            config = stack_config(environment)
            rendered[environment] = {**dataclasses.asdict(render(environment, **known)), "config": config}
        except RenderError as error:
            rendered[environment] = {"error": str(error)}
        except Exception as error:
            # The program is anyone's: whatever it raises is the report's to tell, in a line.
            rendered[environment] = {"error": f"the program fails: {type(error).__name__}: {error}"}
    json.dump(rendered, sys.stdout, default=sorted)


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
