"""A visitor in any browser engine, by WebDriver: one protocol for all of them, so that what differs is the engine's."""

import contextlib
import os
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

from browsing import FLAGS, KEPT_PRODUCTS, NAVIGATION_MS, READ_STORE
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from local.browser import CHROMIUM, FIREFOX, WEBKIT, Engine, locate
from testing.servers import process
from testing.waits import eventually

T = TypeVar("T")

SCRIPT_SECONDS = 110
NOT_YET = (NoSuchElementException, StaleElementReferenceException, ElementClickInterceptedException)
"""What the driver raises while a page isn't as it will be."""
IN_PAGE = """
const done = arguments[arguments.length - 1];
(async (given) => {{ {body} }})([...arguments].slice(0, -1))
    .then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));
"""
TAKEN_OVER = "return Object.keys(given[0]).some((key) => key.startsWith('__reactProps'))"


@contextlib.contextmanager
def screen(log: Path) -> Generator[str]:
    """The name of an X display without a screen: WebKitGTK can't do without one."""
    with process(["Xvfb", "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "1280x1024x24"], {}, log):
        number = eventually(lambda: re.search(r"^\d+$", log.read_text(), re.MULTILINE), "Xvfb has a display")
        yield f":{number[0]}"


@contextlib.contextmanager
def driven(engine: Engine, logs: Path) -> Generator[WebDriver]:
    """A new browser with a profile of its own."""
    with contextlib.ExitStack() as rest:
        shown = {"DISPLAY": rest.enter_context(screen(logs / "xvfb.log"))} if engine is WEBKIT else {}
        driver = _start(engine, {**os.environ, **shown})
        rest.callback(driver.quit)
        driver.set_script_timeout(SCRIPT_SECONDS)
        driver.set_page_load_timeout(NAVIGATION_MS / 1000)
        yield driver


def _start(engine: Engine, environment: dict[str, str]) -> WebDriver:
    browser, program = engine.browser or "", locate(engine.driver)
    if engine is FIREFOX:
        firefox = webdriver.FirefoxOptions()
        firefox.binary_location = browser
        firefox.add_argument("-headless")
        return webdriver.Firefox(firefox, webdriver.FirefoxService(program, env=environment))
    if engine is CHROMIUM:
        chromium = webdriver.ChromeOptions()
        chromium.binary_location = browser
        for flag in ("--headless=new", *FLAGS):
            chromium.add_argument(flag)
        return webdriver.Chrome(chromium, webdriver.ChromeService(program, env=environment))
    webkit = webdriver.WebKitGTKOptions()
    webkit.binary_location = browser
    webkit.add_argument("--automation")
    return webdriver.WebKitGTK(webkit, webdriver.WebKitGTKService(program, env=environment))


class Shopper:
    """One browser with one shop."""

    def __init__(self, driver: WebDriver, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, path: str) -> None:
        """Go to a page of the shop."""
        self.driver.get(self.url + path)

    def settle(self, path: str = "/") -> None:
        """Visit until the worker is in control and the catalogue is kept: from here on the shop works offline."""
        self.open(path)
        until(lambda: self.ask("return navigator.serviceWorker.controller !== null"), "the worker is in control")
        until(lambda: len(self.stored("products")) >= KEPT_PRODUCTS, "the catalogue is kept")

    def ask(self, body: str, *given: object) -> Any:
        """What an asynchronous function with this body returns in the page; `given`: what it is given."""
        answer = self.driver.execute_async_script(IN_PAGE.format(body=body), *given)
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def stored(self, store: str) -> list[Any]:
        """All of a store of the browser's database."""
        return self.ask(f"return ({READ_STORE})(given)", store, "getAll")

    def sees(self, words: str) -> None:
        """Wait until the page shows `words`."""
        until(lambda: words in self.driver.find_element(By.TAG_NAME, "body").text, f"the page shows {words!r}")

    def finds(self, selector: str) -> None:
        """Wait until the page shows an element."""
        until(lambda: self.driver.find_element(By.CSS_SELECTOR, selector).is_displayed(), f"the page shows {selector}")

    def press(self, name: str) -> None:
        """Click on a button when it can be clicked on."""
        self._click(f'//button[normalize-space()="{name}"]')

    def follow(self, name: str) -> None:
        """Click on the first link with this text."""
        self._click(f'//a[normalize-space()="{name}"]')

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        self._found(f'//input[@id=//label[normalize-space()="{label}"]/@for]').send_keys(text)

    def _found(self, path: str) -> WebElement:
        """The element, once it is shown, enabled, and React's: a click before that is nobody's."""

        def ready() -> WebElement | None:
            element = self.driver.find_element(By.XPATH, path)
            there = element.is_displayed() and element.is_enabled() and self.ask(TAKEN_OVER, element)
            return element if there else None

        return until(ready, path)

    def _click(self, path: str) -> None:
        def clicked() -> bool:
            self._found(path).click()
            return True

        until(clicked, path)


def until(happened: Callable[[], T | None], what: str) -> T:
    """Wait for something of a page that may be drawn anew meanwhile."""
    return eventually(happened, what, failing=NOT_YET)
