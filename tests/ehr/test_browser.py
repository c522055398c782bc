"""
A person at the page of the EHR, in headless Chromium: sees cards, orders, accepts, dismisses.

Without Chromium these tests are skipped, unless BROWSER_TESTS=required says that they must run.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF
from tests.ehr.run import free_port, serving, serving_ehr

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 20_000
"""Milliseconds, for a machine that has much else to do."""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("BROWSER_TESTS") != "required",
    reason="Chromium is not installed (on Debian and Ubuntu: apt install chromium)",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, for a service of its own; each test takes another patient, since a dismissal is remembered."""
    port = free_port()
    settings = Settings(port=port, data=tmp_path_factory.mktemp("data"))
    with (
        serving(create_app(settings, lambda: AS_OF), port) as service,
        serving_ehr(service, free_port(), lambda: AS_OF) as page,
    ):
        yield page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM or "chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, freshly opened; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    page.close()

    assert complaints == []


def pick(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def card(page: Page, summary: str) -> Locator:
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=summary))


def test_a_critical_card_is_first_and_open_with_its_detail_and_its_source(page: Page) -> None:
    pick(page, "Cleo Flight")
    first = page.get_by_role("article").first

    expect(first).to_contain_text("Critical")
    expect(first).to_contain_text("DVT likely")
    expect(first.get_by_text("Consider ultrasound of the proximal leg veins")).to_be_visible()
    expect(first.locator("strong").first).to_have_text("Why now.")
    expect(first.locator(".markdown")).not_to_contain_text("**")
    assert first.locator(".source a").get_attribute("href").startswith("http://127.0.0.1:")  # type: ignore[union-attr]


def test_an_order_shows_what_speaks_against_it_and_a_suggestion_becomes_a_draft(page: Page) -> None:
    pick(page, "Ada Rest")
    page.get_by_role("button", name="Compression stockings of the leg", exact=True).click()
    warning = card(page, "check ABI or toe pressure before any compression")
    expect(warning).to_contain_text("Critical")
    warning.get_by_role("button", name="Order toe pressure").click()
    expect(warning.get_by_role("button", name="Done: Order toe pressure")).to_be_disabled()
    warning.get_by_role("button", name="Remove this order").click()

    expect(page.get_by_role("status")).to_have_text("Done. The service was told.")
    expect(page.locator("#drafts li")).to_have_count(1)
    expect(page.locator("#drafts")).to_contain_text("Toe pressure")


def test_a_card_that_is_dismissed_with_a_reason_goes_and_stays_away(page: Page) -> None:
    pick(page, "Rosa Night")
    dismissed = card(page, "Not known, would decide most")
    dismissed.get_by_text("Dismiss", exact=True).click()
    dismissed.get_by_label("Reason").select_option(label="Waiting for results or consult")
    dismissed.get_by_label("Comment").fill("Asked for it <today>")
    dismissed.get_by_role("button", name="Dismiss this card").click()
    expect(page.get_by_role("status")).to_have_text("Dismissed: Waiting for results or consult. The service was told.")
    expect(dismissed).to_have_count(0)
    pick(page, "Will Fine")
    expect(page.get_by_role("status")).to_have_text("Looked: nothing to say.")
    pick(page, "Rosa Night")

    expect(page.get_by_role("status")).to_have_text("1 card")
    expect(card(page, "Consider restless legs syndrome")).to_be_visible()


def test_orders_are_signed_from_the_keyboard_after_their_warning(page: Page) -> None:
    pick(page, "Dan Cramp")
    page.get_by_role("button", name="Quinine sulfate 200 mg at night", exact=True).press("Enter")
    expect(card(page, "Quinine")).to_contain_text("Critical")
    page.get_by_role("button", name="Sign orders").press("Enter")
    page.get_by_role("button", name="Sign all the same").press("Enter")

    expect(page.get_by_role("status")).to_have_text("All orders are signed.")
    expect(page.locator("#drafts")).to_have_count(0)
    expect(page.get_by_role("heading", name="Dan Cramp")).to_be_focused()


def test_what_a_card_says_never_becomes_html(page: Page) -> None:
    shown = page.evaluate(
        """async (text) => {
            const { markdown } = await import("/page/ehr.js");
            const place = document.createElement("div");
            place.append(...markdown(text));
            return place.innerHTML;
        }""",
        "<img src=x onerror=alert(1)> **bold \\*and\\* <b>plain</b>**\n- one\n- [two](javascript:alert(1))\n1. three",
    )

    assert shown == (
        "<p>&lt;img src=x onerror=alert(1)&gt; <strong>bold *and* &lt;b&gt;plain&lt;/b&gt;</strong></p>"
        "<ul><li>one</li><li>[two](javascript:alert(1))</li></ul><ol><li>three</li></ol>"
    )


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    pick(page, "Cleo Flight")
    expect(page.get_by_role("article").first).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
