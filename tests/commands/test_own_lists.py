"""Lists as they come: headings of one's own, rows that Excel hides, members without an address."""

import io
import re
import stat
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.browser import a_browser, needs_chromium
from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, a_place

EVENT = "directeurendag-2020"
NOW = "2020-02-17T09:00"
OWN = "Directeur;T.a.v.;Mailbox;Woningcorporatie"
ROWS = ("Kim Verbeek;secretariaat;kim@woonstede.example.org;Woonstede", "Jan Vries;balie;jan@haven.example.org;Haven")

needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


@needs_terminal
def test_headings_of_ones_own_are_asked_once_and_written_with_the_comments_kept(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.settings(9, "# over ons\nhours: {from: 8.00, to: 20.00}  # kantooruren\n")
    place.members(*ROWS, headings=OWN)
    before = (place.folder / "mkwmail.yaml").read_text(encoding="utf-8")
    answers = [("Which column holds the addresses?", "1"), ("Which column holds the names?", "1")]
    code, screen = typed(place.command("check", EVENT), place.environment(NOW), place.folder, answers)
    assert code == 0, screen
    assert "1  Mailbox" in screen and "1  Directeur" in screen and "2  T.a.v." in screen
    after = (place.folder / "mkwmail.yaml").read_text(encoding="utf-8")
    assert after.startswith(before.rstrip("\n")) and 'naam: "Directeur"' in after and 'e-mail: "Mailbox"' in after
    ran = place.run("preview", EVENT, "invitation", "--json")
    assert [mail["to"] for mail in ran.json["mails"]] == [
        "Kim Verbeek <kim@woonstede.example.org>",
        "Jan Vries <jan@haven.example.org>",
    ]


@needs_terminal
def test_settings_keep_their_line_ends_mode_and_link(tmp_path: Path) -> None:
    place = a_place(tmp_path / "map")
    rows = [row.replace("secretariaat", "Anna Bos").replace("balie", "Piet Kuiper") for row in ROWS]
    place.members(*rows, headings=OWN.replace("Mailbox", "E-mail"))
    path, real = place.folder / "mkwmail.yaml", tmp_path / "elders.yaml"
    real.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    real.chmod(0o640)
    path.unlink()
    path.symlink_to(real)
    answers = [("Which column holds the names?", "2")]
    code, screen = typed(place.command("check", EVENT), place.environment(NOW), place.folder, answers)
    assert code == 0, screen
    written = real.read_bytes()
    assert path.is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640
    assert b'naam: "T.a.v."' in written and written.count(b"\r\n") == written.count(b"\n")


@needs_terminal
def test_who_does_not_know_the_column_gets_the_fault_and_nothing_is_written(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(*ROWS, headings=OWN.replace("Mailbox", "E-mail"))
    before = (place.folder / "mkwmail.yaml").read_bytes()
    answers = [("Which column holds the names?", "")]
    code, screen = typed(place.command("check", EVENT), place.environment(NOW), place.folder, answers)
    assert (code, (place.folder / "mkwmail.yaml").read_bytes()) == (65, before)
    assert "no column holds names" in screen


def test_if_nobody_can_be_asked_the_candidates_are_named(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(*ROWS, headings=OWN)
    ran = place.run("check", EVENT)
    said = " ".join((ran.out + ran.err).split())
    assert ran.code == 65
    assert 'columns: {e-mail: "Mailbox"}' in said
    assert 'below one of "Directeur", "T.a.v."' in said
    place.settings(9, 'columns: {naam: Directeur, "e-mail": Mailbox}\n')
    assert place.run("check", EVENT).code == 0
    place.settings(9, "columns: {nam: Directeur}\n")
    ran = place.run("check", EVENT)
    assert (ran.code, 'did you mean "naam"?' in ran.out + ran.err) == (78, True)


@needs_terminal
def test_send_tells_what_is_odd_about_the_list_before_the_count_is_typed(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.settings(9)
    text = (place.folder / "mkwmail.yaml").read_text(encoding="utf-8").replace("leden.csv", "leden.xlsx")
    place.write("mkwmail.yaml", text)
    book = openpyxl.Workbook()
    book.active.title = "Leden"
    for row in (
        ["naam", "e-mail", "organisatie"],
        ["Kim Verbeek", "kim@woonstede.example.org", "Woonstede"],
        ["Jan Vries", "jan@haven.example.org", "Haven"],
        ["Bo Kok", "mailto:bo@gmial.com", ""],
        ["Els Brief", "", "Elf"],
    ):
        book.active.append(row)
    book.active.row_dimensions[3].hidden = True
    book.create_sheet("Oud").append(["naam", "e-mail"])
    buffer = io.BytesIO()
    book.save(buffer)
    (place.folder / "leden.xlsx").write_bytes(buffer.getvalue())
    command = place.command("send", EVENT, "invitation")
    code, screen = typed(command, place.environment(NOW), place.folder, [("type 3:", "")])
    assert code == 130
    said = " ".join(screen.partition("type 3:")[0].split())
    for odd in (
        'leden.xlsx: read from the sheet "Leden"',
        "1 row is hidden in Excel, and was read all the same",
        'only the sheet "Leden" was read, not "Oud"',
        "1 address was taken out of its link or name: bo@gmial.com in row 4",
        "leden.xlsx:4: is bo@gmial.com meant to be bo@gmail.com?",
        "1 member without an organisation: row 4",
        "1 member without a mail address, by post or telephone: Els Brief",
    ):
        assert odd in said, odd


POST = (
    "Kim;;Verbeek;kim@woonstede.example.org;Woonstede;directeur;",
    "Piet;de;Post;;Wonen <B>;directeur;06-12345678",
    "Els;;Brief;geen;Elf;lid;",
)
HEADINGS = "voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie;telefoon"


def on_paper(folder: Path) -> Place:
    place = a_place(folder)
    place.members(*POST, headings=HEADINGS)
    return place


def test_members_without_an_address_are_counted_and_listed_with_their_telephone(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = on_paper(tmp_path)
        place.settings(server.port)
        sent = place.send().json
        assert sent["sent"] == 1
        assert {each["member"]: each["reason"] for each in sent["skipped"]} == dict.fromkeys(
            ("Piet de Post", "Els Brief"), "has no mail address: by post or telephone"
        )
    shown = place.run("status", EVENT, now=NOW).out
    assert "By post or telephone: 2" in shown
    assert "Piet de Post: Wonen <B>, 06-12345678" in shown
    assert "Els Brief: Elf, no telephone number" in shown
    by_post = place.run("status", EVENT, "--json", now=NOW).json["attendance"]["by_post"]
    assert [each["member"] for each in by_post] == ["Piet de Post", "Els Brief"]
    assert "2 members without a mail address" in " ".join(place.run("check", EVENT).out.split())


def test_a_letter_on_paper_says_what_the_mail_says(tmp_path: Path) -> None:
    place = on_paper(tmp_path)
    ran = place.run("preview", EVENT, "invitation", "--print", str(tmp_path / "brieven.html"))
    assert (ran.code, "Wrote 2 letters" in ran.err) == (0, True)
    page = (tmp_path / "brieven.html").read_text(encoding="utf-8")
    assert page.count('<section class="sheet">') == 2
    assert "Wonen &lt;B&gt;\nPiet de Post" in page and "Beste Piet," in page
    assert "Verbeek" not in page
    assert "deze mail" not in page and "Liever geen mail" not in page
    links = set(re.findall(r"lid=(\w+)", page))
    assert len(links) == 2 and "proef" not in links


@pytest.mark.parametrize(
    ("mailing", "audience", "count"),
    [
        ("invitation", "{column: functie, is: [lid]}", 1),
        ("reminder", "unanswered", 2),
        ("practical", "attending", 0),
        ("thanks", "got:invitation", 0),
    ],
)
def test_letters_are_for_those_whom_the_mailing_is_for(tmp_path: Path, mailing: str, audience: str, count: int) -> None:
    place = on_paper(tmp_path)
    (event,) = (place.folder / "events").glob("*.yaml")
    text = event.read_text(encoding="utf-8")
    place.write(f"events/{event.name}", re.sub(rf"(  {mailing}:.*\n)", rf"\1    audience: {audience}\n", text))
    ran = place.run("preview", EVENT, mailing, "--print", str(tmp_path / "brieven.html"))
    assert ran.code == 0, ran.err
    page = tmp_path / "brieven.html"
    assert (page.read_text(encoding="utf-8").count('class="sheet"') if page.exists() else 0) == count


@needs_chromium
def test_each_letter_is_one_page(tmp_path: Path) -> None:
    place = on_paper(tmp_path)
    place.run("preview", EVENT, "invitation", "--print", str(tmp_path / "brieven.html"))
    with a_browser() as browser:
        page = browser.new_page()
        page.goto((tmp_path / "brieven.html").as_uri())
        data = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 2
