"""Members left out, and the plan's reasons: `skip`, answers with their day, guests, one per corporation."""

from pathlib import Path

import pytest

from tests.workplace import EVENT as EVENT_FILE
from tests.workplace import Place, a_place

EVENT = "directeurendag-2020"
KIM = "kim@woonstede.example.org"
HEADINGS = "Tijdstempel;E-mailadres;Naam;Organisatie;Komt u?"


def planned(place: Place, mailing: str, now: str) -> tuple[int, dict[str, str]]:
    """How many a mailing would go to, and the reasons of those it would not."""
    ran = place.run("send", EVENT, mailing, "--dry-run", "--json", now=now)
    assert ran.code in (0, 75), ran.err
    return ran.json["planned"], {each["member"]: each["reason"] for each in ran.json["skipped"]}


def imported(place: Place, *rows: str) -> None:
    place.write("export.csv", "\n".join((HEADINGS, *rows)) + "\n")
    ran = place.run("answers", "import", EVENT, str(place.folder / "export.csv"), "--yes", now="2020-03-05T09:00")
    assert ran.code == 0, ran.err


def test_who_is_skipped_gets_nothing_until_it_is_undone(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert place.run("skip", "Kim Verbeek", "--reason", "met pensioen").code == 0
    count, reasons = planned(place, "invitation", "2020-02-17T09:00")
    assert (count, reasons) == (4, {"Kim Verbeek": "not to be mailed: met pensioen"})
    assert place.run("skip", KIM, "--undo").code == 0
    assert planned(place, "invitation", "2020-02-17T09:00") == (5, {})


def test_a_word_about_one_event_is_about_that_one(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    text = EVENT_FILE.read_text(encoding="utf-8")
    place.write("events/najaar.yaml", text.replace(EVENT, "najaarsdag-2020"))
    assert place.run("skip", KIM, "--event", "najaarsdag-2020", "--reason", "organiseert mee").code == 0
    assert planned(place, "invitation", "2020-02-17T09:00") == (5, {})


@pytest.mark.parametrize("words", [("skip", KIM), ("skip", KIM, "--undo"), ("skip", "Niemand", "--reason", "x")])
def test_a_word_without_a_reason_or_a_person_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert a_place(tmp_path).run(*words).code == 2


def test_the_plan_says_when_somebody_signed_up_or_declined(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(
        place,
        f"3-3-2020 10:00;{KIM};Kim Verbeek;Woonstede;Ja",
        "4-3-2020 10:00;lou@elf.example.org;Lou 't Hart;Elf;Nee",
    )
    _count, reasons = planned(place, "reminder", "2020-03-23T09:00")
    assert reasons["Kim Verbeek"] == "signed up on 3 March 2020"
    assert reasons["Lou 't Hart"] == "declined on 4 March 2020"


def test_a_guest_gets_the_practical_mail_and_is_never_invited(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(place, "3-3-2020 10:00;s.bos@tien.example.org;Sanne Bos;Tien;Ja")
    count, _reasons = planned(place, "practical", "2020-04-09T09:00")
    assert count == 1
    ran = place.run("send", EVENT, "practical", "--dry-run", now="2020-04-09T09:00")
    assert "Sanne Bos is not a member, comes as a guest, and gets it too" in ran.out
    assert "left the list" not in place.run("check", EVENT, now="2020-04-09T09:00").out
    count, reasons = planned(place, "invitation", "2020-03-09T09:00")
    assert count == 5 and "Sanne Bos" not in reasons


def test_a_guest_whom_no_mail_can_reach_is_named(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    imported(
        place,
        "3-3-2020 10:00;;Sanne Bos;Tien;Ja",
        "3-3-2020 10:00;piet@@tien.example.org;Piet Mol;Tien;Ja",
        "3-3-2020 10:00;;Wim Vis;Tien;Nee",
    )
    for mailing, now in (("practical", "2020-04-09T09:00"), ("cancellation", "2020-04-09T09:00")):
        _count, reasons = planned(place, mailing, now)
        assert (
            reasons["Sanne Bos"]
            == reasons["Piet Mol"]
            == "comes as a guest, and no address is known that can be mailed"
        )
        assert "Wim Vis" not in reasons
    _count, reasons = planned(place, "invitation", "2020-03-09T09:00")
    assert "Sanne Bos" not in reasons


@pytest.mark.parametrize("one", [True, False])
def test_a_guest_counts_for_the_corporation_if_one_is_enough(tmp_path: Path, one: bool) -> None:
    place = a_place(tmp_path)
    if one:
        text = EVENT_FILE.read_text(encoding="utf-8")
        assert "one_per_organisation: false" in text
        changed = text.replace("one_per_organisation: false", "one_per_organisation: true")
        place.write(f"events/{EVENT_FILE.name}", changed)
    imported(place, "3-3-2020 10:00;s.bos@tien.example.org;Sanne Bos;Tien;Ja")
    _count, reasons = planned(place, "reminder", "2020-03-23T09:00")
    assert (reasons.get("Zoë Ruiter") == "a colleague of Tien comes") is one
