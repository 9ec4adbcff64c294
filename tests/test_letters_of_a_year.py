"""A whole year of mails to a recording server: what each must contain, and what it must not."""

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import icalendar
import pytest

from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVERYONE = frozenset(row.split(";")[3] for row in PEOPLE)
COMES, DECLINES = "kim@woonstede.example.org", "lou@elf.example.org"
REGISTRATION = 'registration: {url: "https://aanmelden.example.org/?lid={code}", deadline: 2031-02-20}'


@dataclass(frozen=True)
class Case:
    """An event, as its file has it, and what is known of its entry."""

    name: str
    facts: str
    method: str = "publish"
    provisional: bool = False
    moved: str = ""


CASES = (
    Case(
        "compleet",
        "starts: 2031-03-13 13:00\nends: 2031-03-13 18:00\nlocation: {name: De Moestuin, city: Utrecht}\n"
        "programme: [{time: 13.00, title: Opening}, {time: 18.00, title: Einde}]\nhosts: [Corry Keulen]\n",
        moved="13:00=13:30",
    ),
    Case(
        "online",
        "starts: 2031-03-12 10:00\nends: 2031-03-12 11:30\nonline: {url: https://vergadering.example.org/kamer}\n"
        "provisional: true\nhosts: [Corry Keulen]\n",
        method="request",
        provisional=True,
        moved="10:00=10:30",
    ),
    Case(
        "tweedaagse",
        "starts: 2031-03-29 10:00\nends: 2031-03-30 12:30\nlocation: {name: De Werelt, city: Lunteren}\n"
        "hosts: [Corry Keulen]\n",
        moved="10:00=11:00",
    ),
)
MAILINGS = """\
mailings:
  save-the-date: {send: 2031-01-06 09:00}
  invitation: {send: 2031-01-20 09:00}
  reminder: {send: 2031-02-10 09:00}
  practical: {send: 2031-03-05 09:00}
  fotos: {send: 2031-04-07 09:00, text: De foto’s staan klaar.}
  thanks: {send: 2031-04-01 09:00}
"""


class Year:
    """An event's mails in the order of a year."""

    def __init__(self, folder: Path, server: ScriptedServer, case: Case, form: str) -> None:
        self.server, self.case = server, case
        self.place: Place = a_place(folder, server.port)
        for path in (folder / "events").iterdir():
            path.unlink()
        settings = folder / "mkwmail.yaml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("form: je", f"form: {form}"), encoding="utf-8")
        self.text = (
            f"id: {case.name}\ntitle: Directeurendag\npe_points: 3\ncalendar: {{method: {case.method}, alarm: 1 dag}}\n"
            f"introduction: In 2029 begon het.\n{case.facts}{REGISTRATION}\n{MAILINGS}"
        )
        self.write()

    def write(self, was: str = "", becomes: str = "") -> None:
        self.text = self.text.replace(was, becomes, 1)
        self.place.write(f"events/{self.case.name}.yaml", self.text)

    def answer(self, who: str, answer: str, now: str) -> None:
        ran = self.place.run("answers", "set", self.case.name, who, answer, now=now)
        assert ran.code == 0, ran.err

    def send(self, mailing: str, now: str) -> dict[str, EmailMessage]:
        before = len(self.server.taken)
        ran = self.place.run("send", self.case.name, mailing, "--yes", now=now)
        assert ran.code in (0, 79, 80), (ran.out, ran.err)
        taken = self.server.taken[before:]
        mails = {each.recipients[0]: email.message_from_bytes(each.data, policy=email.policy.default) for each in taken}
        assert len(mails) == len(taken), "somebody was mailed twice"
        return {address: mail for address, mail in mails.items() if isinstance(mail, EmailMessage)}


def entry_of(mail: EmailMessage, case: Case) -> Any:
    """The entry, after seeing that it is in the place that its method asks for; None without one."""
    parts = [part for part in mail.walk() if part.get_content_type() in ("text/calendar", "application/ics")]
    if not parts:
        assert "agenda zit bij deze mail" not in words_of(mail)
        return None
    data = parts[0].get_payload(decode=True)
    assert isinstance(data, bytes)
    calendar = icalendar.Calendar.from_ical(data)
    method = str(calendar["METHOD"])
    inline = [part for part in parts if not part.get_content_disposition()]
    assert bool(inline) is (method != "PUBLISH") and len(parts) == 1 + len(inline)
    entry: Any = calendar.walk("VEVENT")[0]
    assert entry["SUMMARY"] == "Directeurendag (MKW Platform)"
    if method == "REQUEST":
        assert entry["X-MICROSOFT-DISALLOW-COUNTER"] == "TRUE"
    if method != "CANCEL" and entry["STATUS"] != "CANCELLED":
        assert entry["STATUS"] == ("TENTATIVE" if case.provisional else "CONFIRMED")
    return entry


def words_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())


@pytest.mark.parametrize("form", ["je", "u"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_mails_of_a_year(tmp_path: Path, case: Case, form: str) -> None:
    with ScriptedServer() as server:
        year = Year(tmp_path, server, case, form)
        for mailing, now in (("save-the-date", "2031-01-06T09:00"), ("invitation", "2031-01-20T09:00")):
            mails = year.send(mailing, now)
            assert set(mails) == EVERYONE
            for mail in mails.values():
                entry = entry_of(mail, case)
                assert entry is not None and "De afspraak voor" in words_of(mail)
                if case.method == "request":
                    assert entry["ATTENDEE"].params["PARTSTAT"] == "NEEDS-ACTION"
        year.write("In 2029 begon", "In 2019 begon")
        corrected = year.send("correction", "2031-01-22T09:00")
        assert set(corrected) == EVERYONE
        for mail in corrected.values():
            assert "Toelichting er stond: In 2029 begon het. moet zijn: In 2019 begon het." in words_of(mail)
        year.answer(COMES, "ja", "2031-01-25T09:00")
        year.answer(DECLINES, "nee", "2031-01-25T09:00")
        reminded = year.send("reminder", "2031-02-10T09:00")
        assert set(reminded) == EVERYONE - {COMES, DECLINES}

        year.write(*case.moved.split("="))
        updated = year.send("update", "2031-02-25T09:00")
        assert set(updated) == EVERYONE
        for address, mail in updated.items():
            entry, said = entry_of(mail, case), words_of(mail)
            assert (entry is None) is (address == DECLINES)
            assert "https://aanmelden" not in said, "the deadline has passed"
            assert ("De aanmelding is gesloten" in said) is (address not in (COMES, DECLINES))
            assert "wordt: vervalt" not in said
            if entry is not None and case.method == "request":
                assert entry["ATTENDEE"].params["RSVP"] == "TRUE", "the time has changed"

        practical = year.send("practical", "2031-03-05T09:00")
        assert set(practical) == {COMES}
        entry = entry_of(practical[COMES], case)
        assert entry is not None
        if case.method == "request":
            assert entry["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
            assert entry["ATTENDEE"].params["RSVP"] == "FALSE"
        if case.name == "online":
            assert str(entry["CONFERENCE"]) == entry["LOCATION"] == "https://vergadering.example.org/kamer"
        if case.name == "tweedaagse":
            assert entry["DTEND"].dt.timestamp() - entry["DTSTART"].dt.timestamp() == 24.5 * 3600, "the clock changed"

        for mailing, now in (("thanks", "2031-04-01T09:00"), ("fotos", "2031-04-07T09:00")):
            mails = year.send(mailing, now)
            assert COMES in mails
            assert all(entry_of(mail, case) is None for mail in mails.values()), "it is over"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_cancellation_says_nothing_of_signing_up(tmp_path: Path, case: Case) -> None:
    with ScriptedServer() as server:
        year = Year(tmp_path, server, case, "je")
        year.send("invitation", "2031-01-20T09:00")
        year.answer(DECLINES, "nee", "2031-01-25T09:00")
        cancelled = year.send("cancellation", "2031-02-01T09:00")
        assert set(cancelled) == EVERYONE
        for address, mail in cancelled.items():
            entry = entry_of(mail, case)
            assert (entry is None) is (address == DECLINES)
            if entry is not None:
                assert entry["STATUS"] == "CANCELLED"
                assert "aanmeld" not in str(entry.get("DESCRIPTION", "")).casefold() and "URL" not in entry
