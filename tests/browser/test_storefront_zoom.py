"""A product's picture up to its true size: by keyboard, by touch and with two fingers."""

import re

from browsing import Visitor
from playwright.sync_api import Browser, Locator, Page, expect
from stand_in import catalogue
from storefront_server import Storefront

PRODUCT = catalogue().products[0]["id"]
TRUE_SIZE = 1200


def opened(page: Page) -> Locator:
    page.get_by_role("button", name=re.compile("^Enlarge")).click()
    picture = page.get_by_role("dialog").locator("img")
    expect(picture).to_be_visible()
    return picture


def width(picture: Locator) -> float:
    return picture.evaluate("(picture) => picture.getBoundingClientRect().width")


def place(page: Page) -> list[float]:
    return page.locator(".zoom-stage").evaluate("(stage) => [stage.scrollLeft, stage.scrollTop]")


def test_keys_come_closer_move_and_go_back(browser: Browser, storefront: Storefront) -> None:
    context = browser.new_context(viewport={"width": 800, "height": 600})
    page = Visitor(context, storefront.url).open(f"/products/{PRODUCT}")
    picture = opened(page)
    assert width(picture) == 600
    picture.locator("xpath=..").focus()
    page.keyboard.press("+")
    assert width(picture) == 900
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert width(picture) == TRUE_SIZE, "no closer than there are pixels"
    before = place(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert place(page) == [before[0] + 80, before[1] + 80]
    page.keyboard.press("0")
    assert width(picture) == 600
    page.keyboard.press("Enter")
    assert width(picture) == TRUE_SIZE
    page.keyboard.press("Enter")
    assert width(picture) == 600
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Enlarge"))).to_be_focused()
    context.close()


def test_a_tap_and_two_fingers_come_closer_where_they_are(browser: Browser, storefront: Storefront) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, device_scale_factor=2)
    page = Visitor(context, storefront.url).open(f"/products/{PRODUCT}")
    picture = opened(page)
    assert width(picture) == 390
    page.touchscreen.tap(100, 400)
    assert width(picture) == TRUE_SIZE
    left = picture.evaluate("(picture) => picture.getBoundingClientRect().left")
    assert abs((100 - left) / TRUE_SIZE - 100 / 390) < 0.01, "what was tapped is where it was"
    page.touchscreen.tap(100, 400)
    assert width(picture) == 390

    fingers = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[int, int]) -> None:
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    touch("touchStart", (170, 420), (220, 420))
    for apart in range(60, 101, 10):
        touch("touchMove", (195 - apart // 2, 420), (195 + apart // 2, 420))
    touch("touchEnd")
    assert abs(width(picture) - 780) < 1, "twice as far apart, twice as large"
    assert page.evaluate("visualViewport.scale") == 1
    context.close()
