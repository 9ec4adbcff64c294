"""``status``: the chart of answers, and the page for the board."""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.browser import a_browser, needs_chromium
from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import EVENT as EXAMPLE
from tests.workplace import HEADINGS, PEOPLE, Place, a_place

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
        assert place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes", now=NOW).code == 0
        assert place.run("answers", "set", EVENT, "Els van der Ven", "nee", now="2020-03-05T10:00").code == 0
        yield place


def chart(out: str) -> list[str]:
    return out.partition("Answers up to each day")[2].splitlines()[1:]


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
    assert "Answers up to each day: # attending, . declined" in ran.out
    assert not set("█░") & set(ran.out)


def in_terminal(place: Place, *words: str, lines: int, **environment: str) -> str:
    """Return what a command prints in a terminal of 80 columns that has so many lines."""
    chosen = place.environment("2020-04-17T09:00", **environment)
    code, screen = typed(place.command(*words), chosen, place.folder, [], size=(80, lines))
    assert code == 0
    return screen


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_a_status_longer_than_the_screen_is_for_the_pager_with_its_figures_first(place: Place) -> None:
    own = f"{sys.executable} -c 'import sys; print(\"PAGER\", sys.stdin.read())'"
    screen = in_terminal(place, "status", "directeurendag-2020", lines=10, PAGER=own)
    head, _pager, rest = screen.partition("PAGER")
    assert "Mailing" not in head
    assert "invitation" in "\n".join(rest.splitlines()[:8])
    assert "Answers up to each day" in rest
    assert "PAGER" not in in_terminal(place, "status", "directeurendag-2020", lines=80, PAGER=own)
    assert "PAGER" not in place.run("status", "directeurendag-2020", PAGER=own).out


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_a_check_longer_than_the_screen_is_for_the_pager_too(place: Place) -> None:
    own = f"{sys.executable} -c 'import sys; print(\"PAGER\", sys.stdin.read())'"
    head, _pager, rest = in_terminal(place, "check", "directeurendag-2020", lines=10, PAGER=own).partition("PAGER")
    assert "Directeurendag, " not in head and "Directeurendag, " in rest and "look at." in rest.splitlines()[-2]
    assert "PAGER" not in in_terminal(place, "check", "directeurendag-2020", lines=80, PAGER=own)
    assert "PAGER" not in place.run("check", "directeurendag-2020", PAGER=own).out


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_colours_are_for_terminals_and_for_who_wants_them(place: Place) -> None:
    sent = "\x1b[38;5;28m"
    assert sent in in_terminal(place, "status", "directeurendag-2020", lines=80)
    assert "\x1b[3" not in in_terminal(place, "status", "directeurendag-2020", lines=80, NO_COLOR="1")
    assert "\x1b[3" not in in_terminal(place, "status", "directeurendag-2020", lines=10, NO_COLOR="1", PAGER="head -50")
    assert sent in in_terminal(place, "status", "directeurendag-2020", lines=10, PAGER="head -50")
    assert "\x1b" not in place.run("status", "directeurendag-2020").out


def test_without_answers_there_is_no_chart(tmp_path: Path) -> None:
    assert "Answers up to each day" not in a_place(tmp_path).run("status", EVENT).out


class Page(HTMLParser):
    """The text of a page, and the addresses that it fetches."""

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
    ("language", "said", "mailing", "counts"),
    [
        (
            "en",
            "Not represented: 3 of 4 organisations",
            "invitation",
            "1 attending, 2 declined; the last answer is from 5 March",
        ),
        (
            *("nl", "Niet vertegenwoordigd: 3 van de 4 organisaties", "praktische informatie"),
            "1 komt, 2 komen niet; het laatste antwoord is van 5 maart",
        ),
    ],
)
def test_the_page_for_the_board_is_one_file_and_names_no_address(
    place: Place, language: str, said: str, mailing: str, counts: str
) -> None:
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
    if language == "nl":  # the board types no names of mailings
        assert not {"invitation", "reminder", "practical", "thanks"} & set(re.findall(r"\w+", page.text))
    for word in (said, mailing, counts, "MKW Platform", "De Haven"):
        assert word in page.text
    persons = [each.split(";")[2] for each in PEOPLE]
    for word in (*persons, "met pensioen", "550", "5.1.1"):
        assert word not in page.text
    figures = re.findall(r"<strong>(\d+)", html)
    assert figures == ["1", "2", "0", "1"], "come, do not come, no answer, organisations"
    order = [html.index(each) for each in ("MKW Platform", "<h1>", '"figures"', "<svg", said)]
    assert order == sorted(order) and html.rindex("<table>") > order[-1]
    assert path.stat().st_mode & 0o077 == 0


@needs_chromium
def test_the_page_begins_with_the_event_and_fits_a_phone_and_a_sheet_in_dutch(place: Place) -> None:
    path = place.folder / "bestuur.html"
    for mailing, now in (("reminder", "2020-03-23T09:00"), ("update", "2020-03-24T09:00")):
        place.run("send", EVENT, mailing, "--yes", now=now)
    place.run("status", EVENT, "--html", str(path), now="2020-03-25T12:00", MKWMAIL_LANG="nl")
    html = path.read_text(encoding="utf-8")
    head = Page(html[html.index("<header>") : html.index("</header>")]).text.split("\n")
    assert [line for line in head if line] == [
        "MKW Platform",
        "Directeurendag",
        "Samen verder komen met andersoortige organisaties",
        "16 april 2020 om 13.00 uur, De Moestuin, Utrecht",
        "Stand op 25 maart 2020 om 12.00 uur.",
    ]
    headings = re.findall(r'<th scope="col">(.)', html)
    assert headings and all(letter.isupper() for letter in headings)
    with a_browser() as browser:
        for width in (320, 375):
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.emulate_media(media="print")
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1


def test_the_page_can_be_of_one_event_only(place: Place) -> None:
    assert place.run("status", "--html", "x.html", now=NOW).code == 2
    assert place.run("status", EVENT, "--html", "x.html", "--json", now=NOW).code == 2


def test_json_says_when_due_last_ran(place: Place) -> None:
    assert place.run("status", EVENT, "--json", now=NOW).json["last_due"] is None
    place.run("due", now=NOW)
    assert place.run("status", EVENT, "--json", now=NOW).json["last_due"].startswith("2020-03-10T12:00")


def test_who_was_skipped_is_counted_and_named_when_asked_for(place: Place) -> None:
    place.members(*PEOPLE[1:], "Bo;;Kok;bo@twaalf;Twaalf;lid")
    assert "Skipped: invitation 1 (who and why: add --skipped)" in place.run("status", EVENT, now=NOW).out
    named = place.run("status", EVENT, "--skipped", now=NOW).out
    assert "invitation: not to be mailed: <b>met pensioen</b>" in named
    assert "Bo Kok <bo@twaalf>: row 6 of the list is faulty" in named
    assert "Kim Verbeek <kim@woonstede.example.org>: has left the member list" in named


def test_who_joined_after_a_mailing_had_gone_is_named_with_the_reason(place: Place) -> None:
    more = ("Bo;;Kok;bo@twaalf.example.org;Twaalf;lid;", "Nooit;;Mail;;Dertien;lid;wil geen mail")
    headings = f"{HEADINGS};niet mailen"
    place.members(*(f"{row};" for row in PEOPLE[1:]), *more, headings=headings)
    named = place.run("status", EVENT, "--skipped", now=NOW).out
    assert "Nooit Mail: invitation: not to be mailed: wil geen mail" in named
    assert "Bo Kok" not in named, "the invitation can still go"
    late = place.run("status", EVENT, "--skipped", now="2020-04-03T09:00").out
    reason = "Bo Kok <bo@twaalf.example.org>: invitation: not sent before its latest moment, 2 April 2020"
    assert reason in late
    assert "Bo Kok" not in place.run("status", EVENT, "--skipped", now="2020-04-17T09:00").out


def test_who_was_approved_and_left_before_anything_went_is_named(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert place.run("schedule", EVENT, "invitation", "--yes", now="2020-02-10T10:00").code == 0
    place.members(*PEOPLE[1:])
    named = place.run("status", EVENT, "--skipped", now="2020-02-18T10:00").out
    assert "Kim Verbeek <kim@woonstede.example.org>: has left the member list" in named


def to_phone(place: Place, now: str) -> dict[str, str]:
    document = place.run("status", EVENT, "--json", now=now).json
    return {each["member"]: each["reason"] for each in document["attendance"]["to_phone"]}


def test_to_be_phoned_are_the_unreached_and_after_the_last_reminder_the_silent(place: Place) -> None:
    place.members(*PEOPLE, "Bo;;Kok;bo@elf.example.org;Elf;lid", "An;;Bos;an@tien.example.org;Tien;lid")
    assert place.send(now="2020-03-11T09:00").code == 80
    refused = "invitation: 550 5.1.1 <lou@elf.example.org>: unknown user"
    assert to_phone(place, "2020-03-22T09:00") == {"Lou 't Hart": refused}
    assert place.run("send", EVENT, "reminder", "--yes", now="2020-03-23T09:00").code == 0
    reminded = "has not answered the reminder of 23 March 2020"
    assert to_phone(place, "2020-03-24T09:00") == {"Lou 't Hart": refused, "Bo Kok": reminded, "An Bos": reminded}
    # Those who come but whose mail came back must hear the news by telephone.
    assert place.run("bounces", "set", EVENT, "Kim Verbeek", now="2020-03-24T10:00").code == 0
    place.members(*(row.replace("lou@", "l.hart@") for row in PEOPLE))
    assert to_phone(place, "2020-03-24T11:00") == {
        "Kim Verbeek": "invitation: reported as undeliverable by the secretary"
    }
    assert to_phone(place, "2020-04-17T09:00") == {}


def test_colleagues_are_neither_silent_nor_phoned_if_one_counts_for_all(place: Place) -> None:
    path = next((place.folder / "events").iterdir())
    text = path.read_text(encoding="utf-8").replace("one_per_organisation: false", "one_per_organisation: true")
    path.write_text(text, encoding="utf-8")
    place.members(*PEOPLE, "Bo;;Kok;bo@woonstede.example.org;Woonstede;lid")
    silent = place.run("status", EVENT, "--json", now=NOW).json["attendance"]["silent"]
    dry = place.run("send", EVENT, "invitation", "--dry-run", "--json", now="2020-03-11T09:00").json
    assert {"member": "Bo Kok", "address": "bo@woonstede.example.org", "reason": "a colleague of Woonstede comes"} in (
        dry["skipped"]
    )
    assert silent == 0


def steps(place: Place, now: str) -> list[str]:
    desk, status = (place.run(*words, now=now).out for words in ((), ("status", EVENT)))
    found = [line.strip() for line in desk.splitlines() if "mkwmail" in line or line.startswith("  Next")]
    assert all(line in status for line in found if "--help" not in line)
    return found[:-1]


def test_the_desk_says_what_is_next_and_whether_it_is_sent_automatically(place: Place) -> None:
    path = next((place.folder / "events").iterdir())
    decide = f"To decide about them: mkwmail resolve {EVENT}"
    assert steps(place, NOW) == [
        decide,
        "Next: reminder, planned for 23 March 2020 09:00",
        f"To send it automatically: mkwmail schedule {EVENT}",
    ]
    assert place.run("schedule", EVENT, "--yes", now="2020-03-11T09:00").code == 0
    never = "`mkwmail due` has never run: without it nothing is sent automatically (schedule EVENT --install)"
    assert steps(place, "2020-03-11T10:00") == [
        never,
        decide,
        "Next: reminder, planned for 23 March 2020 09:00",
    ], "what is approved is not sent automatically as long as `due` does not run, and that comes first"
    place.run("due", now="2020-03-11T10:30")
    assert steps(place, "2020-03-11T11:00")[:-1] == [
        decide,
        "Next: reminder, planned for 23 March 2020 09:00; it is sent automatically",
    ]
    place.members(*PEOPLE, "Bo;;Kok;bo@elf.example.org;Elf;lid")
    assert "Due now, and sent automatically: invitation, 1 mail" in place.run(now="2020-03-12T10:00").out
    path.write_text(path.read_text(encoding="utf-8").replace("title: Directeurendag", "title: Dag"), encoding="utf-8")
    changed = steps(place, "2020-03-12T11:00")
    again = "reminder practical thanks"
    command = f"mkwmail schedule {EVENT} invitation {again}"
    names = f"invitation, {again.replace(' ', ', ')}"
    assert f"{names} were changed since they were approved, and are not sent: {command}" in changed
    place.run("due", now="2020-03-12T11:30")
    asked = "does cron still run it? (schedule EVENT --install)"
    assert asked in steps(place, "2020-03-14T11:00")[0]
    place.run("due", now="2020-04-03T08:00")
    late = steps(place, "2020-04-03T09:00")
    missed = "Missed: 1 mail of invitation was not sent before end of 2 April 2020; see: mkwmail status"
    assert any(line.startswith(missed) for line in late), late
    assert decide not in late, "nothing can be done any more about the one who was refused"


def test_the_desk_names_the_command_for_a_mailing_that_broke_off(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        early = "2020-02-14T09:00"
        assert place.send("--limit", "2", now=early).code == 75
        assert (
            steps(place, "2020-02-14T09:30")[0]
            == f"invitation: 2 of 5 sent; 3 are waiting: mkwmail send {EVENT} invitation"
        )
        place.run("schedule", EVENT, "--yes", now="2020-02-14T10:00")
        waiting = f"invitation: 2 of 5 sent; 3 are waiting: mkwmail send {EVENT} invitation"
        assert waiting in steps(place, "2020-02-18T10:00"), "nothing runs that would send the rest"
        assert place.send(now="2020-02-18T10:30").code == 0
        assert not any("waiting" in step for step in steps(place, "2020-02-18T11:00"))


def test_the_desk_names_the_hour_of_what_the_server_put_off(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        server.on("RCPT", "451 4.7.1 greylisted", recipient="lou@elf.example.org")
        assert place.send(now="2020-02-17T09:00").code == 75
        command = f"mkwmail send {EVENT} invitation"
        early = place.run(now="2020-02-17T09:01").out
        assert "invitation: the server deferred 1 mail until " in early and f"; then: {command}" in early
        assert "waiting" not in early, "nobody else waits"
        assert f"invitation: 4 of 5 sent; 1 is waiting: {command}" in place.run(now="2020-02-18T09:00").out


def test_the_desk_counts_nobody_twice_who_was_put_off(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        server.on("RCPT", "451 4.7.1 greylisted", recipient="kim@woonstede.example.org")
        assert place.send("--limit", "2", now="2020-02-14T09:00").code == 75
        early = place.run(now="2020-02-14T09:01").out
        assert "invitation: the server deferred 1 mail until " in early
        assert f"invitation: 1 of 5 sent; 3 are waiting: mkwmail send {EVENT} invitation" in early


def test_what_everybody_had_before_its_date_is_not_next(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        early = "2020-01-22T09:00"
        assert place.send(now=early).json["sent"] == 5
        assert "Next: reminder, planned for 23 March 2020 09:00" in place.run("status", EVENT, now=early).out
        assert "reminder, 23-03-2020" in place.run(now=early).out
        place.members(*PEOPLE, "Bo;;Kok;bo@elf.example.org;Elf;lid")
        assert "Next: invitation" in place.run("status", EVENT, now=early).out


def test_several_events_are_told_apart_on_the_desk(place: Place) -> None:
    path = next((place.folder / "events").iterdir())
    place.write("events/najaar.yaml", path.read_text(encoding="utf-8").replace(EVENT, "najaarsdag-2020"))
    out = place.run(now="2020-01-19T10:00").out
    assert "\nnajaarsdag-2020\n  Next: save-the-date, planned for 20 January 2020 09:00\n" in out


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
        sizes = page.locator(".chart span").evaluate_all(
            "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 13, "readable on a phone"
        dark = browser.new_page(viewport={"width": 360, "height": 800}, color_scheme="dark")
        dark.goto(path.as_uri())
        background = "getComputedStyle(document.body).backgroundColor"
        assert dark.evaluate(background) == "rgb(22, 24, 22)"
        dark.emulate_media(media="print")
        assert dark.evaluate(background) == "rgb(255, 255, 255)", "paper is white"
        assert len(re.findall(rb"/Type\s*/Page\b", dark.pdf(prefer_css_page_size=True))) <= 2


def test_a_missing_column_is_a_fault_of_its_mailing_alone(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    entry = "  utrecht: {send: 2020-03-01 09:00, template: own, audience: {column: regio, is: [Utrecht]}}"
    text = EXAMPLE.read_text(encoding="utf-8")
    place.write(f"events/{EXAMPLE.name}", text.replace("\nmailings:\n", f"\nmailings:\n{entry}\n"))
    said = 'the member list has no column "regio", which determines who gets utrecht'
    for words in (("status", EVENT), (), ("schedule", EVENT)):
        ran = place.run(*words, now="2020-03-02T09:00")
        assert "invitation" in ran.out, words
        assert said in " ".join((ran.out + ran.err).split()), words
    assert place.run("status", EVENT, "--json").json["mailings"]
    ran = place.run("check", EVENT)
    assert (ran.code, said in ran.out + ran.err) == (65, True)
    assert place.run("send", EVENT, "invitation", "--dry-run").code == 0


def test_a_member_at_anothers_address_is_named(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(
        "Kim;;Kok;directie@aa.example.org;Aa;1",
        "Bas;;Bos;Directie@aa.example.org;Aa;2",
        headings="voornaam;tussenvoegsel;achternaam;e-mail;organisatie;lidnummer",
    )
    said = " ".join(place.run("status", EVENT, "--skipped").out.split())
    assert "Bas Bos <Directie@aa.example.org>: the same address as row 2, Kim Kok: one mail" in said
    (row,) = place.run("status", EVENT, "--json").json["not_listed"]
    assert row["member"] == "Bas Bos"
