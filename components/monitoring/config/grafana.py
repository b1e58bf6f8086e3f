"""Grafana: its settings, the data source and where the dashboards are, all provisioned as files."""

import yaml

from components.kubernetes.flows import GRAFANA_PORT
from components.monitoring.settings import MonitoringSettings

PROVISIONING_DIRECTORY = "/etc/grafana/provisioning"
DASHBOARDS_DIRECTORY = "/etc/grafana/dashboards"
SECRETS_DIRECTORY = "/etc/grafana/secrets"
DATA_DIRECTORY = "/var/lib/grafana"


def grafana_environment(settings: MonitoringSettings) -> dict[str, str]:
    """Grafana's settings as its environment variables (`GF_<section>_<key>`); `$(…)` is filled in by the kubelet."""
    return {
        "GF_SERVER_HTTP_ADDR": settings.listen,
        "GF_SERVER_HTTP_PORT": str(GRAFANA_PORT),
        **({"GF_SERVER_ROOT_URL": settings.grafana_url} if settings.grafana_url else {}),
        "GF_PATHS_DATA": DATA_DIRECTORY,
        "GF_PATHS_PROVISIONING": PROVISIONING_DIRECTORY,
        "GF_SECURITY_ADMIN_PASSWORD__FILE": f"{SECRETS_DIRECTORY}/admin-password",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{DASHBOARDS_DIRECTORY}/overview.json",
        "PROMETHEUS_URL": "http://$(PROMETHEUS_SERVICE_HOST):$(PROMETHEUS_SERVICE_PORT)",
    }


def datasources_yml(scrape_interval: int) -> str:
    """Prometheus as the default data source; `scrape_interval` in seconds, so that $__rate_interval is right."""
    source = {
        "name": "Prometheus",
        "type": "prometheus",
        "uid": "prometheus",
        "url": "$PROMETHEUS_URL",
        "isDefault": True,
        "editable": False,
        "jsonData": {"timeInterval": f"{scrape_interval}s", "httpMethod": "POST"},
    }
    return yaml.safe_dump({"apiVersion": 1, "datasources": [source]}, sort_keys=False)


def providers_yml() -> str:
    """Dashboards come from files and can't be changed in the browser: the repository is their source."""
    provider = {
        "name": "simone",
        "folder": "SIMONE",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": DASHBOARDS_DIRECTORY},
    }
    return yaml.safe_dump({"apiVersion": 1, "providers": [provider]}, sort_keys=False)
