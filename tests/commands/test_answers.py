"""``answers`` as the secretary uses it: exports, phone calls, guests, a list edited in Excel and read again."""

import csv
import io
from pathlib import Path

from tests.keyboard import typed
from tests.workplace import Place, Ran, a_place

EVENT = "directeurendag-2020"
HEADINGS = "Tijdstempel;E-mailadres;Naam;Organisatie;Komt u?;Lunch?;Dieetwensen"
KIM = "2-3-2020 10:00:00;kim@woonstede.example.org;Kim Verbeek;Woonstede;Ja;Ja;vegetarisch"
ELS = "3-3-2020 11:00:00;els@prive.example.net;Els van der Ven;De Haven;Ja, graag;Nee;geen"
GUEST = "4-3-2020 12:00:00;s.bos@tien.example.org;Sanne Bos;Tien;Ja;Ja;noten"
PASSED_ON = "5-3-2020 12:00:00;lou@elf.example.org;Piet Pieters;Elf;Ja;;"


def imported(place: Place, *rows: str, now: str = "2020-03-06T09:00", name: str = "export.csv") -> Ran:
    place.write(name, "\n".join((HEADINGS, *rows)) + "\n")
    return place.run("answers", "import", EVENT, str(place.folder / name), "--yes", now=now)


def answers(place: Place, now: str = "2020-03-07T09:00") -> dict[str, str]:
    document = place.run("answers", "list", EVENT, "--json", now=now).json
    return {each["member"]: each["answer"] for each in document["answers"]}


def test_an_export_is_matched_recorded_and_counted(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = imported(place, KIM, ELS, GUEST, PASSED_ON)
    assert ran.code == 0, ran.err
    assert "4 rows: 1 by the address, 1 by name and organisation, 1 not in the list: guests, 1 doubtful" in ran.out
    assert "Piet Pieters signed up with the address of Lou 't Hart" in ran.out
    assert "1 row is to be settled" in ran.out
    assert answers(place) == {"Kim Verbeek": "attending", "Els van der Ven": "attending", "Sanne Bos": "attending"}
    document = place.run("answers", "list", EVENT, "--json").json
    shown = [(each["member"], each["guest"]) for each in document["answers"]]
    assert shown == [("Sanne Bos", True), ("Els van der Ven", False), ("Kim Verbeek", False)], "Bos, Ven, Verbeek"
    assert document["questions"] == [
        {"question": "Lunch?", "dietary": False, "counts": {"Ja": 2, "Nee": 1}, "filled": 3},
        {"question": "Dieetwensen", "dietary": True, "counts": {"vegetarisch": 1, "noten": 1}, "filled": 2},
    ]
    assert "vegetarisch" not in str(document["answers"]), "dietary wishes are told in totals only"
    assert [each["name"] for each in document["to_settle"]] == ["Piet Pieters"]


def test_the_same_export_again_changes_nothing(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM, ELS, GUEST)
    again = imported(place, KIM, ELS, GUEST)
    assert "0 answers recorded." in again.out
    assert "3 have nothing new." in again.out


def test_an_unchanged_row_never_overrules_a_later_phone_call(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM)
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "nee", now="2020-03-08T09:00").code == 0
    imported(place, KIM, ELS, now="2020-03-09T09:00")
    assert answers(place, now="2020-03-09T10:00") == {"Kim Verbeek": "declined", "Els van der Ven": "attending"}


def test_a_phone_call_before_the_first_import_is_kept_against_an_older_row(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.run("answers", "set", EVENT, "Kim Verbeek", "nee", now="2020-03-05T09:00")
    ran = imported(place, KIM)
    assert "declined, recorded on 5 March 2020, is later and is kept" in ran.out
    assert answers(place) == {"Kim Verbeek": "declined"}


def test_a_later_cancellation_counts_as_a_changed_row_and_as_a_new_one(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM, ELS)
    cancelled = ELS.replace("Ja, graag", "Nee, helaas").replace("3-3-2020", "8-3-2020")
    imported(place, KIM, KIM.replace(";Ja;Ja", ";Nee;").replace("2-3-2020", "7-3-2020"), cancelled)
    assert answers(place) == {"Kim Verbeek": "declined", "Els van der Ven": "declined"}


def test_a_row_that_is_missing_now_is_named_and_asked_about(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM, ELS)
    ran = imported(place, ELS)
    assert "1 is in an earlier export and not in this one: Kim Verbeek" in ran.out
    assert answers(place)["Kim Verbeek"] == "attending"
    words = place.command("answers", "import", EVENT, str(tmp_path / "export.csv"))
    code, screen = typed(
        words, place.environment("2020-03-08T09:00"), tmp_path, [("c = cancelled", "c"), ("Record this?", "y")]
    )
    assert code == 0, screen
    assert answers(place, now="2020-03-08T10:00")["Kim Verbeek"] == "declined"
    assert "not in this one" not in imported(place, ELS, now="2020-03-10T09:00").out


def test_in_a_terminal_the_doubtful_are_asked_about_and_remembered(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write("export.csv", "\n".join((HEADINGS, PASSED_ON)) + "\n")
    words = place.command("answers", "import", EVENT, str(tmp_path / "export.csv"))
    code, screen = typed(
        words, place.environment("2020-03-06T09:00"), tmp_path, [("g for a guest", "g"), ("Record this?", "y")]
    )
    assert code == 0, screen
    assert answers(place) == {"Piet Pieters": "attending"}
    again = imported(place, PASSED_ON, now="2020-03-07T09:00")
    assert "doubtful" not in again.out


def test_a_doubtful_row_is_settled_by_answers_set(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, PASSED_ON)
    assert place.run("answers", "set", EVENT, "Piet Pieters", "ja", now="2020-03-06T10:00").code == 0
    document = place.run("answers", "list", EVENT, "--json", now="2020-03-07T09:00").json
    assert [(each["member"], each["guest"]) for each in document["answers"]] == [("Piet Pieters", True)]
    assert document["to_settle"] == []


def test_an_unknown_answer_is_settled_by_the_members_own_name(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    waiting = KIM.replace(";Ja;Ja", ";wachtlijst;")
    ran = imported(place, waiting)
    assert '"wachtlijst" is not a known answer' in ran.out
    assert answers(place) == {}
    ran = place.run("answers", "set", EVENT, "Kim Verbeek", "misschien", now="2020-03-06T10:00")
    assert ran.code == 0, ran.err
    assert "to be settled" not in imported(place, waiting, now="2020-03-07T09:00").out
    assert answers(place, now="2020-03-08T09:00") == {"Kim Verbeek": "tentative"}


def test_the_list_is_edited_in_excel_and_read_again(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM, ELS, GUEST)
    target = tmp_path / "aanwezig.csv"
    assert place.run("answers", "list", EVENT, "--csv", str(target), now="2020-04-17T09:00").code == 0
    data = target.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and b";" in data
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert [row[2] for row in rows[1:]] == [
        *("Bos, Sanne", "Hart, Lou 't", "Ruiter, Zoë", "Ven, Els van der", "Verbeek, Kim", "Vries, Jan de"),
    ], "everybody of the list, and the guest"
    answer = rows[0].index("answer")
    by_name = {row[1]: row for row in rows}
    by_name["Kim Verbeek"][answer] = "present"
    by_name["Els van der Ven"][answer] = "absent"
    by_name["Sanne Bos"][answer] = "aanwezig geweest"
    by_name["Zoë Ruiter"][answer] = "nee"
    # Somebody telephones while she edits.
    place.run("answers", "set", EVENT, "Jan de Vries", "nee", now="2020-04-17T10:00")
    edited = io.StringIO(newline="")
    csv.writer(edited, delimiter=";").writerows(rows)
    target.write_bytes(edited.getvalue().encode("utf-8-sig"))
    ran = place.run("answers", "import", EVENT, str(target), "--yes", now="2020-04-17T11:00")
    assert ran.code == 0, ran.err
    assert "4 answers recorded." in ran.out
    assert answers(place, now="2020-04-17T12:00") == {
        "Kim Verbeek": "present",
        "Jan de Vries": "declined",
        "Els van der Ven": "absent",
        "Zoë Ruiter": "declined",
        "Sanne Bos": "present",
    }


def test_in_our_own_list_the_words_mean_what_they_mean_at_the_keyboard(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, KIM, ELS)
    target = tmp_path / "lijst.csv"
    place.run("answers", "list", EVENT, "--csv", str(target), now="2020-04-17T09:00")
    text = target.read_text(encoding="utf-8-sig")
    for name, word in (("Kim Verbeek", "aanwezig"), ("Els van der Ven", "afwezig"), ("Zoë Ruiter", "ja")):
        row = next(line for line in text.splitlines() if name in line)
        cells = row.split(";")
        cells[text.splitlines()[0].split(";").index("answer")] = word
        text = text.replace(row, ";".join(cells))
    target.write_text(text, encoding="cp1252")
    assert place.run("answers", "import", EVENT, str(target), "--yes", now="2020-04-17T11:00").code == 0
    document = place.run("answers", "list", EVENT, "--json", now="2020-04-17T12:00").json
    assert {each["member"]: (each["answer"], each["source"]) for each in document["answers"]} == {
        "Kim Verbeek": ("present", "said"),
        "Els van der Ven": ("absent", "said"),
        "Zoë Ruiter": ("attending", "said"),
    }


def test_a_file_that_tells_nobody_is_refused_and_records_nothing(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write("export.csv", "Kleur;Smaak\nrood;zoet\nblauw;zuur\n")
    ran = place.run("answers", "import", EVENT, str(tmp_path / "export.csv"))
    assert ran.code == 65
    assert "no column shows who signed up" in ran.err


def test_a_guest_without_an_address_is_counted(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, "4-3-2020 12:00:00;;Sanne Bos;Tien;Ja;Ja;")
    assert answers(place) == {"Sanne Bos": "attending"}
    assert "guest.invalid" not in place.run("answers", "list", EVENT, "--json").out
    assert place.run("answers", "set", EVENT, "Sanne Bos", "ja").out == "Sanne Bos, Tien: attending\n"
    assert "1 has nothing new" in imported(place, "4-3-2020 12:00:00;;Sanne Bos;Tien;Ja;Ja;").out
