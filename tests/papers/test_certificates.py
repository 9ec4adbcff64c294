"""Certificates of attendance: made, sent with the thanks, kept to the byte, and made again."""

import hashlib
import re
import shutil
import sqlite3
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.commands.test_personal_files import files, parsed, taken
from tests.keyboard import typed
from tests.papers.reading import AFTER, CERTIFICATE, EVENT, attendance, no_typst, text_of, with_certificates
from tests.smtp_server import ScriptedServer
from tests.workplace import HEADINGS, Place, Ran

pytest.importorskip("typst", reason="typst makes the PDFs: pip install 'mkwmail[papers]'")
for tool in ("pdftotext", "qpdf"):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} reads the PDFs: apt-get install poppler-utils qpdf", allow_module_level=True)


def people(count: int) -> list[str]:
    return [f"Voornaam{n};;Achternaam{n};lid{n}@example.org;Corporatie {n};directeur" for n in range(count)]


def everybody(place: Place) -> tuple[list[str], list[str]]:
    """45 members and 3 guests: 40 members and the guests were there."""
    place.members(*people(45), headings=HEADINGS)
    listed = [f"Voornaam{n} Achternaam{n};lid{n}@example.org;Corporatie {n}" for n in range(45)]
    guests = [f"Gast Gastenberg{n};gast{n}@example.net;Bureau {n}" for n in range(3)]
    attendance(place, listed[:40] + guests, listed[40:])
    names = [f"Voornaam{n} Achternaam{n}" for n in range(40)] + [f"Gast Gastenberg{n}" for n in range(3)]
    return names, [f"lid{n}@example.org" for n in range(40)] + [f"gast{n}@example.net" for n in range(3)]


def test_who_was_there_gets_their_own_certificate_and_nobody_else_any(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        names, addresses = everybody(place)
        proposed = place.run("send", EVENT, "thanks", "--dry-run", now=AFTER)
        assert "43 with a certificate" in proposed.out, proposed.out + proposed.err
        ran = place.run("send", EVENT, "thanks", "--yes", now=AFTER)
        assert ran.code == 0, ran.err
        mails = {address: parsed(each.data) for address, each in taken(server).items()}
    assert sorted(mails) == sorted(addresses)
    numbers = set()
    for name, address in zip(names, addresses, strict=True):
        ((file, pdf),) = files(mails[address]).items()
        assert file == f"bewijs-van-deelname-{EVENT}.pdf"
        said = text_of(pdf)
        assert [each for each in names if re.search(rf"\b{each}\b", said)] == [name]
        numbers.update(re.findall(rf"{EVENT}/[A-Z0-9]{{4}}-[A-Z0-9]{{4}}", said))
        text = mails[address].get_body(("plain",))
        assert text is not None and "Je bewijs van deelname zit als bijlage" in text.get_content()
    assert len(numbers) == 43
    for part in (
        "MKW Platform",
        "Directeurendag",
        "donderdag 16 april 2020",
        "De Moestuin",
        "4 uur",
        "erkend, nummer 12",
    ):
        assert part in said
    assert "Lilian van Zandbrink" in said and "Afgegeven op 20 april 2020" in said
    status = place.run("status", EVENT, "--certificates", now=AFTER)
    assert status.out.count(f"{EVENT}/") == 43 and "Gast Gastenberg1" in status.out
    assert len(place.run("status", EVENT, "--certificates", "--json", now=AFTER).json["certificates"]) == 43


def test_the_pdf_is_accessible_dutch_and_one_page(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
    assert place.run("papers", EVENT, "certificates", now=AFTER).code == 0
    (path,) = (place.folder / "papers" / EVENT).glob("*.pdf")
    assert re.fullmatch(r"Verbeek, Kim, bewijs van deelname [A-Z0-9]{4}-[A-Z0-9]{4}\.pdf", path.name)
    info = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Pages: +1$", info, re.MULTILINE) and re.search(r"^Tagged: +yes$", info, re.MULTILINE)
    meta = subprocess.run(["pdfinfo", "-meta", path], capture_output=True, text=True, check=True).stdout
    assert "<pdfuaid:part>1</pdfuaid:part>" in meta and "Kim Verbeek" in meta
    assert subprocess.run(["qpdf", "--check", path], capture_output=True, check=False).returncode == 0
    plain = subprocess.run(["qpdf", "--qdf", "--object-streams=disable", path, "-"], capture_output=True, check=True)
    assert re.search(rb"/Lang \(nl", plain.stdout)
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts and all(re.search(r"\byes yes yes\b", line) for line in fonts)


def test_a_retry_a_second_copy_and_what_is_shown_later_are_the_same_bytes(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("DOT", "451 4.7.1 later", recipient="kim@woonstede.example.org")
        place = with_certificates(tmp_path, server.port)
        attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
        assert place.run("send", EVENT, "thanks", "--yes", now=AFTER).code == 75
        server.off("DOT")
        # Typst is not there any more, and none is needed.
        without = {"PYTHONPATH": str(no_typst(tmp_path))}
        assert place.run("send", EVENT, "thanks", "--yes", now="2020-04-22T09:00", **without).code == 0
        first, second = (each.data for each in server.taken)
    assert first == second
    (pdf,) = files(parsed(first)).values()
    again = place.run("papers", EVENT, "certificates", "--member", "Kim Verbeek", now="2020-05-20T09:00", **without)
    assert again.code == 0, again.err
    (path,) = (place.folder / "papers" / EVENT).glob("*.pdf")
    assert path.read_bytes() == pdf
    words = ("preview", EVENT, "thanks", "--sent", "--member", "kim", "--eml", str(tmp_path / "eml"))
    shown = place.run(*words, now="2025-01-01T09:00", **without)
    assert shown.code == 0, shown.err
    (eml,) = (tmp_path / "eml").glob("*.eml")
    assert eml.read_bytes() == first


def test_who_has_left_the_list_gets_the_same_bytes_again(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
    place.run("papers", EVENT, "certificates", now=AFTER)
    (path,) = (place.folder / "papers" / EVENT).glob("Verbeek*.pdf")
    first = path.read_bytes()
    assert "directeur bij Woonstede" in text_of(first)
    place.members("Jan;de;Vries;jan@dehaven.example.org;De Haven;lid")
    path.unlink()
    words = ("papers", EVENT, "certificates", "--member", "Kim Verbeek")
    ran = place.run(*words, now="2024-05-01T09:00", PYTHONPATH=no_typst(tmp_path))
    assert ran.code == 0 and path.read_bytes() == first, ran.err
    # A correction of the event applies to them too, and they stay what they were.
    event = next((place.folder / "events").glob("*.yaml"))
    event.write_text(event.read_text().replace("hours: 4", "hours: 5"))
    assert place.run(*words, now="2024-05-01T09:00").code == 0
    said = text_of(path.read_bytes())
    assert "directeur bij Woonstede" in said and "5 uur" in said and "Afgegeven op 1 mei 2024" in said


def test_a_corrected_name_is_a_new_document_with_the_same_number(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
    place.run("papers", EVENT, "certificates", now=AFTER)
    folder = place.folder / "papers" / EVENT
    before = text_of(next(folder.glob("*.pdf")).read_bytes())
    place.members("Kim;;Verbeeck;kim@woonstede.example.org;Woonstede;directeur")
    assert place.run("papers", EVENT, "certificates", now="2020-05-04T09:00").code == 0
    after = text_of(next(folder.glob("Verbeeck*.pdf")).read_bytes())
    assert "Kim Verbeeck" in after and "Afgegeven op 4 mei 2020" in after and "Afgegeven op 20 april 2020" in before
    number = re.search(rf"{EVENT}/\S+", before)
    assert number is not None and number[0] in after


def test_a_correction_brings_the_certificates_that_said_something_wrong(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
        assert place.run("send", EVENT, "thanks", "--yes", now=AFTER).code == 0
        event = next((place.folder / "events").glob("*.yaml"))
        later = "  correction: {latest: 2020-05-15}\n  thanks:"
        event.write_text(event.read_text().replace("hours: 4", "hours: 3.5").replace("  thanks:", later))
        ran = place.run("send", EVENT, "correction", "--yes", now="2020-04-21T09:00")
        assert ran.code == 0, ran.err
        first, second = (parsed(each.data) for each in server.taken)
    text = second.get_body(("plain",))
    assert text is not None
    said = " ".join(text.get_content().split())
    assert "Duur: 4 uur" in said and "Duur: 3,5 uur" in said, said
    (before,), (after,) = ([text_of(pdf) for pdf in files(mail).values()] for mail in (first, second))
    number = re.search(rf"{EVENT}/\S+", before)
    assert "4 uur" in before and "3,5 uur" in after and number is not None and number[0] in after


BOTH = ("kim@woonstede.example.org", "jan@dehaven.example.org")


def corrected(folder: Path, absent: tuple[str, ...], thanks: str = "") -> tuple[Place, Ran, dict[str, EmailMessage]]:
    """Send the thanks, then a correction of the hours. ``absent`` after all; ``thanks``: added to the file."""
    kim, jan = BOTH
    with ScriptedServer() as server:
        place = with_certificates(folder, server.port)
        attendance(place, [f"Kim Verbeek;{kim};Woonstede", f"Jan de Vries;{jan};De Haven"], [])
        assert place.run("send", EVENT, "thanks", "--yes", now=AFTER).code == 0
        for address in absent:
            assert place.run("answers", "set", EVENT, address, "absent", now=AFTER).code == 0
        event = next((place.folder / "events").glob("*.yaml"))
        later = f"  correction: {{latest: 2020-05-15}}\n  thanks:{thanks}"
        event.write_text(event.read_text().replace("hours: 4", "hours: 3.5").replace("  thanks:", later))
        server.taken.clear()
        ran = place.run("send", EVENT, "correction", "--yes", now="2020-04-21T09:00")
        assert ran.code == 0, ran.err
        return place, ran, {address: parsed(each.data) for address, each in taken(server).items()}


@pytest.mark.parametrize("absent", [BOTH[1:], BOTH])
def test_a_correction_encloses_nothing_for_those_who_turn_out_to_have_been_absent(
    tmp_path: Path, absent: tuple[str, ...]
) -> None:
    kim, jan = BOTH
    place, ran, mails = corrected(tmp_path, absent)
    # Only the certificate said something wrong, and that is for those who were there.
    assert {address: len(files(mail)) for address, mail in mails.items()} == {
        address: 1 for address in (kim, jan) if address not in absent
    }
    assert "gets no certificate, and nothing else has changed" in ran.out, ran.out
    for mail in mails.values():
        text = mail.get_body(("plain",))
        assert text is not None and "Bijlage: bewijs-van-deelname" in text.get_content()
    # Neither is one made for them again.
    again = place.run("papers", EVENT, "certificates", "--member", jan, now="2020-04-22T09:00")
    assert again.code != 0 and not list((place.folder / "papers").glob("**/Vries*.pdf")), again.out


def test_a_correction_of_the_thanks_speaks_of_no_certificate_to_the_absent_and_asks_nobody_to_come(
    tmp_path: Path,
) -> None:
    kim, jan = BOTH
    _place, _ran, mails = corrected(tmp_path, (jan,), "\n    text: Het was een mooie middag.")
    assert set(mails) == {kim, jan}
    for address, mail in mails.items():
        bodies = [part.get_content() for part in mail.walk() if part.get_content_type() in ("text/plain", "text/html")]
        said = " ".join(" ".join(bodies).split())
        assert "Het was een mooie middag." in said
        assert ("Bewijs" in said) == ("Duur: 3,5 uur" in said) == (address == kim), said
        assert "gesloten" not in said and "toch komen" not in said and "Aanmelden" not in said, said


@pytest.mark.parametrize(
    ("certificate", "points", "sentence"),
    [
        (CERTIFICATE, "true", "pe_points: a certificate needs this: the number of PE points, or false"),
        ("certificate: {signed_by: Lilian}", "4", "certificate: hours: a certificate needs this: the number of hours"),
        ("certificate: {hours: 4}", "false", "certificate: signed_by: a certificate needs this: who signs"),
        (CERTIFICATE[:-1] + ", letterhead: brief.svg}", "4", 'letterhead: there is no file "brief.svg" in events'),
    ],
)
def test_what_is_missing_holds_up_the_thanks_alone_and_only_from_the_day_on(
    tmp_path: Path, certificate: str, points: str, sentence: str
) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port, certificate, points)
        early = place.run("check", EVENT)
        assert early.code == 0, early.out
        assert "still to be filled in" in early.out or sentence in early.out
        assert place.send().code == 0
        attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
        late = place.run("check", EVENT, now=AFTER)
        assert late.code == 65 and sentence in late.out, late.out
        count = len(server.taken)
        ran = place.run("send", EVENT, "thanks", "--yes", now=AFTER)
        assert ran.code == 65 and sentence in ran.err and len(server.taken) == count


def test_nobody_present_is_a_fault_of_the_thanks(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    ran = place.run("send", EVENT, "thanks", "--yes", now=AFTER)
    assert ran.code != 0 and "Traceback" not in ran.err
    checked = place.run("check", EVENT, now=AFTER)
    assert "nobody is recorded as present" in checked.out + ran.err


def test_before_the_day_nobody_is_sent_an_example(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        place.run("answers", "set", EVENT, "kim@woonstede.example.org", "attending")
        shown = place.run("preview", EVENT, "thanks")
        assert f"voorbeeld-bewijs-van-deelname-{EVENT}.pdf" in shown.out
        assert place.run("send", EVENT, "thanks", "--rehearse", "--yes").code == 0
        ran = place.run("send", EVENT, "thanks", "--yes")
        assert ran.code == 2 and "the day of the event is still to come" in ran.err and not server.taken
    assert place.run("papers", EVENT, "certificates").code == 0
    (path,) = (place.folder / "papers" / EVENT).glob("voorbeeld*.pdf")
    assert f"{EVENT}/VOOR-BEELD" in text_of(path.read_bytes())


ODD = (
    "Jan *#$@\\ 'de' \"Boer\"",
    "IJsbrand Ĳsbrandsen",
    "Groß Straẞe",
    "Łukasz Wałęsa",
    "Győző Nagy",
    "Ελένη Παπαδοπούλου",
    "#set page(width: 1cm)",
    "$x^2$ `raw` <b>vet</b> &amp; {{ 7*7 }} [link](x)",
    "**Vet** _Schuin_ <jan>",
)


def test_names_with_odd_characters_are_right_or_refused_with_row_and_character(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    rows = [f'Jan;"{name.replace(chr(34), chr(34) * 2)}";lid{number}@example.org' for number, name in enumerate(ODD)]
    place.members(*rows, headings="voornaam;achternaam;e-mail")
    listed = place.run("check", EVENT).out
    right = [number for number in range(len(ODD)) if f"leden.csv:{number + 2}:" not in listed]
    assert len(right) >= 6
    for number in right:
        assert place.run("answers", "set", EVENT, f"lid{number}@example.org", "present", now=AFTER).code == 0
    assert place.run("papers", EVENT, "certificates", now=AFTER).code == 0
    said = [text_of(path.read_bytes()) for path in (place.folder / "papers" / EVENT).glob("*.pdf")]
    for number in right:
        assert sum(f"Jan {ODD[number]}" in each for each in said) == 1, ODD[number]
    place.members("李明;li@example.org", "Jan 🎉 Feest;jan@example.org", headings="naam;e-mail")
    early = place.run("check", EVENT)
    assert 'leden.csv:2: the certificate cannot show "李" in "李明"' in early.out, early.out
    for who in ("li@example.org", "jan@example.org"):
        place.run("answers", "set", EVENT, who, "present", now=AFTER)
    late = place.run("check", EVENT, now=AFTER)
    assert late.code == 65 and 'leden.csv:2: the certificate cannot show "明" in "李明"' in late.out


def test_a_name_that_is_too_long_and_a_text_that_needs_two_pages_are_faults(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    sixty = "Annemarie-Josephina van den Heuvel-Oosterwegel tot Noordwijk"
    place.members(f"{sixty};a@example.org", f"{'W' * 90};b@example.org", headings="naam;e-mail")
    out = place.run("check", EVENT).out
    assert f'leden.csv:3: "{"W" * 90}" is too long for the certificate: 90 characters' in out.replace("\n      ", " ")
    assert "leden.csv:2: " not in out
    place.write("templates/certificate.md", "# Bewijs\n\n## {{ member.name }}\n\n" + "Een lange tekst. " * 900)
    assert "does not fit on one page" in place.run("check", EVENT).out
    place.write("templates/certificate.md", "# Bewijs\n\nVoor {{ member.naam }}\n")
    wrong = place.run("check", EVENT)
    assert wrong.code == 65 and "templates/certificate.md:3" in wrong.out


def test_hours_and_points_of_ones_own_come_from_the_attendance_list(tmp_path: Path) -> None:
    place = with_certificates(tmp_path, points="true")
    attendance(
        place,
        ["Kim Verbeek;kim@woonstede.example.org;Woonstede;2,5;2", "Zoë Ruiter;zoe@tien.example.org;Tien;;3"],
        [],
        more=";uren;punten",
    )
    assert place.run("papers", EVENT, "certificates", now=AFTER).code == 0
    folder = place.folder / "papers" / EVENT
    kim, zoe = (text_of(next(folder.glob(f"{name}*.pdf")).read_bytes(), "-layout") for name in ("Verbeek", "Ruiter"))
    assert re.search(r"Duur +2,5 uur", kim) and re.search(r"PE-punten +2\n", kim)
    assert re.search(r"Duur +4 uur", zoe) and re.search(r"PE-punten +3\n", zoe)
    # The same list again changes nothing, so that one `undo` takes all of it back.
    again = place.run("answers", "import", EVENT, str(place.folder / "presentie.csv"), "--yes", now=AFTER)
    assert again.code == 0
    assert place.run("answers", "undo", EVENT, now=AFTER).code == 0
    assert "nobody is recorded as present" in place.run("check", EVENT, now=AFTER).out
    for who in ("kim@woonstede.example.org", "zoe@tien.example.org"):
        place.run("answers", "set", EVENT, who, "present", now=AFTER)
    assert "pe_points: a certificate needs this" in place.run("check", EVENT, now=AFTER).out


def test_hours_and_points_that_are_no_number_are_named_once_and_not_used(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    lines = ("Kim Verbeek;kim@woonstede.example.org;-1;abc;ja", "Zoë Ruiter;zoe@tien.example.org;4:30;0,5;ja")
    place.write("a.csv", "\n".join(["naam;e-mail;uren;punten;ingecheckt", *lines]))
    ran = place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes", now="2020-04-17T09:00")
    assert "rows 2, 3: the hours or points are not numbers, so the event's apply" in ran.err
    assert place.run("papers", EVENT, "certificates", now=AFTER).code == 0
    folder = place.folder / "papers" / EVENT
    kim, zoe = (text_of(next(folder.glob(f"{name}*.pdf")).read_bytes(), "-layout") for name in ("Verbeek", "Ruiter"))
    assert re.search(r"Duur +4 uur", kim) and re.search(r"PE-punten +4\n", kim)
    assert re.search(r"Duur +4 uur", zoe) and re.search(r"PE-punten +0,5\n", zoe)


def test_letterhead_and_signature_are_pictures_and_their_text_has_a_font(tmp_path: Path) -> None:
    place = with_certificates(tmp_path, certificate=CERTIFICATE[:-1] + ", letterhead: brief.svg}")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="50">{}</svg>'
    place.write("events/brief.svg", svg.format('<rect width="200" height="50" fill="#14545e"/>'))
    attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
    assert place.run("papers", EVENT, "certificates", now=AFTER).code == 0
    place.write("events/brief.svg", svg.format('<text y="30" font-family="Corbel">MKW</text>'))
    wrong = place.run("check", EVENT, now=AFTER)
    assert '"brief.svg" has text in the font Corbel' in wrong.out and wrong.code == 65
    place.write("events/brief.svg", "%PDF-1.7")
    assert '"brief.svg" is not an SVG or PNG file' in place.run("check", EVENT, now=AFTER).out
    attendance(place, ["Zoë Ruiter;zoe@tien.example.org;Tien"], [])
    linked = (
        '<image xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="file:///etc/hostname" width="9" height="9"/>'
    )
    for broken in ("<svg <rect", svg.format(linked)):
        place.write("events/brief.svg", broken)
        out = place.run("check", EVENT, now=AFTER).out
        assert out.count('letterhead: "brief.svg" cannot be shown: failed to') == 1 and "fix 1 fault" in out, out


def test_forget_and_purge_leave_no_certificate_behind(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        listed = ["Kim Verbeek;kim@woonstede.example.org;Woonstede", "Zoë Ruiter;zoe@tien.example.org;Tien"]
        attendance(place, listed, [])
        place.run("send", EVENT, "thanks", "--yes", now=AFTER)
    place.run("papers", EVENT, "certificates", now=AFTER)
    theirs = place.run("about", "kim@woonstede.example.org", now=AFTER).out
    for part in (
        "Certificates of attendance",
        "Kim Verbeek directeur bij Woonstede heeft deelgenomen",
        "Duur: 4 uur",
        "certificates --member",
    ):
        assert part in " ".join(theirs.split()), theirs
    assert f"attachments: bewijs-van-deelname-{EVENT}.pdf" in " ".join(theirs.split())
    assert "Zoë" not in theirs
    said = place.run("forget", "kim@woonstede.example.org", "--yes", now=AFTER)
    assert said.code == 0 and "1 certificate: it cannot be made again" in said.out
    assert not (place.folder / "papers").exists()
    database = place.folder / "mkwmail-test.db"
    assert kept(database) == {"files": 1, "certificates": 1, "files_of": 1}
    place.run("papers", EVENT, "certificates", now=AFTER)
    # The papers of another event stay.
    other = place.folder / "papers" / "dag-2021" / "presentielijst.pdf"
    other.parent.mkdir()
    other.write_bytes(b"%PDF-1.7")
    said = place.run("purge", EVENT, "--yes", now="2022-01-01T09:00")
    assert said.code == 0 and "certificate" in said.out
    assert kept(database) == {"files": 0, "certificates": 0, "files_of": 0}
    assert not (place.folder / "papers" / EVENT).exists() and other.exists()
    assert b"%PDF" not in database.read_bytes()


def kept(database: Path) -> dict[str, int]:
    with sqlite3.connect(database) as ledger:
        tables = ("files", "certificates", "files_of")
        return {table: ledger.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def test_without_typst_everything_else_works(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        without = {"PYTHONPATH": no_typst(tmp_path)}
        checked = place.run("check", EVENT, **without)
        assert checked.code == 0 and "typst is not installed" in checked.out
        ran = place.run("send", EVENT, "invitation", "--yes", **without)
        assert ran.code == 0 and len(server.taken) == 5
        attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
        ran = place.run("send", EVENT, "thanks", "--yes", now=AFTER, **without)
        assert ran.code == 78 and "pip install 'mkwmail[papers]'" in ran.err and len(server.taken) == 5
        ran = place.run("papers", EVENT, "sign-in", now=AFTER, **without)
        assert ran.code == 78 and "pip install 'mkwmail[papers]'" in ran.err


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for number in ("1", "2"):
        place = with_certificates(tmp_path / number)
        assert place.run("papers", EVENT, "certificates").code == 0
        (path,) = (place.folder / "papers" / EVENT).glob("voorbeeld*.pdf")
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_confirmation_says_how_many_certificates_go_along(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        event = next((place.folder / "events").glob("*.yaml"))
        # Also somebody who was not there is thanked, without a certificate.
        event.write_text(event.read_text().replace("  thanks:", "  thanks:\n    audience: everyone"))
        attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], ["Zoë Ruiter;zoe@tien.example.org;Tien"])
        environment = place.environment(AFTER, MKWMAIL_LANG="nl")
        answers = (("5 mails, 1 met bewijs van deelname", "5"),)
        code, screen = typed(place.command("send", EVENT, "thanks"), environment, place.folder, answers)
        assert code == 0, screen
        mails = {address: parsed(each.data) for address, each in taken(server).items()}
    assert [address for address, mail in mails.items() if files(mail)] == ["kim@woonstede.example.org"]
    text = mails["zoe@tien.example.org"].get_body(("plain",))
    assert text is not None and "bewijs van deelname" not in text.get_content()
    checked = place.run("check", EVENT, "--json", now=AFTER)
    assert [each["certificates"] for each in checked.json["mailings"] if each["mailing"] == "thanks"] == [1]


def test_thanks_that_were_approved_early_bring_the_certificates_when_they_are_due(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        assert place.run("schedule", EVENT, "thanks", "--yes", now="2020-04-10T10:00").code == 0
        # As long as nobody is recorded as present, the thanks wait, and say why.
        place.run("answers", "set", EVENT, "kim@woonstede.example.org", "attending", now="2020-04-10T10:00")
        told = place.run("due", now="2020-04-20T09:30")
        assert told.code == 65 and "nobody is recorded as present" in told.err, told.err
        assert not [each for each in server.taken if "secretaris@example.org" not in each.recipients]
        attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
        ran = place.run("due", now="2020-04-20T10:30")
        assert ran.code == 0, ran.err
        (kim,) = (each for each in server.taken if "kim@woonstede.example.org" in each.recipients)
    assert files(parsed(kim.data)).keys() == {f"bewijs-van-deelname-{EVENT}.pdf"}


_CHANGED = {
    "events/brief.svg": "certificate: brief.svg has changed",
    "templates/certificate.md": "templates/certificate.md has changed",
    "hours": '+ "hours": 5',
}


@pytest.mark.parametrize("changed", _CHANGED)
def test_what_a_certificate_says_is_part_of_the_approval(tmp_path: Path, changed: str) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port, certificate=CERTIFICATE[:-1] + ", letterhead: brief.svg}")
        svg = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="50"><rect width="{}" height="50"/></svg>'
        place.write("events/brief.svg", svg.format(200))
        attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
        assert place.run("schedule", EVENT, "thanks", "--yes", now="2020-04-18T10:00").code == 0
        if changed == "hours":
            event = next((place.folder / "events").glob("*.yaml"))
            event.write_text(event.read_text().replace("hours: 4", "hours: 5"))
        else:
            place.write(changed, svg.format(100) if changed.endswith("svg") else "# Bewijs\n\n## {{ member.name }}\n")
        told = place.run("due", now="2020-04-20T09:30")
        assert told.code == 78 and _CHANGED[changed] in told.err, told.err
        assert not [each for each in server.taken if "kim@woonstede.example.org" in each.recipients]


def test_a_rehearsal_after_the_day_keeps_nothing(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede"], [])
    ran = place.run("send", EVENT, "thanks", "--rehearse", "--yes", now=AFTER)
    assert ran.code == 0, ran.err
    (mail,) = (place.folder / "rehearsal").glob("*.eml")
    assert len(files(parsed(mail.read_bytes()))) == 1
    assert kept(place.folder / "mkwmail-test.db") == {"files": 0, "certificates": 0, "files_of": 0}


def test_who_left_the_list_and_was_not_there_is_told_so(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_certificates(tmp_path, server.port)
        assert place.send().code == 0
    place.members("Jan;de;Vries;jan@dehaven.example.org;De Haven;lid")
    words = ("papers", EVENT, "certificates", "--member", "kim@woonstede.example.org")
    late = place.run(*words, now=AFTER)
    assert late.code == 2 and "Kim Verbeek is not recorded as present" in late.err
    assert place.run(*words).code == 0
    (path,) = (place.folder / "papers" / EVENT).glob("voorbeeld*.pdf")
    assert "Kim Verbeek" in text_of(path.read_bytes())


def test_who_was_there_and_has_no_address_is_named(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    attendance(place, ["Kim Verbeek;kim@woonstede.example.org;Woonstede", "Gast Zonder;;Bureau"], [])
    for words in (("check", EVENT), ("send", EVENT, "thanks", "--dry-run")):
        said = " ".join(place.run(*words, now=AFTER).out.split())
        assert "1 person with a certificate has no mail address: Gast Zonder" in said
        assert f"print it: mkwmail papers {EVENT} certificates" in said
    assert place.run("papers", EVENT, "certificates", now=AFTER).code == 0
    assert list((place.folder / "papers" / EVENT).glob("Zonder, Gast*.pdf"))


def test_two_people_of_one_name_have_two_files(tmp_path: Path) -> None:
    place = with_certificates(tmp_path)
    place.members(
        "Kim de Vries;a@example.org;Een", "Kim de Vries;b@example.org;Twee", headings="naam;e-mail;organisatie"
    )
    for who in ("a@example.org", "b@example.org"):
        place.run("answers", "set", EVENT, who, "present", now=AFTER)
    assert place.run("papers", EVENT, "certificates", now=AFTER).code == 0
    said = [text_of(path.read_bytes()) for path in (place.folder / "papers" / EVENT).glob("*.pdf")]
    assert sorted("Een" in each for each in said) == [False, True]
