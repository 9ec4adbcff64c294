"""Every kind of mailing in a real browser: on a phone and at a desk, light and dark, with and without its styles.

``MKWMAIL_SCREENSHOTS=folder pytest tests/clients`` leaves pictures there for a person to look at.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from mkwmail.config.event import Host, Location, Online, ProgrammeItem
from tests.browser import a_browser, needs_chromium
from tests.clients.mails import OWN_TEXT, Sent, a_logo, every_kind, sent, showing_logo
from tests.clients.npm import AXE, needs_npm
from tests.kinds import Kind
from tests.templates.scenes import an_event

pytestmark = needs_chromium

Scheme = Literal["light", "dark"]
Pages = dict[tuple[int, str], Page]
PHONE, DESK = 375, 1200
VIEWS: list[tuple[int, Scheme]] = [(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")]
WITH_BUTTON = {Kind.INVITATION, Kind.REMINDER, Kind.UPDATE, Kind.CORRECTION}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Every piece of text that is drawn: its words, and whether it lies outside its box, the page, or is too small.
TEXTS = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    for (let node; (node = walker.nextNode());) {
        const words = node.textContent.trim(), around = node.parentElement;
        if (!words.replaceAll("\\u00a0", "") || !around.checkVisibility()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const place = range.getBoundingClientRect(), block = around.closest("td, th, h1, h2, p, li");
        const box = block.getBoundingClientRect();
        found.push({
            words,
            size: parseFloat(getComputedStyle(around).fontSize),
            outside: place.left < -0.5 || place.right > innerWidth + 0.5
                || place.right > box.right + 0.5 || place.left < box.left - 0.5
                || place.bottom > box.bottom + 4 || place.top < box.top - 4,
        });
    }
    return found;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(chromium: Browser) -> Pages:
    """A page for each way of looking, which can reach nothing."""
    found: Pages = {}
    for width, scheme in VIEWS:
        page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.route("**/*", lambda route: route.abort())
        found[width, scheme] = page
    return found


def opened(pages: Pages, mail: str, width: int, scheme: str, name: str = "") -> Page:
    """The mail as it is shown; it asks nobody for anything."""
    page = pages[width, scheme]
    asked: list[str] = []
    page.on("request", asked_for := lambda request: asked.append(request.url))
    page.set_content(mail)
    page.remove_listener("request", asked_for)
    assert not [url for url in asked if not url.startswith("data:")]
    if folder := os.environ.get("MKWMAIL_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name or 'mail'}-{width}-{scheme}.png", full_page=True)
    return page


def overflow(page: Page) -> int:
    """By how many pixels a reader would have to scroll sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def texts(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(TEXTS)
    assert found
    return found


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_mail_fits_its_window_and_clips_nothing(pages: Pages, kind: Kind, width: int, scheme: str) -> None:
    page = opened(pages, every_kind()[kind].html, width, scheme, kind.value)
    assert overflow(page) <= 0
    drawn = texts(page)
    assert not [text["words"] for text in drawn if text["outside"]]
    assert not [text["words"] for text in drawn if text["size"] < 13]


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("kind", list(Kind))
def test_there_is_one_clear_button_or_none(pages: Pages, kind: Kind, width: int, scheme: str) -> None:
    page = opened(pages, every_kind()[kind].html, width, scheme)
    button = page.get_by_role("link", name="Aanmelden", exact=True)
    assert button.count() == (1 if kind in WITH_BUTTON else 0)
    if kind in WITH_BUTTON:
        box = button.bounding_box()
        assert button.is_visible() and box is not None
        # Large enough for a thumb (WCAG 2.5.5), and on a phone as wide as the text.
        assert box["height"] >= 44 and box["width"] >= (300 if width == PHONE else 120)
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


@needs_npm
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("kind", list(Kind))
def test_contrast_and_structure_meet_wcag_aa(pages: Pages, kind: Kind, width: int, scheme: str) -> None:
    page = opened(pages, every_kind()[kind].html, width, scheme)
    assert wcag_faults(page) == []


def wcag_faults(page: Page) -> list[tuple[str, list[str]]]:
    """Return the faults and doubts that axe finds, with the places."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", STANDARDS)
    assert any(rule["id"] == "color-contrast" for rule in result["passes"])
    faults = [*result["violations"], *result["incomplete"]]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in faults]


def a_mail_with_long_words() -> Sent:
    """A mail in which every field holds more than fits on a phone's line."""
    word = "Woningcorporatiesamenwerkingsverbandbestuurdersbijeenkomst"
    event = an_event(
        title=word,
        theme=f"{word} {word}",
        location=Location(name=word, street=f"{word} 2", city="Utrecht"),
        online=Online(url=f"https://vergaderen.example.org/{'k7m2p9q4rs' * 12}"),
        programme=(ProgrammeItem(time="12.00", until="13.00", title=word, speakers=(word,), description=word),),
        hosts=(Host(name=word, role=word, organisation=word),),
    )
    return sent(Kind.PRACTICAL, event=event, text=f"{word}\n\n> {word}\n\n1. https://example.org/{'a' * 120}\n")


@pytest.mark.parametrize("width", [320, PHONE, DESK])
def test_words_longer_than_a_phone_is_wide_are_broken(pages: Pages, width: int) -> None:
    page = pages[PHONE, "light"]
    page.set_viewport_size({"width": width, "height": 800})
    try:
        page.set_content(a_mail_with_long_words().html)
        assert overflow(page) <= 0
        assert not [text["words"] for text in texts(page) if text["outside"]]
    finally:
        page.set_viewport_size({"width": PHONE, "height": 800})


@pytest.mark.parametrize("kind", list(Kind))
def test_a_program_that_drops_the_style_sheet_shows_a_good_mail_too(pages: Pages, kind: Kind) -> None:
    # Gmail's app drops it for addresses that are not Gmail's: only what is inlined remains.
    bare = re.sub(r"<style>.*?</style>", "", every_kind()[kind].html, flags=re.DOTALL)
    page = opened(pages, bare, PHONE, "light", f"{kind.value}-bare")
    assert overflow(page) <= 0
    assert not [text["words"] for text in texts(page) if text["outside"] or text["size"] < 13]


def test_the_preheader_is_hidden_and_can_be_read_if_it_is_not(pages: Pages) -> None:
    html = every_kind()[Kind.INVITATION].html
    page = opened(pages, html, PHONE, "light")
    assert not page.locator(".preheader").is_visible()
    page = opened(pages, re.sub(r"display: ?none;?", "", html), PHONE, "light", "preheader")
    shown = page.locator(".preheader")
    assert shown.is_visible() and "Van 13.00 tot 18.00 uur in Utrecht." in shown.inner_text()
    assert overflow(page) <= 0


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("wide", [False, True])
def test_a_logo_is_shown_on_a_light_ground(pages: Pages, width: int, scheme: str, wide: bool) -> None:
    mail = sent(Kind.INVITATION, logo=a_logo(900 if wide else 240))
    page = opened(pages, showing_logo(mail), width, scheme, "logo-wide" if wide else "logo")
    image = page.get_by_role("img", name="MKW Platform")
    box = image.bounding_box()
    assert box is not None and image.evaluate("image => image.naturalWidth > 0")
    assert overflow(page) <= 0
    assert box["height"] <= 44.5 and box["x"] + box["width"] <= width
    assert box["width"] / box["height"] == pytest.approx((900 if wide else 240) / 88, rel=0.02)
    ground = image.evaluate("image => getComputedStyle(image.closest('td')).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


@needs_npm
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_blocked_logo_leaves_its_name_to_read(pages: Pages, scheme: str) -> None:
    blocked = re.sub(r'src="cid:[^"]*"', 'src="data:image/png;base64,"', sent(Kind.THANKS, logo=a_logo()).html)
    # Axe sees no colour through a gradient; this one is as white as the ground below it.
    blocked = blocked.replace("background-image: linear-gradient(#ffffff, #ffffff);", "")
    page = opened(pages, blocked, PHONE, scheme, "logo-blocked")
    image = page.get_by_role("img", name="MKW Platform")
    assert image.is_visible()
    # Axe measures no alternative text: the same words in the same place are measured instead.
    image.evaluate(
        "image => image.replaceWith(Object.assign(document.createElement('span'), {textContent: image.alt}))"
    )
    assert wcag_faults(page) == []


def test_what_a_secretary_writes_is_shown_as_she_means_it(pages: Pages) -> None:
    page = opened(pages, sent(Kind.OWN, text=OWN_TEXT).html, PHONE, "light")
    assert page.get_by_role("listitem").count() == 2
    assert page.get_by_role("link", name="de kaart").is_visible()
