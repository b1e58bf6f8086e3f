"""Where environments differ though nothing asks for it: what runs in one is another version than in the other.

What only one of them has isn't told: its settings ask for it, as both come from one program.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations

from stack.resource import Rendered, Undecided, dig


def differences(rendered: Mapping[str, Rendered], environments: Iterable[str]) -> tuple[str, ...]:
    """Sentences on each pair of environments; sizes and numbers may differ and aren't mentioned."""
    present = [name for name in environments if name in rendered]
    return tuple(
        sentence
        for first, second in combinations(present, 2)
        for sentence in _between(rendered[first], rendered[second])
    )


def _between(first: Rendered, second: Rendered) -> Iterable[str]:
    images = [_images(rendered) for rendered in (first, second)]
    for container in sorted(images[0].keys() & images[1].keys()):
        if images[0][container] != images[1][container]:
            yield (
                f"{container} runs {images[0][container]} in {first.environment} and {images[1][container]} in "
                f"{second.environment}"
            )


def _images(rendered: Rendered) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for workload in rendered.workloads:
        for container in workload.containers():
            try:
                image = str(dig(container, "image"))
            except Undecided:
                continue
            # The registry is the account's; what runs is name and version.
            found[f"{workload.object_name}/{dig(container, 'name')}"] = image.rsplit("/", 1)[-1]
    return found
