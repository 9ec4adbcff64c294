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
    assert ran.code == 2 and "nobody has said yet to come" in ran.err
