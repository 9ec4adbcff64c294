"""The kinds of mailing: the table of defaults, names, and latest moments."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Mailing, Registration
from mkwmail.config.kinds import (
    OWN,
    RULES,
    Audience,
    Latest,
    Rule,
    in_order,
    kind_names,
    kind_of,
    kind_of_dutch,
    latest_of,
    mailing_named,
    templates_of,
    typed_name,
)
from mkwmail.errors import ExitCode, UserError
from mkwmail.files import shipped
from mkwmail.i18n import speak
from tests.kinds import Kind
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, Ran, a_place


def moment(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2020, month, day, hour, tzinfo=ZONE)


START, END, DEADLINE = moment(4, 16, 13), moment(4, 16, 18), moment(4, 2)


def event(deadline: datetime | None = DEADLINE, **mailings: Mailing) -> Event:
    named = {name.replace("_", "-"): mailing for name, mailing in mailings.items()}
    return Event(
        id="dag", title="Dag", starts=START, ends=END, registration=Registration(deadline=deadline), mailings=named
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reminder", Kind.REMINDER),
        ("reminder-2", Kind.REMINDER),
        ("save-the-date", Kind.SAVE_THE_DATE),
        ("save-the-date-again", Kind.SAVE_THE_DATE),
        ("reminders", Kind.OWN),
        ("save", Kind.OWN),
        ("parkeren", Kind.OWN),
    ],
)
def test_the_kind_is_the_name_or_the_part_before_a_dash(name: str, kind: Kind) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("kind", "audience", "needs_entry", "latest"),
    [
        ("save-the-date", "everyone", True, START),
        ("own", "everyone", True, START),
        ("invitation", "everyone", True, DEADLINE),
        ("reminder", "unanswered", True, DEADLINE),
        ("update", "outdated", False, END),
        ("correction", "earlier-text", False, END),
        ("practical", "attending", True, END),
        ("cancellation", "told", False, END),
        ("thanks", "present", True, moment(5, 16, 18)),
    ],
)
def test_the_defaults_of_each_kind(kind: str, audience: str, needs_entry: bool, latest: datetime) -> None:
    rule = RULES[Kind(kind)]
    assert (rule.audience, rule.needs_entry) == (audience, needs_entry)
    assert rule.by_name_only is not needs_entry
    planned = event().model_copy(update={"mailings": {kind: Mailing()}})
    assert latest_of(planned, kind) == latest


def test_without_a_deadline_the_start_is_the_latest_moment() -> None:
    assert latest_of(event(None, invitation=Mailing()), "invitation") == START


def test_a_latest_moment_of_its_own_wins() -> None:
    assert latest_of(event(invitation=Mailing(latest=moment(3, 1))), "invitation") == moment(3, 1)
    assert latest_of(event(update=Mailing(latest=moment(3, 1))), "update") == moment(3, 1)


def test_a_mailing_of_their_own_after_the_event_has_thirty_days() -> None:
    assert latest_of(event(verslag=Mailing(send=moment(4, 20))), "verslag") == moment(5, 16, 18)
    assert latest_of(event(parkeren=Mailing(send=moment(4, 10))), "parkeren") == START


def test_a_mailing_is_found_by_its_name() -> None:
    planned = Mailing(send=moment(2, 17))
    assert mailing_named(event(invitation=planned), "invitation") is planned
    for name in ("update", "correction", "cancellation"):
        assert mailing_named(event(), name) == Mailing()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("invitaton", 'did you mean "invitation"?'),
        ("reminder", "choose from: invitation, update, correction, cancellation"),
    ],
)
def test_an_unknown_mailing_is_refused_with_the_nearest(name: str, remedy: str) -> None:
    for ask in (mailing_named, latest_of):
        with pytest.raises(UserError) as raised:
            ask(event(invitation=Mailing()), name)
        assert raised.value.code is ExitCode.USAGE
        assert raised.value.faults[0].remedy == remedy


def test_in_dutch_the_nearest_is_the_name_to_type() -> None:
    speak(["nl"])
    try:
        with pytest.raises(UserError) as raised:
            mailing_named(event(reminder=Mailing()), "herinering")
    finally:
        speak(["en"])
    assert raised.value.faults[0].remedy == "bedoelde je “herinnering”?"


def test_mailings_are_sorted_by_date_then_by_kind() -> None:
    planned = event(
        thanks=Mailing(),
        practical=Mailing(send=moment(4, 9)),
        invitation=Mailing(send=moment(2, 17)),
        parkeren=Mailing(send=moment(2, 17)),
        reminder=Mailing(),
    )
    assert in_order(planned) == ("invitation", "parkeren", "practical", "reminder", "thanks")


def test_templates_of_a_mailing() -> None:
    assert templates_of("reminder-2", Mailing()) == ("reminder-2", "reminder")
    assert templates_of("parkeren", Mailing()) == ("parkeren", "own")
    assert templates_of("parkeren", Mailing(template="practical")) == ("practical",)


def test_the_table_has_the_shipped_kinds_each_with_its_names_and_its_template() -> None:
    assert list(RULES) == [kind.value for kind in Kind]
    for name, rule in RULES.items():
        assert (shipped("templates") / f"{name}.md").is_file()
        assert bool(rule.english and rule.dutch) is (name != OWN)
        assert {*rule.supersedes} <= RULES.keys()


def test_the_longest_name_that_fits_is_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "reminder-by-post", Rule(audience=Audience.DECLINED, latest=Latest.START))
    assert kind_of("reminder-by-post-2") == "reminder-by-post"
    assert kind_of("reminder-2") == "reminder"


# A kind that the program has never heard of: one row of the table, and templates/teaser.md.
NEW_KIND = """
from datetime import date
from mkwmail.config.kinds import RULES, Audience, Latest, Rule

RULES["teaser"] = Rule(
    english="first look", dutch="voorproefje", article="het", audience=Audience.EVERYONE, latest=Latest.DEADLINE,
    asks_to_come=True, tells_all_facts=True, supersedes=("save-the-date",),
    example=date(2020, 2, 3), example_note="voor wie nieuwsgierig is",
)
from mkwmail.__main__ import main
main()
"""
TEMPLATE = """---
subject: Voorproefje van {{ event.title }}
---
{{ salutation }}, dit is het voorproefje van {{ the_title() }} {{ on_day() }}.

{{ facts() }}
"""
DAY = "directeurendag-2020"


def with_the_new_kind(place: Place, *words: str, now: str, lang: str = "en") -> Ran:
    """Run the program, with the row added, to its end; the language is that of the person at the keyboard."""
    done = subprocess.run(
        [sys.executable, "-c", NEW_KIND, "--folder", str(place.folder), *words],
        env=place.environment(now, MKWMAIL_LANG=lang),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_new_kind_is_one_row_and_a_template(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.write("templates/teaser.md", TEMPLATE)
        file = next((tmp_path / "events").iterdir())
        entries = "mailings:\n  teaser: {send: 2020-02-03 09:00}\n  teaser-2: {send: 2020-02-10 09:00}\n"
        file.write_text(file.read_text("utf-8").replace("mailings:\n", entries), "utf-8")

        def run(*words: str, now: str = "2020-02-03T08:00", lang: str = "en") -> Ran:
            return with_the_new_kind(place, *words, now=now, lang=lang)

        assert (checked := run("check", DAY)).code == 0, checked.err
        shown = run("preview", DAY, "teaser", "--json")
        assert shown.code == 0 and "dit is het voorproefje van" in shown.out
        assert run("schedule", DAY, "teaser", "teaser-2", "--yes").code == 0

        # `send` without a name: the save-the-date of 20 January is due too, and pointless now.
        sent = run("send", DAY, "--yes", "--json", now="2020-02-03T09:00")
        assert (sent.code, sent.json["mailing"]) == (0, "teaser"), sent.err
        assert len(server.taken) == 5
        assert all(b"Subject: Voorproefje van" in mail.data for mail in server.taken)

        assert run("due", now="2020-02-10T09:00").code == 0
        assert len(server.taken) == 10

        later = "2020-02-10T12:00"
        rounds = {each["mailing"]: each for each in run("status", DAY, "--json", now=later).json["rounds"]}
        assert {name: len(each["sent"]) for name, each in rounds.items()} == {"teaser": 5, "teaser-2": 5}
        for lang, name in (("nl", "voorproefje"), ("en", "first look")):
            page = tmp_path / f"{lang}.html"
            assert run("status", DAY, "--html", str(page), now=later, lang=lang).code == 0
            assert f"{name} (teaser-2)" in page.read_text("utf-8")

        assert run("new", "Ledendag", "--date", "2021-04-15").code == 0
        made = next((tmp_path / "events").glob("2021-*")).read_text("utf-8")
        assert "  teaser:  # voor wie nieuwsgierig is\n    send: 2021-02-01 09.00\n" in made


def test_the_name_to_type_in_a_language_is_understood() -> None:
    names = [*kind_names(), "reminder-2", "parkeren", "practical-laat"]
    assert [typed_name(name) for name in names] == names
    speak(["nl"])
    try:
        typed = {name: typed_name(name) for name in names}
    finally:
        speak(["en"])
    assert typed["practical"] == "praktische-informatie" and typed["reminder-2"] == "herinnering-2"
    assert typed["parkeren"] == "parkeren" and typed["practical-laat"] == "practical-laat"
    assert all((kind_of_dutch(word) or word) == name for name, word in typed.items())
