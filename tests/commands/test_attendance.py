"""Attendance in ``status``: for the caterer, the board and the telephone."""

from pathlib import Path

from tests.smtp_server import ScriptedServer
from tests.workplace import HEADINGS, PEOPLE, a_place

EVENT = "directeurendag-2020"
EXPORT = (
    "Tijdstempel;E-mailadres;Naam;Organisatie;Komt u?;Inlooplunch;Dieetwensen\n"
    "2-3-2020 10:00:00;kim@woonstede.example.org;Kim Verbeek;Woonstede;Ja;Ja;vegetarisch\n"
    "3-3-2020 11:00:00;jan@dehaven.example.org;Jan de Vries;De Haven;Nee;;\n"
    "4-3-2020 12:00:00;s.bos@tien.example.org;Sanne Bos;Stichting Tien;Ja;Ja;vegetarisch, geen noten\n"
    "5-3-2020 12:00:00;lou@elf.example.org;Piet Pieters;Elf;Ja;;\n"
)


def test_status_counts_answers_choices_and_who_stays_away(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "550 5.1.1 unknown", recipient="els@dehaven.example.org")
        place = a_place(tmp_path, server.port)
        place.send()
        place.write("export.csv", EXPORT)
        assert (
            place.run("answers", "import", EVENT, str(tmp_path / "export.csv"), "--yes", now="2020-03-06T09:00").code
            == 0
        )
        place.members(*PEOPLE[:4], "Bo;;Blok;geen-adres;Twaalf;lid", headings=HEADINGS)
        ran = place.run("status", EVENT, "--json", now="2020-03-06T10:00")
        people = place.run("status", EVENT, "--skipped", now="2020-03-06T10:00")
    attendance = ran.json["attendance"]
    assert attendance["answers"] == {"attending": 2, "declined": 1}
    assert (attendance["guests"], attendance["to_settle"]) == (1, 1)
    assert attendance["silent"] == 2, "Zoë and Lou were invited; Els never got it"
    assert attendance["questions"] == [
        {"question": "Inlooplunch", "dietary": False, "counts": {"Ja": 2}, "filled": 2},
        {
            "question": "Dieetwensen",
            "dietary": True,
            "counts": {"vegetarisch": 2, "geen noten": 1},
            "filled": 2,
        },
    ]
    assert (attendance["organisations"], attendance["nobody_from"]) == (3, ["De Haven"])
    assert [each["member"] for each in attendance["to_phone"]] == ["Els van der Ven"]
    reasons = {each["member"]: each["reason"] for each in ran.json["not_listed"]}
    assert reasons["Lou 't Hart"] == "has left the member list"
    assert reasons["Bo Blok"].startswith("row 6 of the list is faulty")
    assert "Answers: 2 attending, 1 declined (1 guest among them)" in people.out
    assert "Not represented: 1 of 3 organisations: De Haven" in people.out
    assert "Dieetwensen: 2 x vegetarisch, 1 x geen noten" in people.out
    assert "To telephone: 1" in people.out
    assert f"To settle 1 sign-up: mkwmail answers list {EVENT}" in people.out
    assert people.out.count("Lou 't Hart") == 1
