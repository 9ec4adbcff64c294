"""How the HTML part is built: for screen readers, for Outlook, for an inbox's list, and fetching nothing."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from mkwmail.config.event import ProgrammeItem
from mkwmail.mail.compose import MOST_HTML
from tests.clients.mails import Sent, a_logo, every_kind, sent
from tests.kinds import Kind
from tests.templates.scenes import an_event

VOID = {"br", "hr", "img", "meta", "link", "input"}


class Tree(HTMLParser):
    """Every element: its tag, its attributes, the tags around it, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], tuple[str, ...]]] = []
        self.text: dict[int, str] = {}
        self._open: list[tuple[str, int]] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        around = tuple(name for name, _number in self._open)
        self.elements.append((tag, {name: value or "" for name, value in attrs}, around))
        if tag not in VOID:
            self._open.append((tag, len(self.elements) - 1))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop()[0] == tag, "elements are nested as they should be"

    def handle_data(self, data: str) -> None:
        for _tag, number in self._open:
            self.text[number] = self.text.get(number, "") + data

    def all(self, tag: str) -> Iterator[tuple[int, dict[str, str]]]:
        return ((number, found[1]) for number, found in enumerate(self.elements) if found[0] == tag)

    def text_of(self, tag: str) -> str:
        number, _attributes = next(self.all(tag))
        return " ".join(self.text.get(number, "").split())


@pytest.fixture(scope="module")
def mails() -> dict[str, Sent]:
    return {**{kind.value: mail for kind, mail in every_kind().items()}, "logo": sent(Kind.INVITATION, logo=a_logo())}


NAMES = [*(kind.value for kind in Kind), "logo"]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_its_language_title_and_width(mails: dict[str, Sent], name: str) -> None:
    tree = Tree(mails[name].html)
    assert mails[name].html.startswith("<!DOCTYPE html>")
    assert next(tree.all("html"))[1]["lang"] == "nl"
    assert tree.text_of("title") == mails[name].parsed["Subject"]
    named = {attributes.get("name"): attributes.get("content") for _number, attributes in tree.all("meta")}
    assert named["viewport"] == "width=device-width, initial-scale=1"
    assert named["color-scheme"] == "light dark"
    assert len(list(tree.all("h1"))) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_preheader_comes_first_and_says_more_than_the_subject(mails: dict[str, Sent], name: str) -> None:
    tree = Tree(mails[name].html)
    number, attributes = next(
        (number, attributes)
        for number, (_tag, attributes, around) in enumerate(tree.elements)
        if around == ("html", "body")
    )
    words = tree.text[number].strip("\u034f\u200c\xa0 \n")  # without the padding that keeps the text out of the preview
    assert attributes["class"] == "preheader"
    assert 15 < len(words) < 140
    assert words not in str(mails[name].parsed["Subject"])


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_for_layout_or_has_headings(mails: dict[str, Sent], name: str) -> None:
    html = mails[name].html
    tables = re.findall(r"<table[^>]*>", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))
    assert tables
    for table in tables:
        layout, data = 'role="presentation"' in table, re.search(r'class="(facts|programme|changes)"', table)
        assert layout != bool(data), table
        assert 'cellpadding="0"' in table and 'cellspacing="0"' in table and 'border="0"' in table
    assert all(attributes.get("scope") == "row" for _number, attributes in Tree(html).all("th"))
    # Outlook's own table, which only it sees, holds the mail at 600 pixels.
    assert re.search(r'<!--\[if mso\]><table role="presentation" width="600"', html)


def test_word_gets_what_it_needs_to_draw_a_mail() -> None:
    html = every_kind()[Kind.INVITATION].html
    assert re.search(r'<td class="button" [^>]*bgcolor="#14545e"[^>]*mso-padding-alt: 14px 34px', html)
    assert re.search(r'<div class="preheader" style="[^"]*mso-hide: all', html)
    # Word inherits no font into a table.
    assert re.search(r"<!--\[if mso\]><style>td, th, p, li, a, h1, h2, h3 \{ font-family:", html)
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 3


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_fetched_and_every_picture_has_words(mails: dict[str, Sent], name: str) -> None:
    tree = Tree(mails[name].html)
    tags = {tag for tag, _attributes, _around in tree.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "input", "video", "audio", "svg", "base"}
    assert "url(" not in mails[name].html and "@import" not in mails[name].html
    sources = [attributes for _number, attributes in tree.all("img")]
    assert len(sources) == (1 if name == "logo" else 0)
    for attributes in sources:
        assert attributes["src"].startswith("cid:") and attributes["alt"] == "MKW Platform"
    for tag, attributes, _around in tree.elements:
        assert not {name for name in attributes if name.startswith("on")}
        assert "background" not in attributes, tag
    for _number, attributes in tree.all("a"):
        assert attributes["href"].startswith(("https://", "mailto:"))


def test_the_logo_is_in_the_mail_once_besides_the_page_that_shows_it() -> None:
    mail = sent(Kind.INVITATION, logo=a_logo())
    related = next(part for part in mail.parsed.walk() if part.get_content_type() == "multipart/related")
    page, image = related.iter_parts()
    assert page.get_content_type() == "text/html" and image.get_content_type() == "image/png"
    assert image.get_content() == a_logo().data
    assert image.get_content_disposition() == "inline"
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in mail.html
    assert mail.html.count("cid:") == 1
    # Not among what a reader takes for an attachment, and the text says as much without it.
    assert "logo.png" not in [part.get_filename() for part in mail.parsed.iter_attachments()]
    assert mail.text == sent(Kind.INVITATION).text


@pytest.mark.parametrize("kind", list(Kind))
def test_a_mail_stays_far_below_what_gmail_cuts_off(kind: Kind) -> None:
    programme = tuple(
        ProgrammeItem(time=f"{9 + number // 4}.{15 * (number % 4):02}", title="Gesprek " * 6, description="Woord " * 40)
        for number in range(24)
    )
    full = sent(kind, event=an_event(programme=programme, introduction="Een alinea met veel woorden. \n\n" * 60))
    assert len(full.html.encode()) < MOST_HTML
    assert len(every_kind()[kind].html.encode()) < 25_000


@pytest.mark.parametrize("name", NAMES)
def test_the_mail_is_an_article_in_dutch_and_programs_make_no_links_of_its_dates(
    mails: dict[str, Sent], name: str
) -> None:
    tree = Tree(mails[name].html)
    # Some programs drop the attributes of <html>.
    (article,) = (attributes for _tag, attributes, _around in tree.elements if attributes.get("role") == "article")
    assert (article["lang"], article["aria-roledescription"]) == ("nl", "email")
    (letter,) = (around for tag, attributes, around in tree.elements if attributes.get("class") == "letter")
    assert "div" in letter
    meta = {attributes.get("name"): attributes.get("content") for _number, attributes in tree.all("meta")}
    assert meta["format-detection"] == "telephone=no, date=no, address=no, email=no"
    # Nothing of the letter follows the preheader in an inbox's list: filled with characters that do not show.
    number, _attributes = next((number, a) for number, a in tree.all("div") if a.get("class") == "preheader")
    assert len(tree.text[number]) - len(tree.text[number].rstrip("\u034f\u200c\xa0")) > 100
