"""A dashboard as it is written down here, and how it becomes Grafana's JSON.

Panels name the alerts they explain: an alert links to its panel, the panel to the alert's runbook, and the lines drawn
are the very numbers that the alert compares with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Literal

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from components.monitoring.settings import MonitoringSettings

DATA_SOURCE = "${datasource}"
_SOURCE = DataSourceRef(type_val="prometheus", uid=DATA_SOURCE)
_ROW_IDS = 1000
"""Rows are numbered from here on, panels from 1, so that a new row doesn't renumber panels."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From `warn` (orange) and from `alert` (red) on; `below` turns both round: low is bad."""

    alert: float
    warn: float | None = None
    below: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture. `queries` are PromQL expressions by what their series are called; `unit` is Grafana's name of it;
    `alerts` are those that this panel explains.
    """

    title: str
    description: str
    unit: str
    queries: Mapping[str, str]
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    limits: Limits | None = None
    alerts: Sequence[str] = ()
    width: int = 12
    height: int = 8
    maximum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice at the top of the dashboard: the values of a label."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """A dashboard: panels by the heading of their section. Its uid is `simone-<name>`."""

    name: str
    title: str
    description: str
    sections: Mapping[str, Sequence[Panel]]
    variables: Sequence[Variable] = field(default_factory=tuple[Variable, ...])

    @property
    def uid(self) -> str:
        return f"simone-{self.name}"

    def panels(self) -> list[tuple[int, Panel]]:
        """Panels with their ids."""
        every = [panel for panels in self.sections.values() for panel in panels]
        return list(enumerate(every, start=1))


def _steps(limits: Limits | None) -> list[Threshold]:
    if limits is None:
        return [Threshold(value=None, color="green")]
    if limits.below:
        good = limits.warn if limits.warn is not None else limits.alert
        between = [Threshold(value=limits.alert, color="orange")] if good > limits.alert else []
        return [Threshold(value=None, color="red"), *between, Threshold(value=good, color="green")]
    steps = [Threshold(value=None, color="green")]
    if limits.warn is not None:
        steps.append(Threshold(value=limits.warn, color="orange"))
    return [*steps, Threshold(value=limits.alert, color="red")]


def _targets(panel: Panel) -> list[prometheus.Dataquery]:
    targets = list[prometheus.Dataquery]()
    for letter, (legend, expr) in zip(ascii_uppercase, panel.queries.items(), strict=False):
        target = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(letter)
        target = target.range() if panel.kind == "timeseries" else target.instant()
        if panel.kind == "table":
            target = target.format(PromQueryFormat.TABLE)
        targets.append(target)
    return targets


AnyPanel = timeseries.Panel | stat.Panel | table.Panel


def _picture(panel: Panel) -> AnyPanel:
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(_steps(panel.limits))
    if panel.kind == "stat":
        return (
            stat.Panel()
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            .color_mode(BigValueColorMode.BACKGROUND)
            .thresholds(thresholds)
        )
    if panel.kind == "table":
        return table.Panel().thresholds(thresholds)
    picture = (
        timeseries.Panel()
        .thresholds(thresholds)
        .fill_opacity(8)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if panel.limits is not None:
        picture = picture.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    return picture


def _built(number: int, panel: Panel, runbooks: dict[str, str]) -> AnyPanel:
    links = [
        dashboard.DashboardLink(f"Runbook: {alert}")
        .type(DashboardLinkType.LINK)
        .url(runbooks[alert])
        .target_blank(True)
        for alert in panel.alerts
    ]
    picture = (
        _picture(panel)
        .id(number)
        .title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .datasource(_SOURCE)
        .targets(list(_targets(panel)))
        .span(panel.width)
        .height(panel.height)
        .links(list(links))
    )
    if panel.unit == "percentunit":
        picture = picture.min(0)
    return picture if panel.maximum is None else picture.max(panel.maximum)


def _variables(board: Board) -> list[dashboard.QueryVariable]:
    return [
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(_SOURCE)
        .query(variable.query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        for variable in board.variables
    ]


def dashboard_json(board: Board, settings: MonitoringSettings, runbooks: dict[str, str]) -> str:
    """The dashboard as Grafana reads it. `runbooks`: each alert's runbook address."""
    builder = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["simone"])
        .timezone("utc")
        .time("now-3h", "now")
        .refresh(f"{settings.prometheus.scrape_interval * 2}s")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .link(
            dashboard.DashboardLink("Other dashboards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["simone"])
            .as_dropdown(True)
        )
    )
    for variable in _variables(board):
        builder = builder.with_variable(variable)
    numbers = iter(board.panels())
    for row, (title, panels) in enumerate(board.sections.items(), start=_ROW_IDS):
        builder = builder.with_row(dashboard.Row(title).id(row))
        for _ in panels:
            number, panel = next(numbers)
            builder = builder.with_panel(_built(number, panel, runbooks))
    return JSONEncoder(sort_keys=True, indent=1).encode(builder.build()) + "\n"
