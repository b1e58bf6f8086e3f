"""The full report as a page of its own, an artifact beside the comment."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from review.markdown import clean
from review.plan import Op
from review.report_data import Report

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def html(report: Report) -> str:
    """The page; every value is escaped, and the page may load nothing."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = clean
    operations = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE)
    return environment.get_template("report.html.j2").render(report=report, ops=operations)
