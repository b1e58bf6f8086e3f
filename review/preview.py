"""An environment's declared resources to look at: as a tree with counts, or as the steps of a first deployment."""

from collections import Counter
from typing import Any

from rich.tree import Tree

from review.masking import masked_inputs
from stack.resource import STACK_TYPE, Rendered, Resource


def tree(rendered: Rendered) -> Tree:
    """The resources below their parents, and how many of each provider."""
    children: dict[str, list[Resource]] = {}
    for resource in rendered.resources:
        children.setdefault(resource.parent, []).append(resource)
    providers = Counter(resource.type.split(":")[0] for resource in rendered.resources if resource.custom)
    counts = ", ".join(f"{amount} {provider}" for provider, amount in sorted(providers.items()))
    root = Tree(f"[bold]{rendered.environment}[/bold]: {sum(providers.values())} resources ({counts})")

    def grow(branch: Tree, parent: str) -> None:
        for resource in sorted(children.get(parent, []), key=lambda child: (child.custom, child.name)):
            if resource.type == STACK_TYPE:
                grow(branch, resource.urn)
                continue
            below = _descendants(children, resource.urn)
            count = f" [dim]({below})[/dim]" if below else ""
            protected = " [yellow]protected[/yellow]" if resource.protect else ""
            grow(
                branch.add(f"{resource.name} [cyan]{short_type(resource.type)}[/cyan]{protected}{count}"), resource.urn
            )

    grow(root, "")
    return root


def steps(rendered: Rendered) -> dict[str, Any]:
    """The same in the form of `pulumi preview --json`: a `create` for each resource, secrets masked."""
    return {
        "environment": rendered.environment,
        "steps": [
            {
                "op": "create",
                "urn": resource.urn,
                "newState": {
                    "urn": resource.urn,
                    "type": resource.type,
                    "custom": resource.custom,
                    "parent": resource.parent,
                    "protect": resource.protect,
                    "dependencies": list(resource.dependencies),
                    "inputs": masked_inputs(resource),
                },
            }
            for resource in rendered.resources
        ],
        "changeSummary": {"create": len(rendered.resources)},
    }


def _descendants(children: dict[str, list[Resource]], urn: str) -> int:
    return sum(1 + _descendants(children, child.urn) for child in children.get(urn, []))


def short_type(type_: str) -> str:
    """`kubernetes:apps/v1:StatefulSet` as `apps/v1 StatefulSet`, `aws:rds/instance:Instance` as `aws rds Instance`."""
    package, *modules, name = type_.split(":") if ":" in type_ else ("", type_)
    if package == "kubernetes":
        return " ".join((*modules, name))
    return name if package == "simone" else " ".join((package, *(module.split("/")[0] for module in modules), name))
