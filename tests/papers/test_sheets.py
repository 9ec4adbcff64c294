"""The sheets for the day: who is on them, in which order, and what is not."""

import re
import shutil
from pathlib import Path

import pytest

from tests.papers.reading import AFTER, EVENT, attendance, text_of
from tests.workplace import Place, a_place

pytest.importorskip("typst", reason="typst makes the PDFs: pip install 'mkwmail[papers]'")
if shutil.which("pdftotext") is None:
    pytest.skip("pdftotext reads the PDFs: apt-get install poppler-utils", allow_module_level=True)

SIXTY = "Annemarie-Josephina van den Heuvel-Oosterwegel tot Noordwijk"
TWINS = "Kim de Vries"


def signed_up(folder: Path) -> Place:
    """A hundred members who come, two of one name, one of 60 letters, one unlisted, and others."""
    place = a_place(folder)
    names = [f"Voornaam{n} van Achternaam{n:02}" for n in range(96)] + [TWINS, TWINS, SIXTY, "Stille Willem"]
    rows = [f"{name};lid{n}@example.org;Corporatie {n};{'x' * (n == 99)}" for n, name in enumerate(names)]
    rows.append("Afwezige Anna;anna@example.org;Corporatie 0;")
    place.members(*rows, headings="naam;e-mail;organisatie;niet op lijst")
    event = next((place.folder / "events").glob("*.yaml"))
    lunch = "  - time: 12.00\n    title: Inlooplunch\n    optional: true\n  - time: 18.00"
    event.write_text(event.read_text().replace("  - time: 18.00", lunch))
    asked = [(int(n < 4), "notenallergie" * (n < 3), "ja" if n < 10 else "nee") for n in range(len(names))]
    answers = [
        f"{name};lid{n}@example.org;Corporatie {n};ja;{along};{wish};{lunch}"
        for n, (name, (along, wish, lunch)) in enumerate(zip(names, asked, strict=True))
    ]
    answers.append("Afwezige Anna;anna@example.org;Corporatie 0;nee;;;")
    answers.append("Gast Bezoeker;gast@example.net;Bureau;ja;;;nee")
    # Perhaps a member whose name is misspelt: a person must say so.
    answers.append("Voornaam50 van Achtrnaam50;ander@example.net;Corporatie 50;ja;;;nee")
    place.write("a.csv", "\n".join(["naam;e-mail;organisatie;kom je;introducees;dieetwensen;Inlooplunch?", *answers]))
    ran = place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes")
    assert ran.code == 0, ran.err
    return place


def sheet(place: Place, name: str, file: str, *options: str) -> str:
    ran = place.run("papers", EVENT, name)
    assert ran.code == 0, ran.err
    return text_of((place.folder / "papers" / EVENT / f"{file}.pdf").read_bytes(), *options)


def words(text: str) -> str:
    return re.sub(r"[\s\u200b]+", " ", text)


def test_the_sheets_have_everybody_who_comes_and_no_address(tmp_path: Path) -> None:
    place = signed_up(tmp_path)
    files = {"sign-in": "presentielijst", "participants": "deelnemerslijst", "badges": "badges"}
    said = {name: sheet(place, name, file) for name, file in files.items()}
    caterer = sheet(place, "caterer", "aantallen-catering", "-layout")
    for text in (*said.values(), caterer):
        assert "@" not in text and "example" not in text
        assert "Afwezige Anna" not in text
    for name, text in said.items():
        flat = words(text)
        assert flat.count(TWINS) == 2 and SIXTY in flat and "Gast Bezoeker" in flat, name
        assert flat.count("Voornaam50 van Achternaam50") == 1
        assert ("Stille Willem" in flat) == (name != "participants")
    layout = sheet(place, "sign-in", "presentielijst", "-layout")
    order = [layout.index(part) for part in ("Achternaam00", "Achternaam95", TWINS, "Stille Willem", "Gasten")]
    # By the main word of the surname: "van Achternaam", "Heuvel-Oosterwegel", "Vries", "Willem".
    assert order == sorted(order)
    assert "Nog uit te zoeken" in layout and layout.index("Gasten") < layout.index("Nog uit te zoeken")
    assert "Handtekening" in layout and "+ 1 introducé" in layout
    assert "Nog uit te zoeken" not in said["participants"]


def test_the_caterer_gets_totals_and_nobodys_name(tmp_path: Path) -> None:
    place = signed_up(tmp_path)
    text = sheet(place, "caterer", "aantallen-catering", "-layout")
    for line in (r"Aangemeld +101", r"Introducés +4", r"Samen +105", r"Inlooplunch +14", r"notenallergie +3"):
        assert re.search(line, text), f"{line}\n{text}"
    assert "Voornaam" not in text and "1 aanmelding is nog uit te zoeken" in text


def test_no_address_is_in_an_organisation_or_a_wish_either(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members("Kim Verbeek;kim@example.org;kim@example.org", headings="naam;e-mail;organisatie")
    wishes = ("geen vis (mail kim@example.org of bel 06-123 456 78)", "Geen noten voor kim verbeek")
    people = ("Kim Verbeek;kim@example.org", "Jan Gast;jan@example.net")
    rows = [f"{who};ja;{wish}" for who, wish in zip(people, wishes, strict=True)]
    place.write("a.csv", "\n".join(["naam;e-mail;kom je;dieetwensen", *rows]))
    assert place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes").code == 0
    for sheet_name, file in (("sign-in", "presentielijst"), ("badges", "badges"), ("participants", "deelnemerslijst")):
        text = sheet(place, sheet_name, file)
        assert "Kim Verbeek" in text and "@" not in text
    text = sheet(place, "caterer", "aantallen-catering", "-layout")
    assert re.search(r"geen vis \(mail … of bel …\) +1", text) and re.search(r"Geen noten voor … +1", text), text


def test_nothing_on_a_badge_overlaps(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    longest = "Jan de la Casa de la Rosa de la Vega de la Fuente y Villanova"
    place.members(f"{longest};a@example.org;{'Stichting Samenwerking ' * 5}", headings="naam;e-mail;organisatie")
    event = next((place.folder / "events").glob("*.yaml"))
    title = "Directeurendag over de toekomst van samenwerking tussen andersoortige organisaties in Nederland"
    event.write_text(event.read_text().replace("title: Directeurendag", f"title: {title}", 1))
    place.run("answers", "set", EVENT, "a@example.org", "attending")
    boxes = sheet(place, "badges", "badges", "-bbox")
    lines = [
        (float(top), float(bottom), word)
        for top, bottom, word in re.findall(r'yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)">([^<]+)<', boxes)
    ]
    of_title = max(bottom for _top, bottom, word in lines if word in {*title.split()} - {"de"})
    name = [each for each in lines if each[2] in {*longest.split()} - {"de"}]
    of_organisation = [each for each in lines if each[2] in ("Stichting", "Samenwerking")]
    assert len(of_organisation) == 10
    assert of_title < min(top for top, _bottom, _word in name)
    assert max(bottom for _top, bottom, _word in name) < min(top for top, _bottom, _word in of_organisation)
    assert max(bottom for _top, bottom, _word in of_organisation) < (13.5 + 50) / 25.4 * 72


def test_a_sheet_is_not_mailed_to_members_and_not_overwritten(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.run("answers", "set", EVENT, "kim@woonstede.example.org", "attending")
    assert place.run("papers", EVENT, "caterer").code == 0
    made = tmp_path / "papers" / EVENT / "aantallen-catering.pdf"
    (tmp_path / "events" / "aantallen.pdf").hardlink_to(made)
    event = next((place.folder / "events").glob("*.yaml"))
    before = event.read_text()
    for name in (f"../papers/{EVENT}/{made.name}", "aantallen.pdf"):
        event.write_text(before.replace("send: 2020-02-17 09.00", f"send: 2020-02-17 09.00\n    attachments: {name}"))
        checked = place.run("check", EVENT)
        assert checked.code == 65 and "is not mailed: papers/ is for certificates" in " ".join(checked.out.split())
    event.write_text(before)
    ran = place.run("status", EVENT, "--csv", str(made))
    assert ran.code == 2 and made.read_bytes().startswith(b"%PDF")


def test_after_the_day_the_participants_are_those_who_were_there(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    for who in ("kim@woonstede.example.org", "jan@dehaven.example.org"):
        place.run("answers", "set", EVENT, who, "attending")
    attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], ["Jan de Vries;jan@dehaven.example.org;x"])
    ran = place.run("papers", EVENT, "participants", now=AFTER)
    assert ran.code == 0
    text = text_of((tmp_path / "papers" / EVENT / "deelnemerslijst.pdf").read_bytes())
    assert "Kim Verbeek" in text and "Jan de Vries" not in text


def test_a_character_without_a_font_is_a_question_mark_and_said(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members("李明;li@example.org;Tien", headings="naam;e-mail;organisatie")
    place.run("answers", "set", EVENT, "li@example.org", "attending")
    ran = place.run("papers", EVENT, "badges")
    assert ran.code == 0 and "shown as ?: 李 明" in ran.err
    assert "??" in text_of((tmp_path / "papers" / EVENT / "badges.pdf").read_bytes())


def test_nobody_comes_yet(tmp_path: Path) -> None:
    ran = a_place(tmp_path).run("papers", EVENT)
    assert ran.code == 2 and "nobody has signed up" in ran.err
