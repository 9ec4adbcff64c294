"""The life of an event as its secretary runs it: changes, corrections and a cancellation, over real SMTP."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import icalendar

from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, Place, Ran, a_place

EVENT = "directeurendag-2020"
MINE = f"events/{EVENT}.yaml"
KIM, JAN, LOU = "kim@woonstede.example.org", "jan@dehaven.example.org", "lou@elf.example.org"

FILE = """\
id: directeurendag-2020
title: Directeurendag
starts: {starts}
ends: 2020-04-16 18:00
location: {{name: {place}, city: Utrecht}}
registration: {{url: "https://aanmelden.example.org/?lid={{code}}", deadline: {deadline}}}
calendar: {{method: {method}}}
mailings:
  invitation: {{send: 2020-02-17 09:00, text: "{text}"}}
  reminder: {{send: 2020-03-23 09:00}}
  practical: {{send: 2020-04-09 09:00}}
"""


class Life:
    """An event of which the file, the list and the day change."""

    def __init__(self, folder: Path, server: ScriptedServer, method: str = "publish") -> None:
        self.server = server
        self.place: Place = a_place(folder, server.port)
        for path in (folder / "events").iterdir():
            path.unlink()
        self.facts = {
            "starts": "2020-04-16 13:00",
            "place": "De Moestuin",
            "deadline": "2020-04-02",
            "method": method,
            "text": "Komt allen.",
        }
        self.change()

    def change(self, **facts: str) -> None:
        self.facts |= facts
        self.place.write(MINE, FILE.format(**self.facts))

    def run(self, *words: str, now: str = "2020-02-17T09:00") -> Ran:
        return self.place.run(*words, now=now)

    def send(self, mailing: str, *words: str, now: str = "2020-02-17T09:00") -> dict[str, EmailMessage]:
        """Send a mailing; what each address got."""
        before = len(self.server.taken)
        ran = self.run("send", EVENT, mailing, "--yes", *words, now=now)
        assert ran.code in (0, 75, 79, 80), (ran.out, ran.err)
        taken = self.server.taken[before:]
        mails = {each.recipients[0]: read(each.data) for each in taken}
        assert len(mails) == len(taken), "somebody was mailed twice"
        return mails

    def status(self, now: str) -> dict[str, Any]:
        return self.run("status", EVENT, "--json", now=now).json


def read(data: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def words_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())


def entry_of(mail: EmailMessage) -> tuple[str, Any]:
    (part,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    calendar = icalendar.Calendar.from_ical(part.get_content())
    (event,) = calendar.walk("VEVENT")

    return str(calendar["METHOD"]), event


def sequences(mails: dict[str, EmailMessage]) -> set[int]:
    return {int(entry_of(mail)[1]["SEQUENCE"]) for mail in mails.values()}


def test_an_update_goes_to_those_who_know_otherwise_and_says_what_changed(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        invited = life.send("invitation", "--limit", "3")
        assert sequences(invited) == {0}
        life.change(place="Het Wachthuis")
        checked = life.run("check", EVENT, now="2020-02-18T09:00")
        assert f"mkwmail send {EVENT} update" in checked.out + checked.err
        # The rest is invited with what is true now; they need no update.
        rest = life.send("invitation", now="2020-02-18T09:00")
        assert len(rest) == 2 and sequences(rest) == {1}
        updated = life.send("update", now="2020-02-18T10:00")
        assert set(updated) == set(invited) and sequences(updated) == {1}
        words = words_of(updated[KIM])
        assert "was: De Moestuin, Utrecht wordt: Het Wachthuis, Utrecht" in words
        assert updated[KIM]["Subject"].startswith("Wijziging: Directeurendag")
        assert {str(entry_of(mail)[1]["LOCATION"]) for mail in updated.values()} == {"Het Wachthuis, Utrecht"}
        assert not life.send("update", now="2020-02-18T11:00")
        assert life.status("2020-02-18T11:00")["outdated"] == []


def test_each_is_told_what_changed_for_them_and_a_change_back_is_a_change(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.send("invitation")
        life.change(starts="2020-04-16 13:30")
        first = life.send("update", "--limit", "2", now="2020-02-18T09:00")
        assert sequences(first) == {1}
        life.change(place="Het Wachthuis")
        second = life.send("update", now="2020-02-19T09:00")
        assert len(second) == len(PEOPLE) and sequences(second) == {2}
        for address, mail in second.items():
            assert ("13.00-18.00 uur" in words_of(mail)) is (address not in first)
            assert "wordt: Het Wachthuis, Utrecht" in words_of(mail)
        life.change(starts="2020-04-16 13:00", place="De Moestuin")
        third = life.send("update", now="2020-02-20T09:00")
        assert len(third) == len(PEOPLE) and sequences(third) == {3}
        assert "was: 13.30-18.00 uur wordt: 13.00-18.00 uur" in words_of(third[KIM])
        # A reminder changes nothing: the same version with a new stamp.
        reminded = life.send("reminder", now="2020-03-23T09:00")
        assert sequences(reminded) == {3}
        stamps = [entry_of(mails[KIM])[1]["DTSTAMP"].dt for mails in (third, reminded)]
        assert stamps[0] < stamps[1]


def test_a_change_that_was_never_mailed_and_is_taken_back_concerns_nobody(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.send("invitation")
        life.change(deadline="2020-04-05")
        assert len(life.status("2020-02-18T09:00")["outdated"]) == len(PEOPLE)
        life.change(deadline="2020-04-02")
        assert not life.send("update", now="2020-02-18T09:00")
        assert sequences(life.send("reminder", now="2020-03-23T09:00")) == {0}


def test_in_doubt_counts_as_told(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.send("invitation")
        life.change(place="Het Wachthuis")
        # The last of the list: nobody waits for another connection.
        server.on("DOT", "close", recipient=LOU)
        life.send("update", now="2020-02-18T09:00")
        again = life.run("send", EVENT, "update", "--yes", "--json", now="2020-02-18T10:00")
        assert [each["address"] for each in again.json["in_doubt"]] == [LOU]
        life.change(starts="2020-04-16 14:00")
        # It is not known if they read about the new place, so it is said again.
        words = words_of(life.send("update", now="2020-02-19T09:00")[LOU])
        assert "13.00-18.00 uur" in words and "was: De Moestuin" in words


def test_a_cancellation_goes_to_all_who_were_told_and_closes_the_event(tmp_path: Path) -> None:
    for number, (method, expected) in enumerate((("publish", "PUBLISH"), ("request", "CANCEL"))):
        with ScriptedServer() as server:
            life = Life(tmp_path / str(number), server, method)
            invited = life.send("invitation", "--limit", "4")
            assert {entry_of(mail)[0] for mail in invited.values()} == {method.upper()}
            life.run("answers", "set", EVENT, "Els", "ja", now="2020-02-18T09:00")
            life.place.members(*PEOPLE[1:])  # Kim left
            cancelled = life.send("cancellation", now="2020-03-12T09:00")
            assert set(cancelled) == set(invited) and KIM in cancelled
            assert next(iter(cancelled)).startswith("els@")
            for address, mail in cancelled.items():
                kind, entry = entry_of(mail)
                before = entry_of(invited[address])[1]
                assert (kind, entry["STATUS"], entry["SEQUENCE"]) == (expected, "CANCELLED", 1)
                assert entry["UID"] == before["UID"] and not entry.walk("VALARM")
                assert "Beste Kim" in words_of(mail) if address == KIM else True
            refused = life.run("send", EVENT, "practical", "--yes", now="2020-04-09T09:00")
            assert not server.taken[len(invited) + len(cancelled) :]
            assert "cancelled on 12 March 2020" in refused.out + refused.err
            assert not life.send("cancellation", now="2020-03-13T09:00")
            assert "Cancelled on 12 March 2020" in life.run("status", EVENT, now="2020-03-13T09:00").out
            life.place.write(
                "templates/cancellation.md", "---\nsubject: Gaat niet door\n---\n{{ salutation }}, sorry.\n"
            )
            corrected = life.send("correction", now="2020-03-13T10:00")
            assert set(corrected) == set(invited)
            assert {entry_of(mail)[0] for mail in corrected.values()} == {expected}
            assert {str(entry_of(mail)[1]["STATUS"]) for mail in corrected.values()} == {"CANCELLED"}


def test_a_correction_goes_to_those_with_the_wrong_text(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        wrong = life.send("invitation", "--limit", "3")
        life.change(text="Komt allen, ook partners.")
        right = life.send("invitation", now="2020-02-17T10:00")
        corrected = life.send("correction", now="2020-02-17T11:00")
        assert set(corrected) == set(wrong) and not set(wrong) & set(right)
        assert sequences(corrected) == {0}
        assert "onze uitnodiging" in words_of(corrected[KIM])
        assert not life.send("correction", now="2020-02-17T12:00")
        # Another text still: now it concerns everybody, once.
        life.change(text="Komt allen.")
        assert len(life.send("correction", now="2020-02-18T09:00")) == len(PEOPLE)
        assert not life.send("correction", now="2020-02-18T10:00")


def test_older_facts_are_no_wrong_text(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.send("invitation")
        life.change(place="Het Wachthuis")
        before = len(server.taken)
        refused = life.run("send", EVENT, "correction", "--yes", now="2020-02-18T09:00")
        assert refused.code == 65 and len(server.taken) == before
        assert "nothing in the text of invitation has changed" in refused.err
        assert f"mkwmail send {EVENT} update" in refused.err


def test_a_correction_shows_what_was_wrong_and_what_is_right(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.change(text="Komt allen. De dag kost 25 euro.")
        invited = life.send("invitation")
        life.change(text="Komt allen. De dag kost 35 euro.")
        corrected = life.send("correction", now="2020-02-18T09:00")
        assert set(corrected) == set(invited)
        said = words_of(corrected[KIM])
        assert "er stond: De dag kost 25 euro. moet zijn: De dag kost 35 euro." in said
        assert "Komt allen" not in said, "only what differs"


def test_those_with_an_earlier_text_are_named_with_the_command(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.change(text="De dag kost 25 euro.")
        count = len(life.send("invitation"))
        command = f"mkwmail send {EVENT} correction"
        for words in (("check", EVENT), ("send", EVENT, "invitation", "--yes"), ("status", EVENT), ()):
            assert command not in life.run(*words, now="2020-02-18T09:00").out
        life.change(text="De dag kost 35 euro.")
        for words in (("check", EVENT), ("send", EVENT, "invitation", "--yes"), ("status", EVENT), ()):
            ran = life.run(*words, now="2020-02-18T09:00")
            said = " ".join((ran.out + ran.err).split())
            assert command in said and "an earlier text" in said and "invitation" in said and str(count) in said, said
        told = life.status("2020-02-18T09:00")["earlier_text"]
        assert (told["mailing"], told["people"]) == ("invitation", count)
        life.send("correction", now="2020-02-18T10:00")
        assert life.status("2020-02-18T11:00")["earlier_text"] is None


def test_an_own_mailing_without_text_is_a_fault(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.place.write(MINE, FILE.format(**life.facts).rstrip() + "\n  fotos: {send: 2020-04-01 09:00}\n")
        ran = life.run("check", EVENT)
        assert ran.code == 65 and "fotos has no text" in ran.out + ran.err
        assert life.run("send", EVENT, "fotos", "--yes", now="2020-04-01T09:00").code == 65
        assert not server.taken
        life.place.write("templates/fotos.md", "---\nsubject: De foto’s\n---\n{{ salutation }}, kijk maar.\n")
        assert life.run("check", EVENT).code == 0


def test_a_correction_with_a_text_of_its_own_needs_no_difference(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        invited = life.send("invitation", "--limit", "3")
        own = "\n  correction:\n    text: De zaal was verkeerd genoemd in de bijlage.\n"
        life.place.write(MINE, FILE.format(**life.facts).rstrip() + own)
        corrected = life.send("correction", now="2020-02-18T09:00")
        assert set(corrected) == set(invited)
        assert "De zaal was verkeerd genoemd" in words_of(corrected[KIM])
        assert not life.send("correction", now="2020-02-19T09:00")


def test_the_method_of_the_entries_stays_what_it_was(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.send("invitation", "--limit", "1")
        life.change(method="request")
        for words in (("send", EVENT, "invitation", "--yes"), ("check", EVENT)):
            ran = life.run(*words, now="2020-02-18T09:00")
            assert ran.code == 65
            assert "calendar entries were sent with publish" in ran.out + ran.err
        assert len(server.taken) == 1


def test_a_general_command_picks_none_of_them(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        life.send("invitation")
        life.place.write(
            MINE,
            FILE.format(**{**life.facts, "place": "Het Wachthuis"})
            + "  update: {send: 2020-02-18 09:00, text: Nieuwe zaal.}\n  cancellation: {send: 2020-02-18 09:00}\n",
        )
        ran = life.run("send", EVENT, "--yes", now="2020-02-18T09:00")
        assert len(server.taken) == len(PEOPLE)
        assert "update" not in ran.out.split("planned")[0]


def test_what_changed_since_the_proof_is_said_before_sending(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        life = Life(tmp_path, server)
        assert "since the proof" not in life.run("send", EVENT, "invitation", "--dry-run").out
        assert life.run("proof", EVENT, "invitation", "voorzitter@example.net", "--yes").code == 0
        for words in (("schedule", EVENT, "--yes"), ("send", EVENT, "invitation", "--limit", "1", "--yes")):
            ran = life.run(*words, now="2020-02-17T10:00")
            said = ran.out + ran.err
            assert "nothing has changed since the proof of 17 February 2020 09:00 to voorzitter@example.net" in said
        life.change(text="Komt vooral.")
        for words in (("schedule", EVENT, "--yes"), ("send", EVENT, "invitation", "--limit", "1", "--yes")):
            ran = life.run(*words, now="2020-02-17T11:00")
            said = ran.out + ran.err
            assert "this has changed since the proof" in said and "Komt vooral." in said
