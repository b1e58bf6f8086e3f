"""docs/pictures/architecture.svg: what runs and who talks to whom, from an environment's rendered resources.

The boxes are the workloads with their replicas, the arrows the NetworkPolicies: so the picture shows what is allowed
as well as what is meant. A column is as far right as its longest way from the outside.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stack.render import Rendered
from stack.resource import Resource
from tools.docs.drawing import HEADER, MARGIN, Accent, Drawing

_BOX, _GAP = (176, 58), (88, 26)
_NAME = "app.kubernetes.io/name"
_ACCENTS: Final[Mapping[str, Accent]] = {
    "StatefulSet": "store",
    "Deployment": "service",
    "Job": "job",
    "CronJob": "job",
    "outside": "outside",
}


@dataclass(frozen=True)
class _Box:
    name: str
    kind: str
    detail: str


def picture(rendered: Rendered) -> str:
    """The picture as SVG."""
    boxes = _boxes(rendered)
    arrows = {(source, target) for source, target in _arrows(rendered) if source in boxes and target in boxes}
    columns = _columns(boxes, arrows)
    height = max(len(column) for column in columns) * (_BOX[1] + _GAP[1])
    place = {
        name: (
            MARGIN + x * (_BOX[0] + _GAP[0]),
            HEADER + (height - len(column) * (_BOX[1] + _GAP[1])) / 2 + y * (_BOX[1] + _GAP[1]),
        )
        for x, column in enumerate(columns)
        for y, name in enumerate(column)
    }
    drawing = Drawing(
        f"{rendered.environment}: what runs, and who may talk to whom",
        2 * MARGIN + len(columns) * (_BOX[0] + _GAP[0]) - _GAP[0],
        HEADER + height + MARGIN,
        about="; ".join(f"{source} may connect to {target}" for source, target in sorted(arrows)),
    )
    for source, target in sorted(arrows):
        _draw_arrow(drawing, place[source], place[target])
    for name, box in sorted(boxes.items()):
        drawing.box(*place[name], *_BOX, box.name, box.detail, accent=_ACCENTS[box.kind])
    return drawing.svg()


def _boxes(rendered: Rendered) -> dict[str, _Box]:
    scalers = [scaler.inputs["spec"] for scaler in rendered.of(":HorizontalPodAutoscaler")]
    minimum = {spec["scaleTargetRef"]["name"]: (spec["minReplicas"], spec["maxReplicas"]) for spec in scalers}
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind in ("StatefulSet", "Deployment", "Job", "CronJob"):
        for workload in rendered.of(f":{kind}"):
            name = workload.inputs["metadata"]["name"]
            scaled = minimum.get(name)
            pods = f"{scaled[0]}-{scaled[1]} pods" if scaled else f"{workload.inputs['spec'].get('replicas', 1)} pods"
            found[_label(workload, kind)].append((kind, pods if kind in ("StatefulSet", "Deployment") else kind))
    boxes = {name: _box(name, workloads) for name, workloads in found.items()}
    boxes["visitors"] = _Box("visitors", "outside", "through Cloudflare")
    for instance in rendered.of(":Instance"):
        boxes["postgres"] = _Box("postgres", "outside", f"RDS {instance.inputs['instanceClass']}")
    return boxes


def _box(name: str, workloads: list[tuple[str, str]]) -> _Box:
    kind = workloads[0][0]
    sets = f"{len(workloads)} sets of " if len(workloads) > 1 and kind == "StatefulSet" else ""
    jobs = f"{len(workloads)} jobs" if kind in ("Job", "CronJob") else ""
    return _Box(name, kind, jobs or f"{sets}{workloads[0][1]}")


def _label(workload: Resource, kind: str) -> str:
    spec: Mapping[str, Any] = workload.inputs["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if kind == "CronJob" else spec["template"]
    return template["metadata"]["labels"][_NAME]


def _arrows(rendered: Rendered) -> set[tuple[str, str]]:
    arrows: set[tuple[str, str]] = set()
    for policy in rendered.of(":NetworkPolicy"):
        spec = policy.inputs["spec"]
        own = spec["podSelector"].get("matchLabels", {}).get(_NAME)
        if own is None:
            continue
        for rule in spec.get("egress", []):
            arrows |= {(own, target) for peer in rule["to"] if (target := _peer(peer, rule["ports"][0]["port"]))}
        for rule in spec.get("ingress", []):
            if any("ipBlock" in peer for peer in rule["from"]):
                arrows.add(("visitors", own))
    return {(source, target) for source, target in arrows if source != target}


def _peer(peer: Mapping[str, Any], port: int) -> str | None:
    if "ipBlock" in peer:
        return "postgres" if port == 5432 else None
    return peer["podSelector"]["matchLabels"].get(_NAME)


def _columns(boxes: Mapping[str, _Box], arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Boxes by their distance from the left. Those without callers stand left; cycles are cut where they close."""
    callers: dict[str, set[str]] = defaultdict(set)
    for source, target in arrows:
        callers[target].add(source)

    def depth(name: str, seen: frozenset[str]) -> int:
        return max((1 + depth(caller, seen | {name}) for caller in callers[name] - seen - {name}), default=0)

    columns: dict[int, list[str]] = defaultdict(list)
    for name in sorted(boxes):
        columns[depth(name, frozenset())].append(name)
    return [columns[key] for key in sorted(columns)]


def _draw_arrow(drawing: Drawing, source: tuple[float, float], target: tuple[float, float]) -> None:
    width, height = _BOX
    forward = target[0] > source[0]
    x1, y1 = source[0] + (width if forward else 0), source[1] + height / 2
    x2, y2 = target[0] + (0 if forward else width), target[1] + height / 2
    drawing.curve(x1, y1, x2, y2, bend=(x2 - x1) / 2 if forward else -_GAP[0])
