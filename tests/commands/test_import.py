"""``answers import`` shows, asks and can be undone; unsettled sign-ups are never forgotten."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.ledger import people, responses
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Answer
from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, Ran, a_place

EVENT = "directeurendag-2020"
HEADINGS = "Tijdstempel;E-mailadres;Naam;Organisatie;Komt u?;Lunch?;Introducés;Dieetwensen"
KIM = "2-3-2020 10:00:00;kim@woonstede.example.org;Kim Verbeek;Woonstede;Ja;Ja;2;vegetarisch"
ELS = "3-3-2020 11:00:00;els@dehaven.example.org;Els van der Ven;De Haven;Nee;;;"
NOW = "2020-03-06T09:00"
LATER = "2020-03-07T09:00"


def imported(place: Place, *rows: str, more: tuple[str, ...] = ("--yes",), headings: str = HEADINGS) -> Ran:
    place.write("export.csv", "\n".join((headings, *rows)) + "\n")
    return place.run("answers", "import", EVENT, str(place.folder / "export.csv"), *more, now=NOW)


def at_the_keyboard(place: Place, *answers: tuple[str, str], now: str = NOW) -> tuple[int, str]:
    words = place.command("answers", "import", EVENT, str(place.folder / "export.csv"))
    return typed(words, place.environment(now), place.folder, answers)


def listed(place: Place, now: str = LATER) -> dict[str, str]:
    document = place.run("answers", "list", EVENT, "--json", now=now).json
    return {each["member"]: each["answer"] for each in document["answers"]}


def test_a_dry_run_shows_all_and_records_nothing(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = imported(place, KIM, ELS, more=("--dry-run",))
    assert ran.code == 0, ran.err
    for line in (
        'column "Komt u?": 1 attending, 1 declined',
        "New (2):",
        "Kim Verbeek: attending, with 2 companions",
        "3 members have no row and have not answered.",
    ):
        assert line in ran.out
    assert listed(place) == {}


@pytest.mark.parametrize("name", ["aanmeldingen.pdf", "aanmeldingen.ods", "brief.docx"])
def test_a_file_of_another_kind_is_refused_with_the_kinds_that_are_read(tmp_path: Path, name: str) -> None:
    place = a_place(tmp_path)
    place.write(name, "%PDF-1.4")
    ran = place.run("answers", "import", EVENT, str(place.folder / name), now=NOW)
    assert ran.code == 65
    assert "save sign-ups as .xlsx or .csv, and a mail as .eml or .msg" in ran.err


def test_nobody_at_the_keyboard_and_no_word_beforehand_records_nothing(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = imported(place, KIM, more=())
    assert ran.code == 78
    assert "Kim Verbeek: attending" in ran.out and "--yes" in ran.err
    assert listed(place) == {}


def test_the_member_list_by_mistake_is_never_accepted_beforehand(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = place.run("answers", "import", EVENT, str(tmp_path / "leden.csv"), "--yes", now=NOW)
    assert ran.code == 78
    assert "every row would count as attending" in ran.err
    assert listed(place) == {}


def test_without_an_answer_column_the_number_must_be_typed(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write("export.csv", "Naam;E-mail\nKim Verbeek;kim@woonstede.example.org\nZoë Ruiter;zoe@tien.example.org\n")
    code, screen = at_the_keyboard(place, ("type 2:", "y"))
    assert code == 0 and "all would count as attending" in screen and "Nothing was recorded" in screen
    assert listed(place) == {}
    assert at_the_keyboard(place, ("type 2:", "2"))[0] == 0
    assert listed(place) == {"Kim Verbeek": "attending", "Zoë Ruiter": "attending"}


def test_more_than_half_of_the_members_asks_for_the_number(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    three = "4-3-2020;zoe@tien.example.org;Zoë Ruiter;Tien;Ja;;;"
    place.write("export.csv", "\n".join((HEADINGS, KIM, ELS, three)) + "\n")
    code, screen = at_the_keyboard(place, ("type 3:", "3"))
    assert code == 0 and "the answers of 3 of 5 members" in " ".join(screen.split())
    assert len(listed(place)) == 3


def test_otherwise_a_yes_is_enough_and_a_no_records_nothing(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write("export.csv", "\n".join((HEADINGS, KIM)) + "\n")
    assert at_the_keyboard(place, ("Record this?", "what"), ("none of the choices", "n"))[0] == 0
    assert listed(place) == {}
    assert at_the_keyboard(place, ("Record this?", "y"))[0] == 0
    assert listed(place) == {"Kim Verbeek": "attending"}


def test_a_column_found_by_its_values_is_asked_about_once(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    headings = "Naam;E-mail;Present live?;Fiets"
    rows = ("Kim Verbeek;kim@woonstede.example.org;Ja;Nee", "Zoë Ruiter;zoe@tien.example.org;Nee;Ja")
    ran = imported(place, *rows, headings=headings)
    assert ran.code == 78 and '"Present live?"' in ran.err
    code, screen = at_the_keyboard(place, ("0 if none does", "1"), ("Record this?", "y"))
    assert code == 0, screen
    assert listed(place) == {"Kim Verbeek": "attending", "Zoë Ruiter": "declined"}
    more = "Lou 't Hart;lou@elf.example.org;Ja;Ja"
    assert imported(place, *rows, more, headings=headings).code == 0, "what the column means is remembered"
    assert listed(place)["Lou 't Hart"] == "attending"


def test_an_unknown_answer_is_asked_about_once_for_all_rows(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    headings = "Naam;E-mail;Kom je?"
    rows = ("Kim Verbeek;kim@woonstede.example.org;Reken maar", "Zoë Ruiter;zoe@tien.example.org;reken maar")
    place.write("export.csv", "\n".join((headings, *rows)) + "\n")
    code, screen = at_the_keyboard(place, ('"Reken maar"', "y"), ("Record this?", "y"))
    assert code == 0 and "Question 1 of 1" in screen
    assert listed(place) == {"Kim Verbeek": "attending", "Zoë Ruiter": "attending"}
    imported(place, *rows, "Lou 't Hart;lou@elf.example.org;REKEN MAAR", headings=headings)
    assert listed(place)["Lou 't Hart"] == "attending"


def test_an_empty_answer_is_asked_about_and_not_again(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write("export.csv", "Naam;E-mail;Kom je?\nKim Verbeek;kim@woonstede.example.org;\n")
    code, screen = at_the_keyboard(place, ("p = perhaps", "n"), ("Record this?", "y"))
    assert code == 0, screen
    assert listed(place) == {"Kim Verbeek": "declined"}
    assert (
        "To settle" not in imported(place, "Kim Verbeek;kim@woonstede.example.org;", headings="Naam;E-mail;Kom je?").out
    )


def test_undo_takes_back_an_import_and_leaves_what_came_later(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    guest = "4-3-2020 12:00:00;s.bos@tien.example.org;Sanne Bos;Tien;Ja;;;"
    place.run("answers", "set", EVENT, "Els van der Ven", "ja", now="2020-03-01T09:00")
    imported(place, KIM, ELS, guest)
    assert listed(place) == {"Kim Verbeek": "attending", "Els van der Ven": "declined", "Sanne Bos": "attending"}
    ran = place.run("answers", "undo", EVENT, now=LATER)
    assert ran.code == 0, ran.err
    assert "3 answers taken back" in ran.out
    assert "Els van der Ven: declined taken back; it is attending" in ran.out
    assert listed(place) == {"Els van der Ven": "attending"}
    assert imported(place, KIM, ELS, guest).code == 0, "it can be imported again"
    assert len(listed(place)) == 3


def test_undo_takes_back_a_word_and_then_the_import_before_it(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM)
    place.run("answers", "set", EVENT, "Kim Verbeek", "nee", now=LATER)
    place.run("answers", "undo", EVENT, now=LATER)
    assert listed(place) == {"Kim Verbeek": "attending"}
    place.run("answers", "undo", EVENT, now=LATER)
    assert listed(place) == {}
    assert place.run("answers", "undo", EVENT, now=LATER).code == 2


def test_undo_of_an_import_keeps_an_answer_that_came_later_by_calendar(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM)
    now = datetime(2020, 3, 7, 8, tzinfo=ZONE)
    with Ledger.open(tmp_path / "mkwmail-test.db", tmp_path / "mkwmail-test.id", now, "here") as ledger:
        (person,) = {each.person for each in responses.answers(ledger.database, EVENT)}
        responses.record_answers(ledger.database, EVENT, [Answer(person, "declined", "calendar", now)], now)
    ran = place.run("answers", "undo", EVENT, now=LATER)
    assert "it is declined" in ran.out
    assert listed(place) == {"Kim Verbeek": "declined"}


def test_a_guest_is_a_member_after_all_or_is_removed(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    one = "4-3-2020 12:00:00;z@prive.example.net;Bibi Tak;Tien;Ja;;;"
    test = "4-3-2020 12:00:00;test@tien.example.org;Test Testers;Test;Ja;;;"
    imported(place, one, test)
    assert set(listed(place)) == {"Bibi Tak", "Test Testers"}
    ran = place.run("answers", "set", EVENT, "Bibi Tak", "--is", "Zoë Ruiter", now=LATER)
    assert ran.code == 0, ran.err
    assert place.run("answers", "set", EVENT, "Test Testers", "--remove", now=LATER).code == 0
    assert listed(place) == {"Zoë Ruiter": "attending"}
    imported(place, one, test)
    assert listed(place) == {"Zoë Ruiter": "attending"}, "the same rows do not bring them back"
    place.run("answers", "undo", EVENT, now=LATER)
    assert "Test Testers" in listed(place)
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "--remove", now=LATER).code == 2, "a member is no guest"


def test_the_numbers_are_for_the_hall_and_for_the_caterer(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    event = next((tmp_path / "events").iterdir())
    event.write_text(event.read_text(encoding="utf-8") + "catering: {deadline: 2020-03-09}\n", encoding="utf-8")
    imported(place, KIM, ELS)
    ran = place.run("answers", "list", EVENT, now=LATER)
    assert "1 attending, with 2 companions 3" in ran.out
    numbers = place.run("status", EVENT, "--json", now=LATER).json["attendance"]["numbers"]
    assert (numbers["attending"], numbers["companions"], numbers["total"]) == (1, 2, 3)
    assert numbers["dietary"] == {"vegetarisch": 1}
    status = place.run("status", EVENT, now=LATER).out
    assert "For the caterer, by 9 March 2020: 1 attending, with 2 companions 3" in status.splitlines()[1]
    assert "For the caterer" in place.run(now=LATER).out
    assert "3" in place.run("status", EVENT, "--json", now=LATER).json["catering"][0]
    assert place.run("status", EVENT, "--html", str(tmp_path / "b.html"), now=LATER).code == 0
    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert page.count("with 2 companions 3") == 2 and "For the caterer, by 9 March 2020" in page
    assert "vegetarisch" not in page and "Kim" not in page
    place.run("answers", "set", EVENT, "Kim Verbeek", "nee", now="2020-03-10T09:00")
    place.run("answers", "set", EVENT, "Zoë Ruiter", "ja", now="2020-03-10T09:00")
    assert "1 cancelled, 1 added" in place.run("status", EVENT, now="2020-03-10T10:00").out


def test_a_call_is_recorded_with_all_that_was_said(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "550 5.1.1 unknown", recipient="lou@elf.example.org")
        place = a_place(tmp_path, server.port)
        place.members(
            "Lou;'t;Hart;lou@elf.example.org;Elf;lid;06 12345678",
            headings="voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie;telefoon",
        )
        event = next((tmp_path / "events").iterdir())
        text = event.read_text(encoding="utf-8")
        parts = "programme:\n  - {time: 12.00, title: Inlooplunch, optional: true}\n"
        event.write_text(text.replace("programme:\n", parts), encoding="utf-8")
        place.send()
    ran = place.run("status", EVENT, "--calls", now=NOW)
    assert "06 12345678" in ran.out and "Elf" in ran.out
    words = place.command("answers", "set", EVENT, "Lou 't Hart")
    said = [
        ("p = perhaps", "y"),
        ("Inlooplunch? y/n:", "y"),
        ("come along?", "1"),
        ("Dietary", "noten"),
        ("Note", ""),
    ]
    code, screen = typed(words, place.environment(NOW), tmp_path, said)
    assert code == 0, screen
    document = place.run("answers", "list", EVENT, "--json", now=LATER).json
    assert [each["answer"] for each in document["answers"]] == ["attending"]
    assert document["numbers"]["companions"] == 1 and document["numbers"]["dietary"] == {"noten": 1}
    assert document["numbers"]["parts"] == {"Inlooplunch": 2}
    calls = place.run("status", EVENT, "--calls", "--json", now=LATER).json["calls"]
    assert [(each["by"], each["telephone"]) for each in calls] == [("Lilian van Zandbrink", "06 12345678")]


def test_who_telephones_and_is_not_in_the_list_can_be_a_guest(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    words = place.command("answers", "set", EVENT, "Bibi Tak")
    said = [
        ("as a guest? y/n", "y"),
        ("Organisation", "Tien"),
        ("E-mail", "bibi@tien.example.org"),
        ("p = perhaps", "n"),
    ]
    code, screen = typed(words, place.environment(NOW), tmp_path, [*said, ("Note", "")])
    assert code == 0, screen
    document = place.run("answers", "list", EVENT, "--json", now=LATER).json
    assert [(each["member"], each["guest"], each["answer"]) for each in document["answers"]] == [
        ("Bibi Tak", True, "declined")
    ]


# Unsettled sign-ups


def sent_to(server: ScriptedServer, since: int) -> set[str]:
    return {address.strip("<>") for each in server.taken[since:] for address in each.recipients}


def test_an_unsettled_sign_up_is_neither_forgotten_nor_wrongly_reminded(tmp_path: Path) -> None:
    """A forwarded link and a wrong name, then the reminder, an update, the practical mail and the cancellation."""
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send().code == 0
        # Sanne signs up with Kim's link; Piet gives Lou's address.
        document = place.run("answers", "list", EVENT, "--csv", str(tmp_path / "codes.csv"), now=NOW)
        assert document.code == 0
        lines = (tmp_path / "codes.csv").read_text(encoding="utf-8-sig").splitlines()
        code = next(line.split(";")[0] for line in lines if "Kim Verbeek" in line)
        rows = (
            f"2-3-2020;s.bos@woonstede.example.org;Sanne Bos;Woonstede;Ja;{code}",
            "2-3-2020;lou@elf.example.org;Piet Pieters;Elf;Ja;",
        )
        ran = imported(place, *rows, headings="Tijdstempel;E-mailadres;Naam;Organisatie;Komt u?;lid")
        assert ran.code == 0 and "2 rows are to be settled" in ran.out
        # The reminder: Kim may have signed up, and so may Lou.
        before = len(server.taken)
        ran = place.run("send", EVENT, "reminder", "--yes", "--json", now="2020-03-23T09:00")
        assert sent_to(server, before) == {"jan@dehaven.example.org", "els@dehaven.example.org", "zoe@tien.example.org"}
        assert any("to be settled" in each["reason"] for each in ran.json["skipped"])
        # The place changes: all who were told hear of it, and so does Sanne, whom nobody told.
        event = next((tmp_path / "events").iterdir())
        text = event.read_text(encoding="utf-8")
        event.write_text(text.replace("De Moestuin", "Het Koetshuis"), encoding="utf-8")
        before = len(server.taken)
        assert place.run("send", EVENT, "update", "--yes", now="2020-03-25T09:00").code == 0
        everybody = {f"{name}" for name in PEOPLE_ADDRESSES} | {"s.bos@woonstede.example.org"}
        assert sent_to(server, before) == everybody
        before = len(server.taken)
        ran = place.run("send", EVENT, "practical", "--yes", now="2020-04-09T09:00")
        assert ran.code == 0, ran.err
        assert ran.out.count("2 sign-ups are to be settled") == 2, "before the confirmation, and in the summary"
        assert sent_to(server, before) == {"s.bos@woonstede.example.org", "lou@elf.example.org"}
        for command in ((), ("status", EVENT), ("status",)):
            if command != ("status",):
                assert "to settle" in place.run(*command, now="2020-04-09T10:00").out.lower().replace(
                    "to be settled", "to settle"
                )
        before = len(server.taken)
        assert place.run("send", EVENT, "cancellation", "--yes", now="2020-04-10T09:00").code == 0
        assert sent_to(server, before) == everybody
    for name in everybody:
        mailings = [
            each for each in server.taken if f"<{name}>" in str(each.recipients) or name in str(each.recipients)
        ]
        assert len(mailings) <= 6


PEOPLE_ADDRESSES = (
    "kim@woonstede.example.org",
    "jan@dehaven.example.org",
    "els@dehaven.example.org",
    "zoe@tien.example.org",
    "lou@elf.example.org",
)


def test_due_names_the_unsettled_and_exits_75(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send().code == 0
        imported(place, "2-3-2020;lou@elf.example.org;Piet Pieters;Elf;Ja;;;")
        ran = place.run("due", "--json", now="2020-03-07T09:00")
    assert ran.code == 75
    assert "Piet Pieters" in json.dumps(ran.json)


def test_a_settled_sign_up_keeps_its_address_and_its_mails(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        row = "2-3-2020;b.tak@tien.example.org;Z. Ruyter;Tien;Ja;;;"
        assert "To settle (1)" in imported(place, row).out
        practical = ("send", EVENT, "practical", "--yes", "--json")
        assert place.run(*practical, now="2020-04-09T09:00").json["sent"] == 1
        assert place.run("answers", "set", EVENT, "Z. Ruyter", "ja", now="2020-04-09T10:00").code == 0
        document = place.run("answers", "list", EVENT, "--json", now="2020-04-09T11:00").json
        assert [(each["address"], each["guest"]) for each in document["answers"]] == [("b.tak@tien.example.org", True)]
        assert document["to_settle"] == []
        assert place.run(*practical, now="2020-04-09T12:00").json["sent"] == 0, "nobody gets it twice"


@pytest.mark.parametrize("heading", ["Kom je?", "Can we count on you?"])
def test_a_repeated_import_asks_and_changes_nothing(tmp_path: Path, heading: str) -> None:
    place = a_place(tmp_path)
    headings = HEADINGS.replace("Komt u?", heading)
    imported(place, KIM, ELS, headings=headings)
    ran = imported(place, KIM, ELS, headings=headings, more=())
    assert ran.code == 0 and "2 have nothing new." in ran.out


def test_undo_leaves_nobody_in_the_register_who_came_with_the_import(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    guest = "4-3-2020 10:00:00;piet@woonstede.example.org;Piet Puk;Woonstede;Ja;;;"
    unclear = "4-3-2020 10:00:00;bo@tien.example.org;Bo Bos;Tien;wachtlijst;;;"
    imported(place, KIM, guest, unclear)
    assert "Piet Puk" in listed(place)
    place.run("answers", "undo", EVENT, now=LATER)
    assert listed(place) == {}
    now = datetime(2020, 3, 7, tzinfo=ZONE)
    with Ledger.open(tmp_path / "mkwmail-test.db", tmp_path / "mkwmail-test.id", now, "here") as ledger:
        assert {each.address for each in people.persons(ledger.database)}.isdisjoint(
            {"piet@woonstede.example.org", "bo@tien.example.org"}
        )
    assert "has left the list" not in place.run("check", EVENT, now=LATER).out


def test_members_without_an_address_are_in_the_list_of_calls(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(
        "Lou;'t;Hart;;Elf;lid;06 12345678",
        "Kim;;Verbeek;kim@woonstede.example.org;Woonstede;lid;",
        headings="voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie;telefoon",
    )
    ran = place.run("status", EVENT, "--calls", "--json", now=LATER)
    (call,) = ran.json["calls"]
    assert (call["member"], call["telephone"]) == ("Lou 't Hart", "06 12345678")
    assert "no mail address" in call["reason"]
