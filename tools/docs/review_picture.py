"""`python -m tools.docs.review_picture`: draw docs/review-comment.png, a comment as a code host shows it.

The change gives production's database a smaller instance; Chromium draws it. Not part of `make docs`: no two machines
draw the same bytes.
"""

import dataclasses
from pathlib import Path
from typing import Any

import typer
from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from local import browser as browsers
from review import gate, settings
from review.compare import compare, default_providers
from review.markdown import markdown
from review.report import build
from review.setting_lines import line_of
from stack.environments import stack_config
from stack.render import render
from stack.stand_in_outputs import outputs

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "review-comment.png"
_WIDTH = 880
_COLOURS = {"⛔": "#c62828", "🔴": "#c62828", "🟠": "#ef6c00", "🟢": "#2e7d32", "⚪": "#9e9e9e"}
_STYLE = """
body { margin: 0; padding: 16px; font: 14px/1.5 system-ui, 'Liberation Sans', sans-serif; color: #1f2328; }
article { border: 1px solid #d1d9e0; border-radius: 6px; padding: 4px 20px 12px; }
h2 { font-size: 1.35em; border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; }
table { border-collapse: collapse; } th, td { border: 1px solid #d1d9e0; padding: 4px 12px; }
code { background: #eff1f3; border-radius: 4px; padding: 1px 5px; font-size: 85%; overflow-wrap: anywhere; }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px; overflow: hidden; } pre code { background: none; }
a { color: #0969da; text-decoration: none; } li { margin: 3px 0; }
i { display: inline-block; width: .8em; height: .8em; border-radius: 50%; }
"""


def comment() -> str:
    """The comment on the change."""
    config = stack_config("prod")
    changed: dict[str, Any] = {
        "simone:postgres": {**config["simone:postgres"], "instance_class": "db.m7g.large"},
    }
    base, head = render("prod", resolve=outputs), render("prod", config=changed, resolve=outputs)
    plan = compare(base, head, default_providers(config))
    found = settings.compare(config, config | changed)
    lines = {change.path: line_of("prod", change.path) for change in found.changes}
    verdicts = gate.verdicts("prod", head)
    plan = dataclasses.replace(
        plan,
        settings=dataclasses.replace(found, lines=lines, alone=True),
        region=config["aws:region"],
        violations=gate.violations(verdicts),
        errors=gate.crashes(verdicts),
    )
    return markdown(build([plan]), link_to=lambda line: f"https://github.com/simone-shop/simone/blob/main/{line}")


def page(text: str) -> str:
    """The comment as a page; the icons become dots, as not every machine has a font for them."""
    body = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    for icon, colour in _COLOURS.items():
        body = body.replace(icon, f'<i style="background:{colour}"></i>')
    body = body.replace("<details>", "<details open>")
    return f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style><article>{body}</article>"


def main() -> None:
    """Draw the picture."""
    executable = browsers.find()
    if executable is None:
        typer.echo("there is no Chromium; run: make chromium", err=True)
        raise typer.Exit(2)
    drawn = page(comment())
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": _WIDTH, "height": 200}, device_scale_factor=1)
        shown.set_content(drawn)
        shown.locator("article").screenshot(path=PICTURE)
        browser.close()
    typer.echo(f"wrote docs/{PICTURE.name}")


if __name__ == "__main__":
    typer.run(main)
