"""An event's id or a mailing's name changed after mailing: said, asked about, held, and nobody mailed twice."""

import email
import email.policy
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import EVENT as FILE
from tests.workplace import PEOPLE, Place, Ran, a_place

OLD, NEW = "directeurendag-2020", "directeurendag-april"
LATER = "2020-02-24T09:00"
ADDRESSES = sorted(person.split(";")[3] for person in PEOPLE)
SECRETARY = "secretaris@example.org"

at_a_keyboard = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


@dataclass(frozen=True, slots=True)
class Office:
    """A working folder of which the invitation went to all five."""

    place: Place
    server: ScriptedServer

    @property
    def file(self) -> Path:
        return self.place.folder / "events" / FILE.name

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def rename_event(self) -> None:
        self.edit(f"id: {OLD}", f"id: {NEW}")

    def copy(self, name: str, *edits: tuple[str, str]) -> None:
        text = self.file.read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new, 1)
        self.place.write(f"events/{name}", text)

    def run(self, *words: str, now: str = LATER) -> Ran:
        return self.place.run(*words, now=now)

    def typed(self, *words: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
        return typed(self.place.command(*words), self.place.environment(LATER), self.place.folder, answers)

    def mailed(self) -> Counter[str]:
        """How many mails each member got."""
        every = Counter(each.recipients[0] for each in self.server.taken)
        del every[SECRETARY]
        return every

    def told_secretary(self) -> list[str]:
        mails = [each.data for each in self.server.taken if each.recipients == (SECRETARY,)]
        return [email.message_from_bytes(data, policy=email.policy.default).get_content() for data in mails]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send().json["sent"] == 5
        yield Office(place, server)


ONCE = Counter(dict.fromkeys(ADDRESSES, 1))
TWICE = Counter(dict.fromkeys(ADDRESSES, 2))
SAME_EVENT = f"{OLD} was mailed to 5 members, last on 17 February 2020, and no event file has that id any more"
SAME_MAILING = "invitation was mailed to 5 members, last on 17 February 2020, and is not in this file any more"


@pytest.mark.parametrize("mailing", ["invitation", "save-the-date", "reminder", "cancellation", "update"])
def test_a_changed_id_is_noticed_by_title_day_and_people(office: Office, mailing: str) -> None:
    office.rename_event()
    sent = office.run("send", NEW, mailing, "--yes")
    assert sent.code == 78
    assert f"events/{FILE.name}: {SAME_EVENT}" in sent.err
    assert f"put the id back: id: {OLD}" in sent.err and f"`mkwmail send {NEW}`" in sent.err
    assert office.mailed() == ONCE


def test_check_and_a_dry_run_say_so_once(office: Office) -> None:
    office.rename_event()
    checked = office.run("check", NEW)
    assert checked.code == 0 and checked.out.count(SAME_EVENT) == 1
    (warning,) = [each for each in office.run("check", NEW, "--json").json["warnings"] if OLD in each["fault"]]
    assert warning["place"] == f"events/{FILE.name}" and f"id: {OLD}" in warning["remedy"]
    dry = office.run("send", NEW, "invitation", "--dry-run")
    assert dry.code == 0 and SAME_EVENT in dry.out


def test_with_the_id_put_back_all_is_as_it_was(office: Office) -> None:
    office.rename_event()
    assert office.run("schedule", NEW, "reminder", "--yes").code == 78
    office.edit(f"id: {NEW}", f"id: {OLD}")
    again = office.run("send", OLD, "invitation", "--yes")
    assert again.code == 0 and "everybody already had the invitation" in again.out
    assert "was mailed to" not in office.run("check", OLD).out
    assert office.mailed() == ONCE


def test_also_when_the_run_had_reached_a_few_only(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        office = Office(a_place(tmp_path, server.port), server)
        assert office.place.send("--limit", "1").json["sent"] == 1
        office.rename_event()
        sent = office.run("send", NEW, "invitation", "--yes")
        assert sent.code == 78 and f"{OLD} was mailed to 1 member," in sent.err
        assert sum(office.mailed().values()) == 1


def test_also_when_the_day_was_moved_along(office: Office) -> None:
    office.rename_event()
    office.edit("starts: 2020-04-16 13.00", "starts: 2020-05-07 13.00")
    office.edit("ends: 2020-04-16 18.00", "ends: 2020-05-07 18.00")
    office.edit("send: 2020-04-20 09.00", "send: 2020-05-11 09.00")
    assert office.run("send", NEW, "invitation", "--yes").code == 78
    assert office.mailed() == ONCE


@at_a_keyboard
def test_another_event_is_asked_about_once(office: Office) -> None:
    office.rename_event()
    words = ("send", NEW, "invitation")
    code, screen = office.typed(*words, answers=[("Is it another event? Type yes:", "no")])
    assert code == 78 and "put the id back" in screen
    assert office.typed(*words, "--yes", answers=[("Is it another event? Type yes:", "")])[0] == 78
    assert office.mailed() == ONCE
    answers = [("Is it another event? Type yes:", "yes"), ("type 5:", "no")]
    assert office.typed(*words, answers=answers)[0] == 130
    # The word holds, though the mailing was not confirmed.
    assert SAME_EVENT not in office.run("check", NEW).out
    assert office.run(*words, "--yes").code == 0
    assert office.mailed() == TWICE


def test_a_changed_name_of_a_mailing_is_noticed(office: Office) -> None:
    office.edit("  invitation:\n", "  invitation-2:\n")
    assert SAME_MAILING in office.run("check", OLD).out
    sent = office.run("send", OLD, "invitation-2", "--yes")
    assert sent.code == 78
    assert "change its name back to invitation" in sent.err and f"`mkwmail send {OLD} invitation-2`" in sent.err
    assert office.run("schedule", OLD, "invitation-2", "--yes").code == 78
    assert office.mailed() == ONCE
    # Other mailings are themselves.
    assert office.run("send", OLD, "reminder", "--yes").code == 0
    assert office.mailed() == TWICE


@at_a_keyboard
def test_another_mailing_is_asked_about_once(office: Office) -> None:
    office.edit("  invitation:\n", "  invitation-2:\n")
    words = ("send", OLD, "invitation-2")
    code, screen = office.typed(*words, answers=[("Is it another mailing? Type yes:", "")])
    assert code == 78 and "change its name back to invitation" in screen
    answers = [("Is it another mailing? Type yes:", "yes"), ("type 5:", "5")]
    assert office.typed(*words, answers=answers)[0] == 0
    assert office.mailed() == TWICE


def test_due_holds_an_event_under_another_id(office: Office) -> None:
    office.copy("april.yaml", (f"id: {OLD}", f"id: {NEW}"), ("send: 2020-02-17 09.00", "send: 2020-02-24 09.00"))
    # With both files there they are two events.
    assert office.run("schedule", NEW, "invitation", "--yes").code == 0
    office.file.unlink()
    held = office.run("due")
    assert held.code == 78
    assert f"{NEW}: invitation is not sent: {OLD} was mailed to 5 members, last on 17 February 2020" in held.err
    assert f"→ mkwmail schedule {NEW} invitation" in held.err
    assert office.mailed() == ONCE
    (told,) = [text for text in office.told_secretary() if NEW in text]
    assert "De uitnodiging voor Directeurendag wordt niet verstuurd." in told
    assert f"Over '{OLD}' is al gemaild aan 5 leden, voor het laatst op maandag 17 februari 2020" in told
    # Told once a day, and in the exit code always.
    again = office.run("due", now="2020-02-24T09:30")
    assert (again.code, again.err) == (78, "")


@at_a_keyboard
def test_due_holds_a_mailing_under_another_name_until_a_person_says_more(office: Office) -> None:
    office.edit("  reminder: ", "  invitation-2:\n    send: 2020-02-24 09.00\n  reminder: ")
    assert office.run("schedule", OLD, "invitation-2", "--yes").code == 0
    office.edit("  invitation:\n    send: 2020-02-17 09.00\n", "")
    held = office.run("due")
    assert held.code == 78 and f"{OLD}: invitation-2 is not sent: invitation was mailed to 5 members" in held.err
    assert "De uitnodiging (invitation-2) voor Directeurendag wordt niet verstuurd." in office.told_secretary()[-1]
    assert office.mailed() == ONCE
    answers = [("Is it another mailing? Type yes:", "ja"), ("type 1:", "1")]
    assert office.typed("schedule", OLD, "invitation-2", answers=answers)[0] == 0
    went = office.run("due", now="2020-02-24T10:00")
    assert f"{OLD}: invitation-2: 5 mails sent" in went.out
    assert office.mailed() == TWICE


# Cases without an alarm


def test_a_second_reminder_after_the_first_one(office: Office) -> None:
    office.edit("  practical: ", "  reminder-2:\n    send: 2020-03-30 09.00\n  practical: ")
    assert office.run("send", OLD, "reminder", "--yes").code == 0
    assert "was mailed to" not in office.run("check", OLD).out
    assert office.run("send", OLD, "reminder-2", "--yes", now="2020-03-30T09:00").code == 0
    assert office.mailed() == Counter(dict.fromkeys(ADDRESSES, 3))


def test_an_update_and_a_second_one(office: Office) -> None:
    before = "Laan van Maarschalkerweerd 2"
    for number, street in enumerate(("Kerkstraat 1", "Kerkstraat 3"), start=2):
        office.edit(before, street)
        before = street
        assert office.run("send", OLD, "update", "--yes").code == 0
        assert office.mailed() == Counter(dict.fromkeys(ADDRESSES, number))


def test_two_events_on_one_day(office: Office) -> None:
    vergadering = ((f"id: {OLD}", "id: vergadering"), ("title: Directeurendag", "title: Ledenvergadering"))
    office.copy("vergadering.yaml", *vergadering)
    assert office.run("send", "vergadering", "invitation", "--yes").code == 0
    assert office.mailed() == TWICE


def test_an_event_that_was_mailed_itself_when_the_file_of_one_at_the_same_time_is_gone(office: Office) -> None:
    office.copy("april.yaml", (f"id: {OLD}", f"id: {NEW}"))
    assert office.run("send", NEW, "invitation", "--yes").code == 0
    office.file.unlink()
    assert office.run("send", NEW, "reminder", "--yes", now="2020-03-23T09:00").code == 0
    assert office.mailed() == Counter(dict.fromkeys(ADDRESSES, 3))


def test_another_event_on_the_day_of_one_whose_file_is_gone(office: Office) -> None:
    morning = (("starts: 2020-04-16 13.00", "starts: 2020-04-16 10.00"), ("- time: 13.00", "- time: 10.00"))
    vergadering = ((f"id: {OLD}", "id: vergadering"), ("title: Directeurendag", "title: Ledenvergadering"), *morning)
    office.copy("vergadering.yaml", *vergadering)
    office.file.unlink()
    assert office.run("send", "vergadering", "invitation", "--yes").code == 0
    assert office.mailed() == TWICE


def test_next_years_event_also_when_this_years_is_purged_and_its_file_gone(office: Office) -> None:
    copied = ("new", "Directeurendag", "--date", "2021-04-15", "--from", OLD)
    assert office.run(*copied, now="2020-10-01T09:00").code == 0
    assert office.run("purge", OLD, "--yes", now="2020-10-01T09:00").code == 0
    office.file.unlink()
    assert "was mailed to" not in office.run("check", "directeurendag-2021", now="2020-10-01T09:00").out
    assert office.run("send", "directeurendag-2021", "invitation", "--yes", now="2021-02-15T09:00").code == 0
    assert office.mailed() == TWICE


def test_a_copy_next_to_the_event_that_it_was_made_from(office: Office) -> None:
    assert office.run("new", "Directeurendag", "--date", "2020-05-14", "--from", OLD).code == 0
    (name,) = (path.stem for path in office.file.parent.glob("2020-05-14*.yaml"))
    assert office.run("send", name, "invitation", "--yes").code == 0
    assert office.mailed() == TWICE


def test_what_was_rehearsed_was_not_mailed(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        office = Office(a_place(tmp_path, server.port), server)
        assert office.run("send", OLD, "invitation", "--rehearse").code == 0
        office.rename_event()
        assert "was mailed to" not in office.run("check", NEW).out
        assert office.run("send", NEW, "invitation", "--yes").code == 0
        assert office.mailed() == ONCE


def test_a_rehearsal_under_another_id_is_not_stopped(office: Office) -> None:
    office.rename_event()
    assert office.run("send", NEW, "invitation", "--rehearse").code == 0
    assert office.mailed() == ONCE
