"""Grafana dashboards, provisioned as files."""

from collections.abc import Mapping

from components.monitoring.dashboards.api import API
from components.monitoring.dashboards.board import Board, dashboard_json
from components.monitoring.dashboards.cluster import CLUSTER
from components.monitoring.dashboards.database import DATABASE
from components.monitoring.dashboards.edge import EDGE
from components.monitoring.dashboards.overview import OVERVIEW
from components.monitoring.dashboards.redis import REDIS
from components.monitoring.dashboards.storefront import STOREFRONT
from components.monitoring.settings import MonitoringSettings

BOARDS: tuple[Board, ...] = (OVERVIEW, REDIS, DATABASE, API, EDGE, STOREFRONT, CLUSTER)

PANEL_OF_ALERT: Mapping[str, str] = {
    alert: f"/d/{board.uid}?viewPanel={number}"
    for board in BOARDS
    for number, panel in board.panels()
    for alert in panel.alerts
}
"""Where in Grafana an alert is explained: a path below its address."""


def dashboard_files(settings: MonitoringSettings, runbooks: dict[str, str]) -> dict[str, str]:
    """Dashboards by file name. `runbooks`: each alert's runbook address."""
    return {f"{board.name}.json": dashboard_json(board, settings, runbooks) for board in BOARDS}
