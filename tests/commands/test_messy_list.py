"""A list as a secretary really has it: mailable after three commands, with every salutation right."""

import email
import email.policy
import sys
from email.message import EmailMessage
from pathlib import Path

import openpyxl
import pytest

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import a_place

EVENT = "directeurendag-2020"
NOW = "2020-02-17T09:00"

#: name, address, corporation, function; then the address and the salutation in u after the faults are corrected, if the
#: row is mailed.
ROWS = (
    ("Drs. Jan de Vries", "jan@w01.example.org", "Wonen 1", "directeur", "", "Geachte Jan de Vries"),
    ("Mw. A. van den Berg-Jansen", "a@w02.example.org", "Wonen 2", "", "", "Geachte mevrouw Van den Berg-Jansen"),
    ("VACATURE", "info@w03.example.org", "Wonen 3", "directeur", "-", ""),
    ("Vries, mevr. Karin de", "karin@w04.example.org", "Wonen 4", "", "", "Geachte mevrouw De Vries"),
    ("Lilian VAN DER MEER", "lilian@w05.example.org", "Wonen 5", "", "", "Geachte Lilian VAN DER MEER"),
    ("Jan willem janssen", "jw@w06.example.org", "Wonen 6", "", "", "Geachte Jan willem janssen"),
    ("dhr. G. Smit jr.", "g@w07.example.org", "Wonen 7", "", "", "Geachte heer Smit"),
    ("Prof. dr. Ineke de Groot", "ineke@w08.example.org", "Wonen 8", "", "", "Geachte Ineke de Groot"),
    ("Piet ten Hoff", "mailto:piet@w09.example.org", "Wonen 9", "", "piet@w09.example.org", "Geachte Piet ten Hoff"),
    ("Kim Kok", "Kim Kok <kim@w10.example.org>", "Wonen 10", "", "kim@w10.example.org", "Geachte Kim Kok"),
    ("Bo Bakker", "bo@w11.example.org; x@w11.example.org", "Wonen 11", "", "bo@w11.example.org", "Geachte Bo Bakker"),
    ("Cees Cornelissen", "cees@w12,example.org", "Wonen 12", "", "cees@w12.example.org", "Geachte Cees Cornelissen"),
    ("", "", "", "", "", ""),
    ("mr. dr. F.A.M. Hendriks", "f@w13.example.org", "Wonen 13", "", "", "Geachte F.A.M. Hendriks"),
    ("De heer Mohamed El Amrani", "m@w14.example.org", "Wonen 14", "", "", "Geachte heer El Amrani"),
    ("Mevrouw Jansen", "jansen@w15.example.org", "Wonen 15", "", "", "Geachte mevrouw Jansen"),
    ("d'Ancona, Hedy", "hedy@w16.example.org", "Wonen 16", "", "", "Geachte Hedy d'Ancona"),
    ("ir. Tj. Hoekstra", "tj@w17.example.org", "Wonen 17", "", "", "Geachte Tj. Hoekstra"),
    ("Zoë  Ruiter ", " zoe@w18.example.org ", "Wonen 18", "", "zoe@w18.example.org", "Geachte Zoë Ruiter"),
    ("Marieke van der Velde MSc", "marieke@w19.example.org", "Wonen 19", "", "", "Geachte Marieke van der Velde"),
    ("Kim Kok", "kim@w10.example.org", "Wonen 10", "lid", "", ""),
    ("Jean-Pierre Dubois", "jp@w20.example.org", "Wonen 20", "", "", "Geachte Jean-Pierre Dubois"),
    ("dhr J. Peeters", "j@w21.example.org", "Wonen 21", "", "", "Geachte heer Peeters"),
    ("n.v.t.", "secretariaat@w22.example.org", "Wonen 22", "", "-", ""),
    ("Anna de Jong RA", "anna@w23.example.org", "Wonen 23", "", "", "Geachte Anna de Jong"),
    ("Piet Puk", "", "Wonen 24", "", "", ""),
    ("W. van Dijk", "w@w25.example.org", "Wonen 25", "", "", "Geachte W. van Dijk"),
    ("Els Smit", "els–smit@w26.example.org", "Wonen 26", "", "els-smit@w26.example.org", "Geachte Els Smit"),
    ("Sanne 't Hart", "sanne@w27.example.org", "Wonen 27", "", "", "Geachte Sanne 't Hart"),
    ("Totaal", 27, "", "", "", ""),
)  # fmt: skip


def written(path: Path, corrected: bool) -> None:
    """Write the workbook: an explanation first, a title above the headings, and headings of the secretary's own."""
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "Toelichting"
    first.append(["Zie tabblad Leden"])
    sheet = book.create_sheet("Leden")
    sheet.append(["Ledenlijst MKW 2020"])
    sheet.append([])
    sheet.append(["Directeur", "T.a.v.", "Emailadres", "Corporatie", "Functie"])
    for name, address, place, function, right, _salutation in ROWS:
        if corrected and right == "-":
            continue  # nobody: the row is deleted, as `check` says
        care_of = "de directie" if place else ""
        sheet.append([name, care_of, right if corrected and right else address, place, function])
    book.save(path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_a_messy_list_is_mailable_after_three_commands_with_every_salutation_right(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        settings = (tmp_path / "mkwmail.yaml").read_text(encoding="utf-8")
        settings = settings.replace("leden.csv", "leden.xlsx").replace("form: je", "form: u")
        (tmp_path / "mkwmail.yaml").write_text(settings, encoding="utf-8")
        written(tmp_path / "leden.xlsx", corrected=False)
        # 1. It asks which column has the names, and names every fault at once, with what to write.
        asked = [("Which column holds the names? Type its number", "1")]
        code, screen = typed(place.command("check", EVENT), place.environment(NOW), place.folder, asked)
        assert code == 65, screen
        screen = " ".join(screen.split())
        for row, said in (
            (6, '"VACATURE"'),
            (14, "more than one address"),
            (15, 'cees@w12.example.org"'),
            (27, '"n.v.t."'),
            (31, 'els-smit@w26.example.org"'),
        ):
            assert f"leden.xlsx:{row} " in screen and said in screen, (row, screen)
        assert "Faults: 5" in screen
        # 2. Corrected, everybody's salutation is there to be read; the odd ones first.
        written(tmp_path / "leden.xlsx", corrected=True)
        checked = place.run("check", EVENT, "--salutations", COLUMNS="200")
        assert checked.code == 0, checked.out
        for _name, _address, _place, _function, _right, salutation in ROWS:
            assert salutation in checked.out
        odd = checked.out.split("Odd salutations")[1].split("\n\n")[0]
        assert "VAN DER MEER" in odd and "Jan willem janssen" in odd
        # 3. It is sent.
        ran = place.run("send", EVENT, "invitation", "--yes")
        assert ran.code == 0, ran.out + ran.err
        got = {}
        for each in server.taken:
            body = email.message_from_bytes(each.data, EmailMessage, policy=email.policy.default).get_body(("plain",))
            assert body is not None
            assert each.recipients[0] not in got
            got[each.recipients[0]] = body.get_content().splitlines()[0]
    assert got == {right or address: f"{salutation}," for _n, address, _p, _f, right, salutation in ROWS if salutation}
    assert "Piet Puk" in ran.out  # by post or telephone
