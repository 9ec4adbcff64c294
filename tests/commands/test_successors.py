"""Another name at a known address: slipped names stop everything, successors wait for the answer to one question."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, Ran, a_place

ID = "directeurendag-2020"
BEFORE, DAY, LATER = "2020-01-20T09:00", "2020-02-17T09:30", "2020-03-23T09:30"
HEADINGS = "lidnummer;voornaam;achternaam;e-mail;organisatie"
SIZE = 40
SECRETARY = "secretaris@example.org"

at_a_keyboard = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


def row(number: int, name: str = "", address: str = "") -> str:
    name = name or f"Voor{number};Achter{number}"
    return f"{number};{name};{address or f'directeur@c{number}.example.org'};Corporatie {number}"


@dataclass(frozen=True, slots=True)
class Office:
    """A working folder of forty members, whose first mailing went and whose invitation is approved."""

    place: Place
    server: ScriptedServer

    def members(self, *rows: str) -> None:
        self.place.members(*rows, headings=HEADINGS)

    def run(self, *words: str, now: str = DAY) -> Ran:
        return self.place.run(*words, now=now)

    def typed(self, *words: str, answers: list[tuple[str, str]], now: str = DAY) -> tuple[int, str]:
        return typed(self.place.command(*words), self.place.environment(now), self.place.folder, answers)

    def mailed(self) -> dict[str, str]:
        """Address → the greeting of the last mail to it since the last call."""
        every = {}
        for each in self.server.taken:
            content = message_from_bytes(each.data, policy=policy.default).get_body(("plain",))
            assert content is not None
            if each.recipients[0] != SECRETARY:
                every[each.recipients[0]] = str(content.get_content()).split(",")[0].strip()
        self.server.taken.clear()
        return every


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        found = Office(place, server)
        found.members(*map(row, range(SIZE)))
        assert found.run("send", ID, "save-the-date", "--yes", now=BEFORE).code == 0
        assert found.run("schedule", ID, "invitation", "--yes", now=BEFORE).code == 0
        assert len(found.mailed()) == SIZE
        yield found


def slipped() -> list[str]:
    """The names moved one row against the addresses."""
    return [row(n, address=f"directeur@c{(n + 1) % SIZE}.example.org") for n in range(SIZE)]


def with_twelve_successors() -> list[str]:
    return [row(n, name="Theo;Nieuwenhuis" if n == 0 else f"Mia;Opvolger{n}" if n < 12 else "") for n in range(SIZE)]


def test_slipped_names_stop_due_and_are_shown_by_check(office: Office) -> None:
    office.members(*slipped())
    checked = office.run("check", ID)
    assert checked.code == 65 and "40 addresses have the names of other members now" in checked.out
    assert "Voor0 Achter0 <directeur@c1.example.org> (was Voor1 Achter1)" in checked.out
    assert "Ready" not in checked.out
    assert "new in the list" not in checked.out and "left the list" not in checked.out
    ran = office.run("due")
    assert ran.code == 78 and "nothing is sent: 40 addresses" in ran.err
    assert not office.mailed()
    # The list put right, everybody gets it.
    office.members(*map(row, range(SIZE)))
    assert office.run("due").code == 0
    assert office.mailed() == {f"directeur@c{n}.example.org": f"Beste Voor{n}" for n in range(SIZE)}


def test_two_swapped_rows_stop_everything_too(office: Office) -> None:
    rows = [row(n) for n in range(SIZE)]
    rows[3], rows[4] = row(3, name="Voor4;Achter4"), row(4, name="Voor3;Achter3")
    office.members(*rows)
    assert office.run("due").code == 78
    assert not office.mailed()


@pytest.mark.parametrize("command", [("send", ID, "invitation", "--yes"), ("schedule", ID, "reminder", "--yes")])
def test_yes_does_not_answer_for_slipped_names(office: Office, command: tuple[str, ...]) -> None:
    office.members(*slipped())
    ran = office.run(*command)
    assert ran.code == 78 and "put the names back at their addresses" in ran.err
    assert not office.mailed()


@at_a_keyboard
def test_enter_alone_does_not_send_to_slipped_names(office: Office) -> None:
    office.members(*slipped())
    code, screen = office.typed("send", ID, "invitation", answers=[("Type yes:", "")])
    assert code == 78 and "(was Voor1" in screen
    assert not office.mailed()


@at_a_keyboard
def test_people_who_changed_addresses_move_with_a_persons_word(office: Office) -> None:
    rows = [row(n) for n in range(SIZE)]
    rows[3], rows[4] = row(3, name="Voor4;Achter4"), row(4, name="Voor3;Achter3")
    office.members(*rows)
    assert office.run("answers", "set", ID, "Voor5 Achter5", "nee").code == 0
    answers = [("Type yes:", "yes"), ("type 40:", "40")]
    code, _screen = office.typed("send", ID, "invitation", answers=answers)
    assert code == 0
    assert office.mailed()["directeur@c3.example.org"] == "Beste Voor4"
    office.run("answers", "set", ID, "Voor4 Achter4", "ja")
    told = office.run("send", ID, "reminder", "--yes", now=LATER)
    assert told.code == 0
    assert "directeur@c3.example.org" not in office.mailed()


def test_twelve_successors_wait_and_nobody_else(office: Office) -> None:
    office.members(*with_twelve_successors())
    checked = office.run("check", ID)
    assert checked.code == 0 and "12 members may be successors: Theo Nieuwenhuis" in checked.out
    for command in (("status", ID), ()):
        said = " ".join(office.run(*command).out.split())
        assert "12 members may be successors, and get no mail until you decide: Theo Nieuwenhuis" in said
    ran = office.run("due")
    assert ran.code == 75 and "12 members may be successors" in ran.err and "Mia Opvolger11" in ran.err
    assert office.mailed() == {f"directeur@c{n}.example.org": f"Beste Voor{n}" for n in range(12, SIZE)}


@pytest.mark.parametrize(
    "command", [("skip", "Mia Opvolger1", "--reason", "ziek"), ("answers", "set", ID, "Mia Opvolger1", "ja")]
)
def test_nothing_is_recorded_about_a_successor_before_the_answer(office: Office, command: tuple[str, ...]) -> None:
    office.members(*with_twelve_successors())
    ran = office.run(*command)
    assert ran.code == 2 and "was Voor1 Achter1" in ran.err and "answer its question first" in ran.err


@at_a_keyboard
def test_one_question_for_all_of_them_is_remembered(office: Office) -> None:
    office.members(*with_twelve_successors())
    code, screen = office.typed("schedule", ID, "reminder", answers=[("now:", "ja"), ("type 1:", "1")])
    assert code == 0, screen
    ran = office.run("due")
    assert (ran.code, "successor" in ran.err) == (0, False)
    mailed = office.mailed()
    assert len(mailed) == SIZE and mailed["directeur@c0.example.org"] == "Beste Theo"
    assert "successor" not in office.run("check", ID).out


@at_a_keyboard
def test_a_successor_inherits_no_answer_and_no_skip_and_hears_the_rest(office: Office) -> None:
    assert office.run("due").code == 0
    office.mailed()
    office.run("answers", "set", ID, "Voor0 Achter0", "ja")
    office.run("skip", "Voor1 Achter1", "--reason", "met pensioen")
    office.members(*with_twelve_successors()[:2], *map(row, range(2, SIZE)))
    answers = [("now:", "yes"), ("type 40:", "40")]
    code, screen = office.typed("send", ID, "reminder", answers=answers, now=LATER)
    assert code == 0, screen
    mailed = office.mailed()
    assert mailed["directeur@c0.example.org"] == "Beste Theo" and mailed["directeur@c1.example.org"] == "Beste Mia"
    # The invitation went to that mailbox: not a second time.
    assert office.run("send", ID, "invitation", "--yes", now=LATER).code == 0
    assert not office.mailed()
    # A member who left can be forgotten by name, and the successor stays.
    forgotten = office.run("forget", "Voor0 Achter0", "--yes", now=LATER)
    assert forgotten.code == 0 and "Still there" not in forgotten.out
    assert "successor" not in office.run("check", ID, now=LATER).out


@at_a_keyboard
def test_the_same_person_under_a_new_name_keeps_everything(office: Office) -> None:
    assert office.run("due").code == 0
    office.mailed()
    office.run("answers", "set", ID, "Voor0 Achter0", "ja")
    office.members(row(0, name="Anders;Geheten"), *map(row, range(1, SIZE)))
    answers = [("now:", "1"), ("Type the number", "1"), ("type 39:", "39")]
    code, screen = office.typed("send", ID, "reminder", answers=answers, now=LATER)
    assert code == 0, screen
    assert "directeur@c0.example.org" not in office.mailed()


@at_a_keyboard
def test_enter_leaves_the_successors_out_and_mails_the_others(office: Office) -> None:
    office.members(*with_twelve_successors())
    code, _screen = office.typed("send", ID, "invitation", answers=[("now:", ""), ("type 28:", "28")])
    assert code == 75
    assert len(office.mailed()) == 28
    assert office.run("due").code == 75


def test_spelling_titles_and_marriage_cost_no_question(office: Office) -> None:
    rows = [row(n) for n in range(SIZE)]
    rows[0] = row(0, name="drs. VOOR0;ACHTER0")
    rows[1] = row(1, name="V.;Achter1")
    rows[2] = row(2, name="Voor2;Achter2-Jansen")
    office.members(*rows)
    assert office.run("due").code == 0
    assert len(office.mailed()) == SIZE


def test_a_name_and_an_address_that_changed_together_are_asked_about(office: Office) -> None:
    rows = [row(0, name="Theo;Nieuwenhuis", address="theo@c0.example.org"), *map(row, range(1, SIZE))]
    office.members(*rows)
    ran = office.run("due")
    assert ran.code == 75 and "Theo Nieuwenhuis <theo@c0.example.org> (was Voor0 Achter0)" in " ".join(ran.err.split())
    assert len(office.mailed()) == SIZE - 1


def test_another_surname_and_address_are_asked_about_although_others_left_too(office: Office) -> None:
    rows = [row(n).replace("Corporatie 1", "Corporatie 0") for n in range(SIZE)]
    office.members(*rows)
    office.run("send", ID, "invitation", "--yes")
    office.mailed()
    # Voor0 has married; Voor1, of the same organisation, is gone.
    office.members(row(0, "Voor0;Nieuwenhuis", "nieuwenhuis@c0.example.org"), *rows[2:])
    checked = office.run("check", ID)
    assert "Voor0 Nieuwenhuis <nieuwenhuis@c0.example.org> (was Voor0 Achter0)" in checked.out
    assert office.run("send", ID, "invitation", "--yes").code == 75
    assert not office.mailed()


def test_a_row_that_is_new_at_an_address_takes_no_mail_of_the_one_who_was_there(office: Office) -> None:
    rows = [row(n) for n in range(SIZE)]
    office.run("send", ID, "invitation", "--yes", "--limit", "1")
    assert office.mailed() == {"directeur@c0.example.org": "Beste Voor0"}
    # Voor0, who has it, shares the address of Voor1 from now on, and is the first of the two in the list.
    rows[0] = row(0, address="directeur@c1.example.org")
    office.members(*rows)
    office.run("send", ID, "invitation", "--yes")
    assert office.mailed()["directeur@c1.example.org"] == "Beste Voor1"


def test_a_list_of_wholly_other_people_is_odd(office: Office) -> None:
    rows = [f"{n};Ander{n};Mens{n};lid@d{n}.example.org;Elders {n}" for n in range(100, 100 + SIZE)]
    office.members(*rows)
    ran = office.run("send", ID, "invitation", "--yes")
    assert "40 members left the list and 40 are new: is it the right list?" in " ".join(ran.out.split())


def test_one_person_in_two_rows_is_named_with_both(office: Office) -> None:
    rows = [
        *map(row, range(SIZE)),
        row(0, address="voor0@c0.example.org"),
        row(1, address="directeur+mkw@c1.example.org"),
    ]
    office.members(*rows)
    checked = " ".join(office.run("check", ID).out.split())
    assert (
        "Voor0 Achter0 <voor0@c0.example.org> may be the same person as row 2, Voor0 Achter0 <directeur@c0" in checked
    )
    assert "directeur+mkw@c1.example.org and directeur@c1.example.org of row 3 are one mailbox" in checked
    sent = " ".join(office.run("send", ID, "invitation", "--yes").out.split())
    assert "may be the same person as row 2" in sent and "are one mailbox" in sent


def test_one_person_whose_organisation_is_written_otherwise_or_unknown_is_named_with_both(office: Office) -> None:
    rows = [
        *map(row, range(SIZE)),
        ";Voor0;Achter0;voor0@thuis.example.org;",
        ";Voor1;Achter1;voor1@c1.example.org;Stichting Corporatie 1",
        ";Voor2;Achter2;voor2@elders.example.org;Een andere corporatie",
    ]
    office.members(*rows)
    checked = " ".join(office.run("check", ID).out.split())
    assert "Voor0 Achter0 <voor0@thuis.example.org> may be the same person as row 2" in checked
    assert "Voor1 Achter1 <voor1@c1.example.org> may be the same person as row 3" in checked
    assert "voor2@elders.example.org> may be" not in checked  # a namesake elsewhere


def test_a_merger_that_changes_organisation_and_address_is_asked_about(office: Office) -> None:
    """The invitation went before it: without a number, only the names say that these had it."""
    assert office.run("due").code == 0
    office.mailed()
    rows = [row(n).partition(";")[2] for n in range(SIZE)]
    rows[:2] = [f"Voor{n};Achter{n};voor{n}@samen.example.org;Samen" for n in range(2)]
    office.place.members(*rows, headings=HEADINGS.partition(";")[2])
    checked = " ".join(office.run("check", ID).out.split())
    assert "may be Voor0 Achter0 <directeur@c0.example.org>, whose address has left the list" in checked
    assert "new in the list" not in checked
    ran = office.run("send", ID, "invitation", "--yes")
    assert ran.code == 75 and "it is doubtful who this is" in ran.out
    assert not office.mailed()


@pytest.mark.parametrize("column", [0, 4])
def test_a_column_of_numbers_or_organisations_that_was_sorted_alone_is_named(office: Office, column: int) -> None:
    rows = [row(n).split(";") for n in range(SIZE)]
    values = [cells[column] for cells in rows]
    for cells, value in zip(rows, values[1:] + values[:1], strict=True):
        cells[column] = value
    office.members(*map(";".join, rows))
    said = "40 members have the organisations or numbers of other members now: Voor0 Achter0 (row 2, was "
    assert said in " ".join(office.run("check", ID).out.split())
    assert said in " ".join(office.run("send", ID, "invitation", "--yes").out.split())


@pytest.mark.parametrize(
    "change",
    [
        lambda n, cells: [str(1000 + n), *cells[1:]],  # new numbers
        lambda n, cells: [str(n + 1), *cells[1:]],  # numbers of the rows, counted again
        lambda n, cells: [*cells[:4], "Samen" if n < 5 else cells[4]],  # a merger
        lambda n, cells: [*cells[:4], "Corporatie 9" if n < 5 else cells[4]],  # a merger into an organisation
    ],
)
def test_new_numbers_and_mergers_are_no_sorted_column(
    office: Office, change: Callable[[int, list[str]], list[str]]
) -> None:
    office.members(*(";".join(change(n, row(n).split(";"))) for n in range(SIZE)))
    assert "of other members now" not in office.run("check", ID).out
