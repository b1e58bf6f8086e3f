"""An environment's life under the engine, and what there was to see of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stack.environments import stack_config
from stack.render import Rendered
from stack.secret_placeholders import with_placeholders
from tools.engine.project import Project, Result, flat


@dataclass(frozen=True)
class Deployed:
    """One environment's life under the engine, from the first preview to the destruction."""

    rendered: Rendered
    preview: Result
    up: Result
    state: Mapping[str, Any]
    stored_text: str
    second_up: Result
    destroy_protected: Result
    destroy: Result


def deploy(rendered: Rendered) -> Deployed:
    """Preview the environment, bring it up twice, try to destroy it, unprotect it and destroy it."""
    environment = rendered.environment
    with Project(environment) as project:
        project.set_secrets(placeholders(environment))
        preview = project.preview()
        up = project.up()
        state, stored_text = project.state(), project.stored_text()
        second_up = project.up("--expect-no-changes")
        destroy_protected = project.destroy("--preview-only")
        project.run("state", "unprotect", "--all", "--yes")
        destroy = project.destroy()
    return Deployed(rendered, preview, up, state, stored_text, second_up, destroy_protected, destroy)


def placeholders(environment: str) -> dict[str, str]:
    """The secrets that the render uses, by configuration path."""
    return dict(flat(with_placeholders(None, None, stack_config(environment)), "simone:secrets"))
