"""``due`` and ``schedule`` over the months of an event, against a real server, with a moved clock."""

import email
import email.policy
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.commands.context import Invocation
from mkwmail.commands.due import due as due_command
from mkwmail.commands.schedule import ScheduleOptions, outlook
from mkwmail.commands.schedule import schedule as schedule_command
from mkwmail.commands.send import SendOptions
from mkwmail.commands.send import send as send_command
from mkwmail.errors import UserError
from mkwmail.ledger import deliveries, people, responses, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Answer, State
from mkwmail.report.terminal import Terminal
from tests.delivery.office import StillClock
from tests.smtp_server import DROP, ScriptedServer
from tests.workplace import EVENT, PEOPLE, ROOT, Place, Ran, a_place

ID = "directeurendag-2020"
SECRETARY = "secretaris@example.org"
EVENT_FILE = f"events/{EVENT.name}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


class Office:
    """A working folder with its server, in which commands run in this process at a moment of choice."""

    def __init__(self, place: Place, server: ScriptedServer, capture: pytest.CaptureFixture[str]) -> None:
        self.place = place
        self.server = server
        self._capture = capture
        self._seen = 0

    def invocation(self, now: str) -> Invocation:
        return Invocation(self.place.folder, StillClock(moment(now)), True, Terminal())

    @property
    def handed(self) -> str:
        """The closing words of a run that mailed, since the clock is shifted."""
        return f"Mail was really handed to 127.0.0.1:{self.server.port}, which may deliver it."

    def due(self, now: str, json: bool = False) -> Ran:
        return self._ran(lambda: due_command(self.invocation(now), json=json))

    def schedule(self, now: str, *mailings: str, withdraw: bool = False, event: str = ID) -> Ran:
        requests = ScheduleOptions(yes=not withdraw, withdraw=withdraw)
        return self._ran(lambda: schedule_command(self.invocation(now), event, mailings, requests))

    def send(self, now: str, mailing: str, limit: int | None = None, json: bool = False) -> Ran:
        wishes = SendOptions(yes=True, limit=limit, json=json)
        return self._ran(lambda: send_command(self.invocation(now), ID, mailing, wishes))

    def _ran(self, command: object) -> Ran:
        self._capture.readouterr()
        try:
            code = int(command())  # type: ignore[operator]
        except UserError as error:
            code = int(error.code)
            print("; ".join(map(str, error.faults)), file=sys.stderr)
        out, err = self._capture.readouterr()
        return Ran(code, out, err)

    def ledger(self) -> Ledger:
        folder = self.place.folder
        from mkwmail.ledger.runs import this_computer

        start = moment("2020-01-01T00:00")
        return Ledger.open(folder / "mkwmail-test.db", folder / "mkwmail-test.id", start, this_computer())

    def answer(self, name: str, answer: str, now: str) -> None:
        with self.ledger() as ledger:
            person = next(each.key for each in people.persons(ledger.database) if each.name.startswith(name))
            responses.record_answers(ledger.database, ID, [Answer(person, answer, "said", moment(now))], moment(now))

    def edit(self, old: str, new: str) -> None:
        path = self.place.folder / EVENT_FILE
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def new_mails(self) -> list[EmailMessage]:
        """Return the mails that came since the last call."""
        taken, self._seen = self.server.taken[self._seen :], len(self.server.taken)
        return [email.message_from_bytes(each.data, policy=email.policy.default) for each in taken]

    def to_members(self) -> list[str]:
        """Whom the new mails to members are to."""
        return sorted(address for mail in self.new_mails() if (address := _address(mail)) != SECRETARY)

    def to_secretary(self) -> list[str]:
        """The new mails to the secretary."""
        return [mail.get_content() for mail in self.new_mails() if _address(mail) == SECRETARY]


def _address(mail: EmailMessage) -> str:
    return str(mail["To"].addresses[0].addr_spec)


def addresses(*names: str) -> list[str]:
    rows = [person.split(";") for person in PEOPLE]
    return sorted(row[3] for row in rows if not names or row[0] in names)


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    with ScriptedServer() as server:
        yield Office(a_place(tmp_path, server.port), server, capsys)


SILENT = Ran(0, "", "")


def test_without_approval_nothing_goes_and_nothing_is_said(office: Office) -> None:
    assert office.due("2020-02-17T09:00") == SILENT
    assert office.server.connections == 0


def test_the_months_of_an_event(office: Office) -> None:
    assert office.schedule("2020-01-10T10:00").code == 0
    assert office.due("2020-01-10T10:30") == SILENT
    assert office.due("2020-01-20T07:30").code == 0
    went = office.due("2020-01-20T09:00")
    assert (went.code, went.out) == (0, f"{ID}: save-the-date: 5 mails sent\n{office.handed}\n")
    assert went.err.count("\n") == 1 and office.handed.replace("was", "is") in went.err
    assert office.to_members() == addresses()
    assert office.due("2020-01-20T09:30") == SILENT
    # The machine was off until the 19th of February: it catches up.
    assert f"{ID}: invitation: 5 mails sent" in office.due("2020-02-19T11:00").out
    assert office.to_members() == addresses()
    office.answer("Kim", "attending", "2020-03-10T12:00")
    office.answer("Jan", "declined", "2020-03-11T12:00")
    assert office.due("2020-03-22T06:30") == SILENT
    eve = office.due("2020-03-22T08:30")
    assert "3 mails of reminder are sent tomorrow at 09:00; the last answers are from 11 March 2020" in eve.err
    (mail,) = office.to_secretary()
    assert "Morgen om 9.00 uur gaat de herinnering voor Directeurendag uit: 3 mails." in mail
    assert "De laatste aanmeldingen zijn ingelezen op woensdag 11 maart." in mail
    assert office.due("2020-03-22T09:00") == SILENT
    office.answer("Els", "attending", "2020-03-23T08:00")
    office.due("2020-03-23T09:00")
    assert office.to_members() == addresses("Zoë", "Lou")
    office.due("2020-04-09T09:00")
    assert office.to_members() == addresses("Kim", "Els")
    office.due("2020-04-20T09:00")
    assert office.to_members() == addresses("Kim", "Els")
    assert office.due("2020-06-20T09:00") == SILENT
    counts = Counter((mail["Subject"], _address(mail)) for mail in map(_parsed, office.server.taken))
    assert set(counts.values()) == {1}


def _parsed(taken: object) -> EmailMessage:
    data: bytes = getattr(taken, "data")  # noqa: B009
    return email.message_from_bytes(data, policy=email.policy.default)


def test_a_timers_mails_say_so(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.due("2020-02-17T09:00")
    assert {mail["Auto-Submitted"] for mail in office.new_mails()} == {"auto-generated"}


@pytest.mark.parametrize("now", ["2020-02-17T07:59", "2020-02-17T20:00", "2020-02-22T12:00", "2020-02-23T12:00"])
def test_nothing_goes_outside_the_hours_and_the_exit_code_says_that_some_wait(office: Office, now: str) -> None:
    office.edit("2020-02-17 09.00", "2020-02-17 07.00")
    office.schedule("2020-02-10T10:00", "invitation")
    assert office.due(now) == Ran(75, "", "")
    assert office.server.connections == 0
    assert office.due("2020-02-24T08:00").code == 0
    assert office.to_members() == addresses()


def test_nothing_goes_on_a_public_holiday(office: Office) -> None:
    office.edit("2020-04-09 09.00", "2020-04-13 09.00")  # Easter Monday
    office.edit("deadline: 2020-04-02", "deadline: 2020-04-10")
    office.send("2020-02-17T09:00", "invitation")
    office.answer("Kim", "attending", "2020-03-10T12:00")
    office.schedule("2020-04-10T10:00", "practical")
    office.new_mails()
    assert office.due("2020-04-13T12:00").code == 75
    assert office.due("2020-04-14T08:00").code == 0
    assert office.to_members() == addresses("Kim")


def test_changed_since_approval_is_not_sent_and_what_changed_is_reported_once_a_day(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.edit("Laan van Maarschalkerweerd 2", "Kerkstraat 1")
    noticed = office.due("2020-02-10T10:30")
    assert noticed.code == 78
    assert "invitation was changed since it was approved, and is not sent" in noticed.err
    assert "Kerkstraat 1" in noticed.err
    assert f"mkwmail schedule {ID} invitation" in noticed.err
    (mail,) = office.to_secretary()
    assert "Dit gaat niet uit: de uitnodiging voor Directeurendag. Sinds de goedkeuring is er iets veranderd" in mail
    assert office.due("2020-02-10T11:00") == Ran(78, "", "")
    assert office.due("2020-02-11T03:00") == Ran(78, "", "")
    assert "changed since" in office.due("2020-02-11T08:00").err
    assert office.due("2020-02-17T09:00").code == 78
    assert office.to_members() == []
    shown = office.schedule("2020-02-17T09:20", "invitation")
    assert "CHANGED since" in shown.out and shown.code == 0
    assert office.due("2020-02-17T09:30").code == 0
    assert office.to_members() == addresses()
    assert office.due("2020-02-18T09:30") == SILENT


def test_a_template_or_an_attachment_counts_as_the_text_does(office: Office) -> None:
    (office.place.folder / "events" / "essay.pdf").write_bytes(b"%PDF-1.4 one")
    office.edit("    send: 2020-02-17 09.00", "    send: 2020-02-17 09.00\n    attachments: [essay.pdf]")
    office.schedule("2020-02-10T10:00", "invitation")
    (office.place.folder / "events" / "essay.pdf").write_bytes(b"%PDF-1.4 two")
    office.place.write("templates/signature.md", "Groet\n")
    told = office.due("2020-02-17T09:00")
    assert told.code == 78
    assert "essay.pdf has changed" in told.err and "templates/signature.md has changed" in told.err
    assert office.to_members() == []


def test_one_change_of_several_mailings_is_reported_once_and_shortly(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "save-the-date", "invitation", "reminder", "thanks")
    office.edit("Laan van Maarschalkerweerd 2", "Kerkstraat 1")
    told = office.due("2020-02-17T09:00")
    assert told.err.count("Kerkstraat 1") == 1 and f"mkwmail schedule {ID} invitation reminder thanks" in told.err
    (mail,) = office.to_secretary()
    assert "de uitnodiging voor Directeurendag, de herinnering voor Directeurendag en de bedankmail" in mail
    assert len(mail.splitlines()) < 15
    office.schedule("2020-02-17T09:10", "thanks")
    assert office.due("2020-02-17T09:30") == Ran(78, "", "")
    office.edit("Kerkstraat 1", "Kerkstraat 3")
    assert "Kerkstraat 3" in office.due("2020-02-17T10:00").err


def test_withdrawn_does_not_go(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.schedule("2020-02-11T10:00", "invitation", withdraw=True)
    assert office.due("2020-02-17T09:00") == SILENT


def test_what_is_missed_is_reported_and_never_sent_late(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    missed = office.due("2020-04-03T08:30")
    assert missed.code == 80
    assert "5 mails of invitation were not sent before its latest moment, end of 2 April 2020" in missed.err
    assert office.to_members() == []
    assert office.due("2020-04-03T09:00") == Ran(80, "", "")
    assert "were not sent" in office.due("2020-04-04T09:00").err
    office.schedule("2020-04-04T10:00", "invitation", withdraw=True)
    assert office.due("2020-04-05T09:00") == SILENT


def test_what_was_missed_is_not_told_for_ever(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    assert office.due("2020-04-03T08:30").code == 80
    assert office.due("2020-04-10T09:30") == SILENT


def latest_within_the_run(office: Office) -> None:
    """Three go at 9.00 and two a minute later, when it is too late."""
    office.edit("    send: 2020-02-17 09.00", "    send: 2020-02-17 09.00\n    latest: 2020-02-17 09.01")
    office.place.settings(office.server.port, "pace: {per_minute: 3}\n")


def test_a_latest_moment_that_passes_within_the_run_is_80_and_names_who_was_too_late(office: Office) -> None:
    latest_within_the_run(office)
    ran = office.send("2020-02-17T09:00:30", "invitation")
    assert ran.code == 80
    assert office.to_members() == addresses("Kim", "Jan", "Els")
    assert "3 mails sent, 2 too late." in ran.out and "waiting" not in ran.out
    assert "too late: the latest moment of invitation was 17 February 2020 09:01" in ran.out
    assert "not sent before its latest moment, 17 February 2020" in ran.out
    assert all(f"<{address}>" in ran.out for address in addresses("Zoë", "Lou"))
    # Nothing goes after it, and the exit code stays.
    assert office.send("2020-02-17T09:05", "invitation").code == 80
    assert office.to_members() == []


def test_members_who_were_too_late_are_in_the_document_of_send(office: Office) -> None:
    latest_within_the_run(office)
    document = json.loads(office.send("2020-02-17T09:00:30", "invitation", json=True).out)
    assert (document["planned"], document["sent"], document["waiting"]) == (5, 3, 0)
    assert document["deferred"] == document["refused"] == document["in_doubt"] == []
    late = {each["address"]: each["reason"] for each in document["skipped"]}
    assert late == dict.fromkeys(addresses("Zoë", "Lou"), "not sent before its latest moment, 17 February 2020")
    assert "later moment" in document["faults"][0]["remedy"]


def test_one_that_was_put_off_is_too_late_when_the_run_ends_after_the_latest_moment(office: Office) -> None:
    latest_within_the_run(office)
    late = addresses("Kim")[0]
    office.server.on("RCPT", "451 4.7.1 later", recipient=late)
    ran = office.send("2020-02-17T09:00:30", "invitation")
    assert ran.code == 80
    assert "2 mails sent, 3 too late." in ran.out and f"<{late}>" in ran.out


def test_a_latest_moment_that_passes_while_due_runs_is_reported_at_once(office: Office) -> None:
    latest_within_the_run(office)
    office.schedule("2020-02-10T10:00", "invitation")
    ran = office.due("2020-02-17T09:00:30")
    assert ran.code == 80
    assert ran.out == f"{ID}: invitation: 3 mails sent, 2 too late\n{office.handed}\n"
    sentence = "2 mails of invitation were not sent before its latest moment, 17 February 2020 09:01: "
    assert f"{sentence}Zoë Ruiter, Lou 't Hart" in ran.err
    assert office.to_members() == addresses("Kim", "Jan", "Els")
    assert office.due("2020-02-17T09:05") == Ran(80, "", "")
    assert office.to_members() == []
    with office.ledger() as ledger:
        states = {each.address: each.state for each in deliveries.of_event(ledger.database, ID)}
    assert [states[address] for address in addresses("Zoë", "Lou")] == [State.EXPIRED] * 2


def test_a_mailing_whose_latest_moment_passes_while_due_sends_another_is_reported_at_once(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.edit("    send: 2020-02-17 09.00", "    send: 2020-02-17 09.00\n    latest: 2020-02-17 09.02")
    other = EVENT.read_text(encoding="utf-8").replace(ID, "najaarsdag-2020")
    other = other.replace("    send: 2020-02-17 09.00", "    send: 2020-02-17 08.30")
    office.place.write("events/najaar.yaml", other)
    office.place.settings(office.server.port, "pace: {per_minute: 1}\n")
    office.schedule("2020-02-10T10:00", "invitation")
    office.schedule("2020-02-10T10:00", "invitation", event="najaarsdag-2020")
    ran = office.due("2020-02-17T09:00")
    assert ran.code == 80
    assert ran.out == f"najaarsdag-2020: invitation: 5 mails sent\n{office.handed}\n"
    assert f"{ID}: 5 mails of invitation were not sent before its latest moment" in ran.err


def test_who_joins_after_the_latest_moment_was_not_missed(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.due("2020-02-17T09:00")
    assert office.due("2020-04-03T00:00") == SILENT
    office.place.members(*PEOPLE, "Bo;;Blok;bo@example.org;Elf;lid")
    assert office.due("2020-04-03T09:00") == SILENT


def test_deferred_ones_are_tried_again_with_the_same_bytes(office: Office) -> None:
    late = addresses()[0]
    office.server.on("DOT", "451 4.7.1 later", recipient=late, times=1)
    office.schedule("2020-02-10T10:00", "invitation")
    first = office.due("2020-02-17T09:00")
    assert (first.code, first.out) == (75, f"{ID}: invitation: 4 mails sent, 1 deferred\n{office.handed}\n")
    assert office.due("2020-02-17T09:20") == Ran(75, "", "")
    assert office.due("2020-02-17T09:30").code == 0
    bodies = [each.data for each in office.server.taken if late in each.recipients]
    assert len(bodies) == 2 and bodies[0] == bodies[1]


def test_what_a_person_sent_is_tried_again_too(office: Office) -> None:
    office.server.on("RCPT", "451 4.7.1 later", recipient=addresses()[0], times=1)
    assert office.send("2020-01-12T21:00", "invitation").code == 75
    office.new_mails()
    assert office.due("2020-01-13T08:00").code == 0
    assert office.to_members() == addresses()[:1]
    # A member who joins gets it too: a confirmed mailing stays open until its latest moment.
    office.place.members(*PEOPLE, "Bo;;Blok;bo@example.org;Elf;lid")
    office.due("2020-01-13T09:00")
    assert office.to_members() == ["bo@example.org"]


def test_after_a_limited_send_nobody_else_is_mailed(office: Office) -> None:
    office.send("2020-02-17T09:00", "invitation", limit=2)
    assert office.due("2020-02-17T09:30") == SILENT
    assert len(office.server.taken) == 2


def test_many_who_joined_wait_for_a_person_and_the_others_go(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    more = [f"A{number};;Nieuw;a{number}@example.org;Org {number};lid" for number in range(6)]
    office.place.members(*PEOPLE, *more)
    waits = office.due("2020-02-17T09:00")
    assert waits.code == 78 and "6 mails of invitation wait for your approval" in waits.err
    assert office.to_members() == addresses()
    office.schedule("2020-02-17T09:10", "invitation")
    assert office.due("2020-02-17T09:30").code == 0
    assert len(office.to_members()) == 6


def test_a_list_that_lost_many_waits_for_a_person(office: Office) -> None:
    more = [f"A{number};;Nieuw;a{number}@example.org;Org {number};lid" for number in range(6)]
    office.place.members(*PEOPLE, *more)
    office.schedule("2020-02-10T10:00", "invitation")
    office.place.members(*PEOPLE)
    lost = office.due("2020-02-17T09:00")
    assert lost.code == 78 and "6 members have left the list" in lost.err
    assert office.to_members() == []


def test_a_corrected_address_is_no_new_member(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.due("2020-02-17T09:00")
    office.new_mails()
    office.place.members(*(row.replace("kim@woonstede", "kim.verbeek@woonstede") for row in PEOPLE))
    assert office.due("2020-02-17T10:00") == SILENT
    assert office.to_members() == []


def test_a_row_that_has_a_colleagues_address_now_is_told_once(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.due("2020-02-17T09:00")
    office.new_mails()
    own, other = (row.split(";")[3] for row in PEOPLE[:2])
    office.place.members(*(row.replace(own, other) for row in PEOPLE))
    said = office.due("2020-02-17T10:00")
    assert f"gets no mail of their own: Kim Verbeek ({other}, was {own})" in said.out + said.err
    (mail,) = office.new_mails()
    assert _address(mail) == SECRETARY and "nu het adres van een ander lid (Kim Verbeek)" in mail.get_content()
    assert "no mail of their own" not in str(office.due("2020-02-18T10:00"))


def test_the_invitation_makes_an_overdue_save_the_date_pointless(office: Office) -> None:
    office.schedule("2020-01-10T10:00")
    went = office.due("2020-02-20T10:00")
    assert f"{ID}: invitation: 5 mails sent" in went.out and "save-the-date:" not in went.out
    assert "save-the-date is left out, because invitation is due" in went.err
    (mail,) = [mail for mail in office.to_secretary()]
    assert "De vooraankondiging voor Directeurendag is overgeslagen" in mail
    assert office.due("2020-02-20T10:30") == SILENT


def test_a_reminder_does_not_go_right_behind_its_invitation(office: Office) -> None:
    office.schedule("2020-01-10T10:00", "invitation", "reminder")
    went = office.due("2020-03-24T10:00")
    assert went.code == 0 and f"{ID}: invitation: 5 mails sent" in went.out
    assert "reminder is not sent so soon after invitation" in went.err
    office.new_mails()
    assert office.due("2020-03-25T10:00") == SILENT
    office.answer("Kim", "declined", "2020-03-26T10:00")
    assert office.due("2020-03-27T10:00").code == 0
    assert office.to_members() == addresses("Jan", "Els", "Zoë", "Lou")


def test_a_server_that_refuses_the_run_is_reported_and_mailed_about_only_when_it_is_back(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.server.on("MAIL", "554 5.2.0 quota", times=4)
    stopped = office.due("2020-02-17T09:00")
    assert stopped.code == 69 and "sent as much as it may" in stopped.err
    assert "could not be notified by mail" in stopped.err
    assert office.due("2020-02-17T09:30") == Ran(69, "", "")
    assert office.due("2020-02-17T10:00").code == 0
    assert office.to_members() == addresses()


def test_the_secretary_and_a_deputy_are_each_told_in_a_mail_of_their_own(office: Office) -> None:
    settings = office.place.folder / "mkwmail.yaml"
    kept = settings.read_text(encoding="utf-8")
    settings.write_text(kept + f"report_to: [{SECRETARY}, deputy@example.org, {SECRETARY}]\n", encoding="utf-8")
    office.schedule("2020-02-10T10:00", "invitation")
    office.edit("Laan van Maarschalkerweerd 2", "Kerkstraat 1")
    # One of them cannot be reached: that is said, and the other is told once a day all the same.
    office.server.on("RCPT", "550 5.1.1 unknown", recipient="deputy@example.org", times=1)
    noticed = office.due("2020-02-10T10:30")
    assert noticed.code == 78 and "deputy@example.org could not be notified by mail" in noticed.err
    assert f"{SECRETARY} could not be notified" not in noticed.err
    assert [_address(mail) for mail in office.new_mails()] == [SECRETARY]
    assert office.due("2020-02-10T11:00") == Ran(78, "", "")
    assert office.new_mails() == []
    assert office.due("2020-02-11T08:00").code == 78
    mails = office.new_mails()
    assert [[each.addr_spec for each in mail["To"].addresses] for mail in mails] == [
        [SECRETARY],
        ["deputy@example.org"],
    ]
    assert mails[0]["Message-ID"] != mails[1]["Message-ID"]


def test_in_doubt_and_refused_are_reported_until_somebody_decides(office: Office) -> None:
    doubtful, refused = addresses("Kim")[0], addresses("Lou")[0]
    office.server.on("DOT", DROP, recipient=doubtful, times=1)
    office.server.on("RCPT", "550 5.1.1 unknown", recipient=refused)
    office.schedule("2020-02-10T10:00", "invitation")
    told = office.due("2020-02-17T09:00")
    assert told.code == 79
    assert "is in doubt: Kim Verbeek" in told.err and "was refused: Lou 't Hart" in told.err
    assert office.due("2020-02-17T09:30") == Ran(79, "", "")
    assert office.server.bodies_of(doubtful) == 1
    assert office.due("2020-04-03T09:30").code == 0, "nothing can be done any more"


def test_a_cancellation_is_never_sent_by_a_timer(office: Office) -> None:
    office.send("2020-02-17T09:00", "invitation")
    late = addresses()[0]
    office.server.on("RCPT", "451 4.7.1 later", recipient=late, times=1)
    assert office.send("2020-03-10T09:00", "cancellation").code == 75
    office.new_mails()
    told = office.due("2020-03-10T10:00")
    assert told.code == 75 and f"mkwmail send {ID} cancellation" in told.err
    assert office.to_members() == []
    refused = office.schedule("2020-03-10T10:10", "cancellation")
    assert refused.code == 2 and "is never sent automatically" in refused.err


def test_faulty_files_are_reported_and_hurt_nobody_else(office: Office) -> None:
    other = EVENT.read_text(encoding="utf-8").replace(ID, "najaarsdag-2020")
    office.place.write("events/najaar.yaml", other)
    office.schedule("2020-02-10T10:00", "invitation")
    office.place.write("events/najaar.yaml", "title: [\n")
    assert office.due("2020-02-10T11:00") == SILENT, "nothing of it was approved"
    office.place.write(EVENT_FILE, "id: directeurendag-2020\nstarts: nooit\n")
    told = office.due("2020-02-17T09:00")
    assert told.code == 65 and "its file is faulty" in told.err and "events/" in told.err
    (office.place.folder / EVENT_FILE).unlink()
    gone = office.due("2020-02-17T09:30")
    assert gone.code == 78 and "its file is gone" in gone.err
    office.place.members("Kim;;Verbeek;kim@@x;Org;lid")
    listed = office.due("2020-02-17T10:00")
    assert listed.code == 65 and "the member list is faulty" in listed.err
    office.place.write("mkwmail.yaml", "sender: {name: x\n")
    settings = office.due("2020-02-17T10:30")
    assert settings.code in (65, 78) and "the settings are faulty" in settings.err
    assert office.due("2020-02-17T11:00").err == ""


def test_two_files_with_one_id_are_reported(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    office.place.write("events/kopie.yaml", EVENT.read_text(encoding="utf-8"))
    told = office.due("2020-02-17T09:00")
    assert told.code == 65 and 'two files have the id "directeurendag-2020"' in told.err
    assert office.to_members() == []


def test_another_computer_sends_nothing(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    with office.ledger() as ledger:
        ledger.adopt("elsewhere")
    told = office.due("2020-02-17T09:00")
    assert told.code == 78 and "another computer" in told.err
    assert office.due("2020-02-17T09:30") == Ran(78, "", "")
    assert office.to_members() == []


def test_a_run_that_meets_another_is_silent_for_an_hour(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    with office.ledger() as ledger, ledger.hold("send directeurendag-2020", moment("2020-02-17T09:00")):
        assert office.due("2020-02-17T09:30") == Ran(73, "", "")
        told = office.due("2020-02-17T10:30")
        assert told.code == 73 and "another run holds the ledger" in told.err
        assert office.due("2020-02-17T11:00") == Ran(73, "", "")
    assert office.due("2020-02-17T11:30").code == 0
    assert office.to_members() == addresses()


def test_an_event_copied_with_its_old_id_is_asked_about(office: Office) -> None:
    office.send("2020-02-17T09:00", "invitation")
    text = EVENT.read_text(encoding="utf-8").replace("2020-", "2021-").replace(f"id: {ID[:-4]}2021", f"id: {ID}")
    office.place.write(EVENT_FILE, text.replace("directeurendag-2021", ID))
    for ran in (office.schedule("2021-01-10T10:00"), office.send("2021-02-17T09:00", "invitation")):
        assert ran.code == 78
        assert "was mailed about as an event on 16 April 2020" in ran.err and "mkwmail new" in ran.err
    told = office.due("2021-02-17T09:00")
    assert told.code in (0, 78)
    assert len(office.server.taken) == len(addresses())


def test_json_is_the_only_thing_on_standard_output(office: Office) -> None:
    office.schedule("2020-02-10T10:00", "invitation")
    ran = office.due("2020-02-17T09:00", json=True)
    document = ran.json
    assert office.handed in ran.err
    assert document["mailings"] == [
        {"event": ID, "mailing": "invitation", "sent": 5, "deferred": 0, "waiting": 0, "refused": 0, "in_doubt": 0}
    ]
    assert document["matters"] == []


def test_the_outlook_says_what_thirty_days_bring(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.schedule("2020-01-10T10:00", "save-the-date", "invitation")
    office.edit("    send: 2020-02-17 09.00", "    send: 2020-02-15 09.00")
    capsys.readouterr()
    assert outlook(office.invocation("2020-01-18T10:00")) == 0
    shown = capsys.readouterr().out
    assert "20-01-2020 09:00" in shown and "17-02-2020 08:00" in shown
    assert "CHANGED since" in shown and f"mkwmail schedule {ID} invitation" in shown and "reminder" not in shown
    outlook(office.invocation("2020-01-18T10:00"), json=True)
    first, second = json.loads(capsys.readouterr().out)["mailings"]
    assert (first["mailing"], first["planned"], first["approved"]) == ("save-the-date", 5, True)
    assert (second["mailing"], second["approved"]) == ("invitation", False)
    assert office.server.connections == 0


def test_approval_composes_everything_so_that_no_fault_waits_for_its_moment(office: Office) -> None:
    office.place.write("templates/thanks.md", "---\nsubject: Dank\n---\n{{ membr.name }}\n")
    refused = office.schedule("2020-02-10T10:00")
    assert refused.code == 65 and "membr" in refused.err
    with office.ledger() as ledger:
        assert rounds.scheduled(ledger.database) == ()


def test_the_real_program_works_with_an_empty_environment(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.run("schedule", ID, "invitation", "--yes", now="2020-02-10T10:00").code == 0
        needed = ("MKWMAIL_NOW=2020-02-17T09:00", f"PYTHONPATH={ROOT}", f"MKWMAIL_STATE={tmp_path / '.state'}")
        bare = ["/usr/bin/env", "-i", *needed, *place.command("due")]
        done = subprocess.run(bare, capture_output=True, stdin=subprocess.DEVNULL, cwd="/", timeout=60, check=False)
        assert (done.returncode, done.stderr.count(b"\n")) == (0, 1), done.stderr
        assert b"invitation: 5 mails sent" in done.stdout
        again = subprocess.run(bare, capture_output=True, stdin=subprocess.DEVNULL, cwd="/", timeout=60, check=False)
        assert (again.returncode, again.stdout, again.stderr) == (0, b"", b"")
        assert sorted(each.recipients[0] for each in server.taken if SECRETARY not in each.recipients) == addresses()


def test_half_hours_over_the_night_that_loses_an_hour_with_a_server_that_greylists(office: Office) -> None:
    office.edit("2020-03-23 09.00", "2020-03-30 08.00")
    office.send("2020-02-17T09:00", "invitation")
    office.answer("Kim", "attending", "2020-03-01T10:00")
    office.schedule("2020-03-01T11:00", "reminder")
    for address in addresses():
        office.server.on("RCPT", "451 4.7.1 greylisted, come back later", recipient=address, times=1)
    office.new_mails()
    codes: dict[str, int] = {}
    connected = []
    now = moment("2020-03-28T20:00").astimezone(UTC)
    while now < moment("2020-03-31T00:00"):
        text = now.astimezone(ZONE).replace(tzinfo=None).isoformat()
        before = office.server.connections
        codes[text] = office.due(text).code
        if office.server.connections > before:
            connected.append(text)
        now += timedelta(minutes=30)
    assert "2020-03-29T02:30:00" not in codes and len(codes) == 102
    # The eve's word to the secretary, the first try, and the one that the server asked for.
    assert connected == ["2020-03-29T08:00:00", "2020-03-30T08:00:00", "2020-03-30T08:30:00"]
    assert {text for text, code in codes.items() if code} == {"2020-03-30T08:00:00"}
    assert office.to_members() == addresses("Jan", "Els", "Zoë", "Lou")


def test_check_says_what_was_changed_since_it_was_approved(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert place.run("schedule", ID, "reminder", "--yes", now="2020-02-10T10:00").code == 0
    assert "is not sent automatically" not in place.run("check", ID, now="2020-02-10T10:10").out
    place.write("templates/signature.md", "Groet\n")
    checked = place.run("check", ID, now="2020-02-10T10:20")
    assert checked.code == 0 and f"mkwmail schedule {ID} reminder" in checked.out
    assert "reminder was approved, and is not sent automatically now: templates/signature.md has changed" in checked.out


def test_the_desk_and_status_say_when_due_last_ran(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert "mkwmail due" not in place.run(now="2020-02-10T10:00").out
    place.run("schedule", ID, "reminder", "--yes", now="2020-02-10T10:00")
    assert "`mkwmail due` has never run" in place.run(now="2020-02-10T10:00").out
    assert place.run("due", now="2020-02-11T10:30").code == 0
    for words in ((), ("status",), ("status", ID)):
        assert "`mkwmail due` last ran on 11 February 2020 at 10:30" in place.run(*words, now="2020-02-12T09:00").out


def test_nobody_at_the_keyboard_approves_nothing(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = place.run("schedule", ID, now="2020-02-10T10:00")
    assert ran.code == 78 and "invitation" in ran.out and "--yes" in ran.err
