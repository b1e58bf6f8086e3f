"""How the engine finds again what has moved in the resource tree, so that nothing is replaced."""

import pulumi


def former_name(name: str, opts: pulumi.ResourceOptions | None) -> pulumi.Alias:
    """The alias of a resource that was called `name` and had the place that a component with these options has now."""
    return pulumi.Alias(name=name, parent=opts.parent if opts else None)


def taken_in(component: pulumi.ComponentResource, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Options of the component's children that were children of its parent before there was the component."""
    former = pulumi.Alias(parent=opts.parent if opts else None)
    return pulumi.ResourceOptions(parent=component, aliases=[former])
