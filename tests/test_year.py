"""A year of an association, by a moved clock: two events, `due` every half hour, and everything that comes between.

What the program did is judged by what the server took, not by what the ledger says of it.
"""

import email
import email.policy
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from holidays import country_holidays

from mkwmail.clock import ZONE
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, Ran, a_place

SPRING, AUTUMN = "directeurendag-2020", "najaarsdag-2020"
HALF_HOUR = timedelta(minutes=30)
HOLIDAYS = country_holidays("NL", years=2020)

AUTUMN_FILE = """\
id: najaarsdag-2020
title: Najaarsdag
starts: 2020-10-08 13:00
ends: 2020-10-08 17:00
location: {name: Het Spoorhuis, city: Zwolle}
registration: {url: "https://aanmelden.example.org/n?lid={code}", deadline: 2020-09-28}
mailings:
  save-the-date: {send: 2020-06-15 09:00}
  invitation: {send: 2020-08-31 09:00}
  reminder: {send: 2020-09-21 09:00}
  practical: {send: 2020-10-02 09:00}
  thanks: {send: 2020-10-12 09:00}
"""

# A mail is known by how its subject begins, and by the event that it names.
SUBJECTS = {
    "Noteer alvast: ": "save-the-date",
    "Uitnodiging: ": "invitation",
    "Ben je erbij? ": "reminder",
    "Praktische informatie: ": "practical",
    "Gaat niet door: ": "cancellation",
    "Bedankt voor ": "thanks",
}
# From when each mailing may go, and until when.
WINDOWS = {
    (SPRING, "save-the-date"): ("2020-01-20T09:00", "2020-04-16T13:00"),
    (SPRING, "invitation"): ("2020-02-17T09:00", "2020-04-02T23:59"),
    (SPRING, "reminder"): ("2020-03-23T09:00", "2020-04-01T23:59"),
    (SPRING, "practical"): ("2020-04-09T09:00", "2020-04-16T18:00"),
    (SPRING, "thanks"): ("2020-04-20T09:00", "2020-05-16T18:00"),
    (AUTUMN, "save-the-date"): ("2020-06-15T09:00", "2020-10-08T13:00"),
    (AUTUMN, "invitation"): ("2020-08-31T09:00", "2020-09-28T23:59"),
    (AUTUMN, "reminder"): ("2020-09-21T09:00", "2020-09-28T23:59"),
}
# Days on which something goes: every half hour about the moments that count. On others `due` runs once.
BUSY = (
    *("2020-01-20", "2020-01-21", "2020-02-17", "2020-02-18", "2020-03-10", "2020-03-25", "2020-03-29", "2020-04-09"),
    *("2020-04-10", "2020-04-14", "2020-04-20", "2020-06-15", "2020-08-31", "2020-09-21", "2020-09-30", "2020-10-25"),
)
CLOCKS = ("2020-03-29", "2020-10-25")  # the clock goes forward, and back
OFF = ("2020-03-21T12:00", "2020-03-25T07:45")  # the computer is switched off, over the moment of the reminder
REFUSING = "2020-04-09"  # the server takes nothing on this day


def at(text: str) -> datetime:
    """A moment of Europe/Amsterdam."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that the server took, with its moment of the year."""

    event: str
    mailing: str
    address: str
    moment: datetime


@dataclass(slots=True)
class Year:
    """The association as it lives on, and what the year brought."""

    place: Place
    server: ScriptedServer
    dice: random.Random
    members: dict[str, str] = field(default_factory=dict)  # name → address
    answered: dict[tuple[str, str], list[tuple[datetime, str]]] = field(default_factory=dict)  # event and name
    mails: list[Mail] = field(default_factory=list)
    reports: list[tuple[datetime, str]] = field(default_factory=list)  # what `due` told the secretary
    seen: int = 0

    def run(self, now: datetime, *words: str) -> Ran:
        moment = now.astimezone(UTC).isoformat()
        ran = self.place.run(*words, now=moment)
        for taken in self.server.taken[self.seen :]:
            assert len(taken.recipients) == 1
            mail = email.message_from_bytes(taken.data, policy=email.policy.default)
            if taken.recipients == ("secretaris@example.org",):
                self.reports.append((now, str(mail["Subject"])))
            else:
                self.mails.append(read(str(mail["Subject"]), taken.recipients[0], now))
        self.seen = len(self.server.taken)
        return ran

    def done(self, now: datetime, *words: str) -> Ran:
        ran = self.run(now, *words)
        assert ran.code == 0, (words, ran.out, ran.err)
        return ran

    def write_list(self) -> None:
        rows = (f"{name};{address};{name} Wonen" for name, address in self.members.items())
        self.place.members(*rows, headings="naam;e-mail;organisatie")

    def answer(self, now: datetime, event: str, name: str, word: str) -> None:
        self.done(now, "answers", "set", event, self.members[name], word)
        self.answered.setdefault((event, name), []).append((now, word))

    def answer_of(self, event: str, name: str, before: datetime) -> str:
        given = [word for moment, word in self.answered.get((event, name), []) if moment < before]
        return given[-1] if given else ""

    def got(self, event: str, mailing: str) -> dict[str, datetime]:
        """Address → when it got the mailing."""
        return {each.address: each.moment for each in self.mails if (each.event, each.mailing) == (event, mailing)}


def read(subject: str, address: str, moment: datetime) -> Mail:
    mailing = next(name for start, name in SUBJECTS.items() if subject.startswith(start))
    return Mail(AUTUMN if "Najaarsdag" in subject else SPRING, mailing, address, moment)


def half_hours() -> Iterator[datetime]:
    """The moments at which cron runs, in UTC, so that no hour is skipped or doubled by summer time."""
    moment, end = at("2020-01-10T08:00").astimezone(UTC), at("2020-11-01T20:00").astimezone(UTC)
    while moment < end:
        local = moment.astimezone(ZONE)
        off = at(OFF[0]) < moment < at(OFF[1])
        day = f"{local:%Y-%m-%d}"
        awake = local.hour in (7, 8, 9, 10, 19, 20) or day in CLOCKS
        if not off and ((awake and day in BUSY) or (local.hour, local.minute) == (12, 0)):
            yield local
        moment += HALF_HOUR


def script(year: Year) -> dict[datetime, list[tuple[str, ...]]]:
    """Return the events besides `due`, by the half hour before each. A first word with a capital is our own."""
    things: dict[datetime, list[tuple[str, ...]]] = {}

    def then(moment: str, *words: str) -> None:
        things.setdefault(at(moment), []).append(words)

    names = list(year.members)
    then("2020-01-10T12:00", "schedule", SPRING, "--yes")
    for name in names[:9]:
        day = year.dice.choice([*range(18, 29), *range(41, 50)])
        moment = datetime(2020, 2, 1, 12) + timedelta(days=day - 1)
        then(moment.isoformat(), "Answer", SPRING, name, year.dice.choice(["ja", "ja", "nee"]))
    then("2020-02-18T12:00", "Join", "Nora Nieuw", "nora@nieuw.example.org")
    then("2020-02-20T12:00", "bounces", "set", SPRING, "oud@dood.example.org")
    then("2020-03-10T12:00", "Correct", "Dirk Dood", "dirk@levend.example.org")
    then("2020-03-11T12:00", "Correct", "Anna Adres", "anna@verhuisd.example.org")
    then("2020-03-20T12:00", "Answer", SPRING, "Anna Adres", "ja")
    then("2020-03-27T12:00", "Answer", SPRING, "Nora Nieuw", "ja")
    then("2020-04-03T12:00", "Leave", "Lars Los")
    then("2020-04-07T12:00", "Answer", SPRING, names[0], "nee")
    then("2020-04-17T12:00", "Answer", SPRING, "Anna Adres", "present")
    then("2020-04-17T12:00", "Answer", SPRING, "Nora Nieuw", "absent")
    then("2020-06-10T12:00", "schedule", AUTUMN, "--yes")
    for name in names[3:8]:
        moment = datetime(2020, 9, 2, 12) + timedelta(days=year.dice.randrange(17))
        then(moment.isoformat(), "Answer", AUTUMN, name, year.dice.choice(["ja", "nee"]))
    then("2020-09-30T12:00", "send", AUTUMN, "cancellation", "--yes")
    return things


def happen(year: Year, now: datetime, words: tuple[str, ...]) -> None:
    match words:
        case ("Answer", event, name, word):
            year.answer(now, event, name, word)
        case ("Join" | "Correct", name, address):
            year.members[name] = address
            year.write_list()
            greylist(year.server, address)
        case ("Leave", name):
            del year.members[name]
            year.write_list()
        case _:
            ran = year.run(now, *words)
            assert ran.code in (0, 75), (words, ran.out, ran.err)


def greylist(server: ScriptedServer, address: str) -> None:
    """Put off the first message to an address that the server has not seen before."""
    server.on("RCPT", "451 4.7.1 greylisted, come again", recipient=address, times=1)


def live(year: Year) -> None:
    things = script(year)
    for now in half_hours():
        for words in things.pop(now, []):
            happen(year, now, words)
        if f"{now:%Y-%m-%d}" == REFUSING:
            year.server.on("MAIL", "451 4.3.2 not today", times=1)
        ran = year.run(now, "due")
        assert ran.code in (0, 69, 75, 80), (now, ran.out, ran.err)
        year.server.off("MAIL")
    assert things == {}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    with ScriptedServer() as server:
        place = a_place(folder, server.port)
        place.write(f"events/{AUTUMN}.yaml", AUTUMN_FILE)
        year = Year(place, server, random.Random(20200416))
        for word in ("Een", "Twee", "Drie", "Vier", "Vijf", "Zes", "Zeven", "Acht", "Negen"):
            year.members[f"Lid {word}"] = f"{word.lower()}@corp.example.org"
        year.members |= {"Anna Adres": "anna@oud.example.org", "Dirk Dood": "oud@dood.example.org"}
        year.members |= {"Lars Los": "lars@los.example.org", "Stil Zwijger": "stil@zwijger.example.org"}
        year.write_list()
        for address in year.members.values():
            greylist(server, address)
        live(year)
        yield year


@pytest.mark.long
def test_nobody_got_a_mailing_twice(year: Year) -> None:
    counts = Counter((each.event, each.mailing, each.address) for each in year.mails)
    assert [each for each, count in counts.items() if count > 1] == []
    # Under two addresses only who was never reached under the first.
    both = {(each.event, each.mailing) for each in year.mails if each.address == "dirk@levend.example.org"}
    assert {each for each in both if year.got(*each).get("oud@dood.example.org")} <= {(SPRING, "invitation")}
    assert not year.got(SPRING, "invitation").get("anna@verhuisd.example.org")


def test_each_went_at_its_time(year: Year) -> None:
    assert len(year.mails) > 60
    for each in year.mails:
        if each.mailing == "cancellation":
            continue
        opens, latest = WINDOWS[each.event, each.mailing]
        assert at(opens) <= each.moment <= at(latest), each
        assert (8, 0) <= (each.moment.hour, each.moment.minute) <= (20, 0), each
        assert each.moment.weekday() < 5 and each.moment.date() not in HOLIDAYS, each


def test_nobody_was_forgotten(year: Year) -> None:
    everyone = {*year.members.values(), "lars@los.example.org"}
    invited = year.got(SPRING, "invitation").keys()
    assert everyone - {"anna@verhuisd.example.org"} <= invited
    assert "anna@oud.example.org" in invited
    assert set(year.members.values()) <= year.got(AUTUMN, "invitation").keys()
    # Greylisted at nine, so not before half past and a moment.
    assert year.got(SPRING, "save-the-date")["een@corp.example.org"] == at("2020-01-20T10:00")


@pytest.mark.parametrize(("event", "opens"), [(SPRING, "2020-03-25T08:00"), (AUTUMN, "2020-09-21T09:00")])
def test_reminded_was_exactly_who_had_not_answered(year: Year, event: str, opens: str) -> None:
    reminded = year.got(event, "reminder")
    for name, address in {**year.members, "Lars Los": "lars@los.example.org"}.items():
        if event == AUTUMN and name == "Lars Los":
            continue
        silent = not year.answer_of(event, name, at(opens))
        assert (address in reminded) == silent, (name, reminded.get(address))
    assert all(moment >= at(opens) for moment in reminded.values())


def test_practical_information_was_for_those_who_came_and_thanks_for_those_who_were_there(year: Year) -> None:
    practical = year.got(SPRING, "practical")
    coming = {
        address
        for name, address in year.members.items()
        if year.answer_of(SPRING, name, at("2020-04-10T00:00")) == "ja"
    }
    assert practical.keys() == coming
    # The server took nothing on the day itself; the tenth was Good Friday, and Monday a holiday.
    assert {f"{moment:%d-%m}" for moment in practical.values()} == {"14-04"}
    assert year.got(SPRING, "thanks").keys() == {"anna@verhuisd.example.org"}


def test_the_cancellation_reached_all_who_were_told_and_ended_it(year: Year) -> None:
    told = year.got(AUTUMN, "save-the-date").keys() | year.got(AUTUMN, "invitation").keys()
    assert year.got(AUTUMN, "cancellation").keys() == told
    assert not year.got(AUTUMN, "practical")
    assert not year.got(AUTUMN, "thanks")
