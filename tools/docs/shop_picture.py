"""`python -m tools.docs.shop_picture`: draw docs/shop.png, the running shop's first page in Chromium.

Needs `make up`. Not part of `make docs`: no two machines draw the same bytes.
"""

from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Error, sync_playwright

from local import browser as browsers

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "shop.png"
_PATIENCE_MS = 120_000
"""Each step's limit: a busy machine draws slowly."""


def main(url: Annotated[str, typer.Option(help="a page of the running shop")] = "http://127.0.0.1:8080/") -> None:
    """Draw the picture."""
    executable = browsers.find()
    if executable is None:
        typer.echo("there is no Chromium; run: make chromium", err=True)
        raise typer.Exit(2)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 760}, service_workers="block")
        page.set_default_timeout(_PATIENCE_MS)
        try:
            page.goto(url, wait_until="networkidle")
            page.locator("main a").first.wait_for()
            page.screenshot(path=PICTURE, animations="disabled")
        except Error as error:
            typer.echo(f"{url} can't be drawn: {error.message.splitlines()[0]}; does the shop run? make up", err=True)
            raise typer.Exit(1) from None
        finally:
            browser.close()
    typer.echo(f"wrote docs/{PICTURE.name}")


if __name__ == "__main__":
    typer.run(main)
