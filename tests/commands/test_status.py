"""``status``: the chart of answers, and the page for the board."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.browser import a_browser, needs_chromium
from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
NOW = "2020-03-10T12:00"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Five invited: one refused by name, one left out; then three sign-ups, one of them with markup in it."""
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        server.on("RCPT", "550 5.1.1 <lou@elf.example.org>: unknown user", recipient="lou@elf.example.org")
        assert place.run("skip", "Jan de Vries", "--reason", "<b>met pensioen</b>").code == 0
        assert place.send().code == 80
        place.write(
            "a.csv",
            "Naam;E-mailadres;Komt u?;Lunch?;Tijdstempel\n"
            "Kim Verbeek;kim@woonstede.example.org;ja;ja;18-02-2020 10:00\n"
            "Els van der Ven;els@dehaven.example.org;ja;nee;20-02-2020 10:00\n"
            "Zoë Ruiter;zoe@tien.example.org;nee;<script>alert(1)</script>;01-03-2020 10:00\n",
        )
        assert place.run("answers", "import", EVENT, str(place.folder / "a.csv"), now=NOW).code == 0
        assert place.run("answers", "set", EVENT, "Els van der Ven", "nee", now="2020-03-05T10:00").code == 0
        yield place


def chart(out: str) -> list[str]:
    return out.partition("Answers by day")[2].splitlines()[1:]


def test_the_chart_shows_who_came_and_declined_by_day(place: Place) -> None:
    ran = place.run("status", EVENT, now=NOW, COLUMNS="80")
    lines = chart(ran.out)
    rows = [line[6:] for line in lines[:3]]
    # 17 February to 5 March, a column for each day: one comes, then two, one declines, then one of the two does.
    assert [row.rstrip() for row in rows] == [
        " " * 13 + "░" * 5,
        "   " + "█" * 10 + "████░",
        " " + "█" * 17,
    ]
    assert lines[3] == "   0  a" + "-" * 17
    assert "a = invitation, 17-02-2020 (3)" in ran.out
    assert all(len(line) <= 80 for line in lines)


def test_the_chart_has_letters_alone_where_blocks_cannot_be_shown(place: Place) -> None:
    ran = place.run("status", EVENT, now=NOW, PYTHONIOENCODING="ascii:replace")
    assert "Answers by day: # attending, . declined" in ran.out
    assert not set("█░") & set(ran.out)


def test_without_answers_there_is_no_chart(tmp_path: Path) -> None:
    assert "Answers by day" not in a_place(tmp_path).run("status", EVENT).out


class Page(HTMLParser):
    """What of a page is text, and what it asks for elsewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.asked: list[str] = []
        self.tags: list[str] = []
        self.language = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.asked += [named[each] or "" for each in ("src", "href", "data", "action") if each in named]
        self.language = named.get("lang", "") or self.language if tag == "html" else self.language

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Nobody comes from 3 of 4"), ("nl", "Van 3 van 4 organisaties komt niemand")]
)
def test_the_page_for_the_board_stands_alone_and_names_no_address(place: Place, language: str, said: str) -> None:
    path = place.folder / "bestuur.html"
    ran = place.run("status", EVENT, "--html", str(path), now=NOW, MKWMAIL_LANG=language)
    assert (ran.code, ran.out) == (0, "")
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert page.language == language
    assert page.asked == []
    assert not {"script", "b", "link", "img", "iframe"} & set(page.tags)
    assert "svg" in page.tags
    assert not re.search(r"\S@\S", html)
    for word in (said, "Lou 't Hart", "<b>met pensioen</b>", "De Haven"):
        assert word in page.text
    assert path.stat().st_mode & 0o077 == 0


def test_the_page_can_be_of_one_event_only(place: Place) -> None:
    assert place.run("status", "--html", "x.html", now=NOW).code == 2
    assert place.run("status", EVENT, "--html", "x.html", "--json", now=NOW).code == 2


def test_json_says_when_due_last_ran(place: Place) -> None:
    assert place.run("status", EVENT, "--json", now=NOW).json["last_due"] is None
    place.run("due", now=NOW)
    assert place.run("status", EVENT, "--json", now=NOW).json["last_due"].startswith("2020-03-10T12:00")


def test_who_was_skipped_is_counted_and_named_when_asked_for(place: Place) -> None:
    place.members(*PEOPLE[1:], "Bo;;Kok;geen adres;Twaalf;lid")
    assert "Skipped: invitation 1 (who and why: add --skipped)" in place.run("status", EVENT, now=NOW).out
    named = place.run("status", EVENT, "--skipped", now=NOW).out
    assert "invitation: not to be mailed: <b>met pensioen</b>" in named
    assert "Bo Kok <geen adres>: row 6 of the list is faulty" in named
    assert "Kim Verbeek <kim@woonstede.example.org>: has left the member list" in named


@needs_chromium
def test_the_chart_is_drawn_within_the_page(place: Place) -> None:
    path = place.folder / "bestuur.html"
    place.run("status", EVENT, "--html", str(path), now=NOW)
    with a_browser() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 800})
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(path.as_uri())
        drawn = page.locator("svg .attending").bounding_box()
        assert drawn is not None
        assert drawn["width"] > 200
        assert drawn["height"] > 20
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("svg .attending").evaluate("each => getComputedStyle(each).fill") == "rgb(31, 111, 84)"
        assert refused == []
