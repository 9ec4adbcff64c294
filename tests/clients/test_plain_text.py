"""The plain text part: it reads well on its own, whatever an event leaves open and a secretary writes."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.clients.mails import Sent, every_kind, sent
from tests.kinds import Kind
from tests.templates.scenes import an_event
from tests.templates.test_awkward_events import EVENTS

WIDTH = 76

# Everything that Markdown knows, as somebody who knows it would write it.
MARKDOWN = """Over de **avond**: het *buffet* is om __18.00__ uur, met ***alles*** erop en `geen` dresscode. Wie later \
komt, komt later.

## Een kop

1. Eerst [de kaart](https://kaart.example.org/utrecht/laan-van-maarschalkerweerd?x=1&y=2) bekijken, en dan verder met \
een zin die te lang is voor een enkele regel.
2. Dan <https://www.example.org/los>.
   - een onderdeel daarvan
   - en nog *een*, dat zo lang is dat het ook niet op een enkele regel past, hoe graag het ook zou willen

> Een aanhaling die zo lang is dat zij over meer dan een enkele regel heen loopt, en dus gebroken wordt.

Een regel\x20\x20
met een harde grens\\
en nog een.

***

Drie \\* vier, [haken] en (haakjes), een_twee_drie. Mail naar [ons](mailto:secretaris@example.org).
"""

LEFT_OVERS = re.compile(
    r"\*\*|__|`|\\|\]\(|!\[|^\s*#+ |^\s*>|^\s*[*+] |</?[a-z]+|&(?:[a-z]+|#\d+);|\{\{|\}\}|\{%|[\ue000-\uf8ff]",
    re.MULTILINE,
)
# A line that holds a link alone may be longer: a broken link is no link.
ONLY_A_LINK = re.compile(r"\s*(?:[\w-]+: +)?\(?https://\S+")
FULL = (Kind.INVITATION, Kind.UPDATE, Kind.PRACTICAL)
A_DAY = re.compile(r"(?:Maan|Dins|Woens|Donder|Vrij|Zater|Zon)dag \d\d? [a-z]+")
A_TIME = re.compile(r"\d\d?\.\d\d(?:-\d\d?\.\d\d)? uur +")


class Links(HTMLParser):
    """The addresses that an HTML part links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if tag == "a" and name == "href" and value}


def mails() -> Iterator[tuple[str, Sent]]:
    """Every kind; of every awkward event those with the most in them; and with everything that Markdown knows."""
    yield from ((f"{kind}, everything", mail) for kind, mail in every_kind().items())
    for awkward, changed in EVENTS.items():
        event = an_event(**changed)
        yield from ((f"{kind}, {awkward}", sent(kind, event=event)) for kind in FULL)
    yield from ((f"{kind}, Markdown", sent(kind, text=MARKDOWN)) for kind in Kind)
    everywhere = an_event(introduction=MARKDOWN)
    yield from ((f"{kind}, Markdown in the event", sent(kind, event=everywhere)) for kind in Kind)


@pytest.fixture(scope="module")
def texts() -> dict[str, Sent]:
    return dict(mails())


def test_lines_are_at_most_76_wide(texts: dict[str, Sent]) -> None:
    lines = [(name, line) for name, mail in texts.items() for line in mail.text.splitlines()]
    assert not [found for found in lines if len(found[1]) > WIDTH and not ONLY_A_LINK.fullmatch(found[1])]
    assert not [found for found in lines if found[1] != found[1].rstrip()]


def test_nothing_of_markdown_or_html_is_left_over(texts: dict[str, Sent]) -> None:
    assert not [(name, found[0]) for name, mail in texts.items() for found in LEFT_OVERS.finditer(mail.text)]


def is_written_out(link: str, text: str) -> bool:
    """Return whether the text has a link; for a mail that is begun, check its address and the code in its subject."""
    parts = urlsplit(link)
    if parts.scheme != "mailto" or not parts.query:
        return link.removeprefix("mailto:") in text
    (subject,) = parse_qs(parts.query)["subject"]
    code = re.search(r"\[mkw-\w+\]$", subject)
    words = " ".join(text.split())
    return code is not None and parts.path in text and f"Ik kan er niet bij zijn {code[0]}" in words


def test_every_link_of_the_html_is_written_out(texts: dict[str, Sent]) -> None:
    missing = [
        (name, address)
        for name, mail in texts.items()
        for address in Links(mail.html).found
        if not is_written_out(address, mail.text)
    ]
    assert not missing
    assert any("aanmelden.example.org" in address for address in Links(texts["invitation, everything"].html).found)


def test_the_programme_has_two_columns(texts: dict[str, Sent]) -> None:
    for name, mail in texts.items():
        if "\nProgramma" not in mail.text:
            continue
        # If the event has several days, a heading names the day.
        lines = mail.text.split("\nProgramma", 1)[1].split("\n\n")[1].splitlines()
        rows = [line for line in lines if not A_DAY.fullmatch(line)]
        columns = {found.end() if (found := A_TIME.match(row)) else len(row) - len(row.lstrip()) for row in rows}
        assert len(columns) == 1, name
        assert columns <= {11, 17}


def test_facts_are_in_two_columns(texts: dict[str, Sent]) -> None:
    for kind in (Kind.INVITATION, Kind.SAVE_THE_DATE, Kind.REMINDER, Kind.PRACTICAL, Kind.UPDATE, Kind.CORRECTION):
        facts = next(part for part in texts[f"{kind}, everything"].text.split("\n\n") if "Locatie:" in part)
        assert all(re.match(r"[\w-]+: +(?=\S)|(?= )", line) for line in facts.splitlines())
        assert all(line[11] == " " and line[12] != " " for line in facts.splitlines())


def test_a_mail_in_plain_text() -> None:
    text = sent(Kind.OWN, text=MARKDOWN).text
    assert text.startswith(
        """Beste Anneke,

Over de avond: het buffet is om 18.00 uur, met alles erop en geen dresscode.
Wie later komt, komt later.

Een kop
--------------------

1. Eerst de kaart
   (https://kaart.example.org/utrecht/laan-van-maarschalkerweerd?x=1&y=2)
   bekijken, en dan verder met een zin die te lang is voor een enkele regel.
2. Dan https://www.example.org/los.
   - een onderdeel daarvan
   - en nog een, dat zo lang is dat het ook niet op een enkele regel past,
     hoe graag het ook zou willen

  Een aanhaling die zo lang is dat zij over meer dan een enkele regel heen
  loopt, en dus gebroken wordt.

Een regel
met een harde grens
en nog een.

----------------------------------------

Drie * vier, [haken] en (haakjes), een_twee_drie. Mail naar ons
(secretaris@example.org).

De afspraak voor je agenda zit bij deze mail.

Hartelijke groet,
"""
    )


def test_what_the_html_says_the_text_says() -> None:
    for kind, mail in every_kind().items():
        body = mail.html.split("<body")[1].split('class="letter"')[1]
        shown = unescape(re.sub(r"<!--.*?-->|<[^>]*>", " ", body.partition(">")[2], flags=re.DOTALL))
        words = set(re.findall(r"\w+", shown))
        said = set(re.findall(r"\w+", f"{mail.parsed['Subject']} {mail.text}"))
        # The masthead names the kind, which the subject says in its own way, and the button its link. Between the times
        # of the programme the text has a hyphen.
        elsewhere = {"Vooraankondiging", "Herinnering", "Dank", "Bevestiging", "Aanmelden", "tot", *_theme(mail)}
        assert words - said <= elsewhere, kind


def _theme(mail: Sent) -> set[str]:
    found = re.search(r'class="theme"[^>]*>([^<]*)<', mail.html)
    return set(re.findall(r"\w+", found[1])) if found else set()
