"""Recording rules give the numbers that their names promise (promtool)."""

import subprocess
from pathlib import Path

import yaml

from components.monitoring.rules import GROUPS
from components.monitoring.rules.model import rule_file
from components.monitoring.settings import MonitoringSettings

GATEWAY = 'gateway_requests_total{route="api-products", cache="hit"}'


def _promtool(series: dict[str, str], expected: dict[str, dict[str, float]], directory: Path) -> None:
    """After 10 minutes each expression has these values, to a thousandth, by the labels of its series."""
    for group in GROUPS:
        (directory / f"{group.name}.yml").write_text(rule_file(group, MonitoringSettings()))
    tests = [
        {
            "expr": f"round({expression}, 0.001)",
            "eval_time": "10m",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in found.items()],
        }
        for expression, found in expected.items()
    ]
    document = {
        "rule_files": [f"{group.name}.yml" for group in GROUPS],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": tests,
            }
        ],
    }
    path = directory / "test.yml"
    path.write_text(yaml.safe_dump(document))
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hit_ratios_of_layers_add_up_to_the_shop_s(tmp_path: Path) -> None:
    series = {
        GATEWAY: "0+50x60",
        'api_cache_hits_total{endpoint="product"}': "0+20x60",
        'api_cache_hits_total{endpoint="listing"}': "0+10x60",
        'api_cache_memory_hits_total{endpoint="product"}': "0+20x60",
        'api_cache_misses_total{endpoint="product"}': "0+5x60",
        'api_cache_misses_total{endpoint="listing"}': "0+15x60",
    }
    ratio = "layer:cache_hits:ratio_rate5m"
    _promtool(
        series,
        {
            ratio: {
                '{layer="gateway"}': 0.5,
                '{layer="memory"}': 0.2,
                '{layer="redis"}': 0.1,
            },
            "shop:cache_hits:ratio_rate5m": {"{}": 0.8},
            "api:cache_hits:ratio_rate5m": {"{}": 0.6},
            "endpoint:api_cache_hits:ratio_rate5m": {
                '{endpoint="product"}': 0.8,
                '{endpoint="listing"}': 0.4,
            },
        },
        tmp_path,
    )


def test_the_edge_s_ratios_are_by_region_and_leave_out_what_it_refused(tmp_path: Path) -> None:
    series = {
        'cdn_requests_total{region="eu", served="edge", content="static", status="2xx"}': "0+80x60",
        'cdn_requests_total{region="eu", served="origin", content="html", status="2xx"}': "0+20x60",
        'cdn_requests_total{region="us", served="edge", content="static", status="2xx"}': "0+50x60",
        'cdn_requests_total{region="us", served="origin", content="html", status="5xx"}': "0+50x60",
        'cdn_requests_total{region="us", served="none", content="html", status="4xx"}': "0+100x60",
    }
    hits, errors = "region:cdn_hits:ratio_rate15m", "region:cdn_errors:ratio_rate15m"
    _promtool(
        series,
        {
            hits: {'{region="eu"}': 0.8, '{region="us"}': 0.5},
            "cdn:hits:ratio_rate15m": {"{}": 0.65},
            errors: {'{region="eu"}': 0, '{region="us"}': 0.25},
        },
        tmp_path,
    )


def test_visits_with_one_page_only_are_bounces_and_orders_are_conversions(tmp_path: Path) -> None:
    series = {
        'browser_visits_total{page="first", pod="api-0"}': "0+30x60",
        'browser_visits_total{page="first", pod="api-1"}': "0+10x60",
        'browser_visits_total{page="second", pod="api-1"}': "0+24x60",
        'api_requests_total{endpoint="/api/checkout", method="POST", status="2xx"}': "0+2x60",
        'api_requests_total{endpoint="/api/checkout", method="POST", status="4xx"}': "0+9x60",
    }
    expected = {
        "browser:bounces:ratio_rate1h": {"{}": 0.4},
        "browser:conversions:ratio_rate1h": {"{}": 0.05},
    }
    _promtool(series, expected, tmp_path)
