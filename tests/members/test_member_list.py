"""The member list: the same people from every program that can write it, and every faulty cell named at once."""

import contextlib
import io
import os
import sys
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mkwmail.dutch.names import Name, full_name, salutation
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import shipped
from mkwmail.members.headings import UnknownHeadingsError
from mkwmail.members.member_list import Member, MemberList, column_of, example_addresses, read_members
from mkwmail.members.names import odd as odd_in

HEADINGS = ["Aanhef", "Voornaam", "Tussenvoegsel", "Achternaam", "E-mail", "Corporatie", "Regio"]
PEOPLE = [
    ["mevr.", "Renée", "van der", "Velde", "r.vandervelde@linde.example.org", "De Linde", "Zuid"],
    ["dhr", "Kees", "'t", "Hart", "kees@veerhuis.example.net", "Het Veerhuis", "West"],
    ["", "Kim", "", "Verbeek", "kim@terpstede.example.com", "Terpstede; Wonen, Zorg", "Noord"],
]


def read(folder: Path, data: str | bytes, skip_faulty: bool = False) -> MemberList:
    path = folder / "leden.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_members(path, "leden.csv", skip_faulty)


def test_a_list_that_is_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("named pipes are POSIX")
    os.mkfifo(tmp_path / "leden.csv")
    for path in (Path("/dev/null"), Path("/dev/zero"), tmp_path / "leden.csv"):
        with pytest.raises(UserError) as caught:
            read_members(path, "leden.csv")
        assert [str(fault) for fault in caught.value.faults] == [
            "leden.csv: the file cannot be read: it is a pipe or a device, not an ordinary file"
        ]
    with pytest.raises(UserError, match="it is a folder"):
        read_members(tmp_path, "leden.csv")


def faults(folder: Path, data: str | bytes) -> tuple[Fault, ...]:
    with pytest.raises(UserError) as caught:
        read(folder, data)
    assert caught.value.code is ExitCode.FAULTY_FILE
    return caught.value.faults


def as_csv(rows: list[list[str]], separator: str, encoding: str) -> bytes:
    quoted = [[f'"{cell}"' if set(cell) & set(";,") else cell for cell in row] for row in rows]
    return "\r\n".join(separator.join(row) for row in quoted).encode(encoding)


def as_xlsx(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([cell or None for cell in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5, 6), (6, 5, 4, 3, 2, 1, 0), (4, 0, 5, 1, 6, 2, 3)])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_same_people_from_every_encoding_separator_and_order(
    tmp_path: Path, encoding: str, separator: str, order: tuple[int, ...]
) -> None:
    plain = read(tmp_path, as_csv([HEADINGS, *PEOPLE], ";", "utf-8"))
    rows = [[row[column] for column in order] for row in [HEADINGS, *PEOPLE]]
    assert read(tmp_path, as_csv(rows, separator, encoding)).members == plain.members
    assert read(tmp_path, as_xlsx(rows)).members == plain.members


def test_a_member_holds_what_its_row_says(tmp_path: Path) -> None:
    first, *_others = read(tmp_path, as_csv([HEADINGS, *PEOPLE], ";", "cp1252")).members
    assert first == Member(
        row=2,
        name=Name(first="Renée", prefix="van der", surname="Velde", title="mevrouw"),
        email="r.vandervelde@linde.example.org",
        organisation="De Linde",
        columns={"regio": "Zuid"},
    )


@pytest.mark.parametrize(
    ("heading", "value", "expected"),
    [
        ("Roepnaam", "Kim", "first"),
        ("First name", "Kim", "first"),
        ("VOORLETTERS", "K.", "initials"),
        ("Initialen", "K.", "initials"),
        ("Tussenvoegsels", "van", "prefix"),
        ("tussenv.", "van", "prefix"),
        ("Tussen", "van", "prefix"),
        ("tsv", "van", "prefix"),
        ("Voornaam (roepnaam)", "Kim", "first"),
        ("Voornamen", "Kim", "first"),
        ("Foarnamme", "Kim", "first"),
        ("Naam", "Kim Verbeek", "written"),
        ("Volledige naam:", "Kim Verbeek", "written"),
        ("Last\nName", "Verbeek", "surname"),
    ],
)
def test_headings_of_names(tmp_path: Path, heading: str, value: str, expected: str) -> None:
    surname = "Achternaam" if expected != "surname" else "Regio"
    text = f'"{heading}";{surname};E-mailadres\n{value};Verbeek;kim@linde.example.org\n'
    (member,) = read(tmp_path, text).members
    assert getattr(member.name, expected) == value


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("organisatie", "organisation"),
        ("Bedrijf", "organisation"),
        ("Woningcorporatie", "organisation"),
        ("Company", "organisation"),
        ("functie", "function"),
        ("Job Title", "function"),
        ("Lidnummer", "number"),
        ("Relatienummer", "number"),
        ("NUMMER", "number"),
    ],
)
@pytest.mark.parametrize("address", ["e-mail", "Email", "E\u2011mail adres", "mailadres", "E-mail address"])
def test_headings_of_other_columns(tmp_path: Path, heading: str, field: str, address: str) -> None:
    (member,) = read(tmp_path, f"naam;{heading};{address}\nKim;007a;kim@linde.example.org\n").members
    assert (getattr(member, field), member.email) == ("007a", "kim@linde.example.org")


@pytest.mark.parametrize("heading", ["aanhef", "Geslacht", "titel", "M/V"])
def test_headings_of_titles(tmp_path: Path, heading: str) -> None:
    (member,) = read(tmp_path, f"{heading};naam;e-mail\nmw;Kim;kim@linde.example.org\n").members
    assert member.name.title == "mevrouw"


def test_headings_below_a_title_and_an_explanation(tmp_path: Path) -> None:
    text = "Ledenlijst 2020;;\n;;\nVragen? kim@linde.example.org;;\nnaam;e-mail;regio\nKim;kim@linde.example.org;Zuid\n"
    members = read(tmp_path, text)
    assert [member.row for member in members.members] == [5]
    assert any("row 4" in note for note in members.notes)


def test_white_space_of_every_kind_is_collapsed_and_letters_are_composed(tmp_path: Path) -> None:
    text = "naam;e-mail;Regio  naam\n\u00a0Rene\u0301e \n\t van\u200b  Dam ;\u2003kim@linde.example.org\ufeff;=1+1\n"
    (member,) = read(tmp_path, text.replace("\n\t", "\t")).members
    assert member.name.written == "Renée van Dam"
    assert member.email == "kim@linde.example.org"
    assert member.columns == {"regio_naam": "=1+1"}


PLANTED: list[tuple[str, str, str, str, str]] = [
    # first name, surname, address, what is said, what is advised
    ("Jan", "A", "jan@@linde.example.org", '"jan@@linde.example.org" has more than one @', '"jan@linde.example.org"'),
    ("Jan", "B", '"jan@linde.example.org, an@linde.example.org"', "more than one address", "a row of their own"),
    ("Jan", "C", '"jan@linde.example.org\nan@linde.example.org"', "more than one address", "keep jan@linde"),
    ("Jan", "D", "jan@linde,example.org", "has a comma instead of a dot", '"jan@linde.example.org"'),
    ("Jan", "E", "Jan Jansen <jan@linde>", "is a name with an address", "like jan@example.org"),
    ("Jan", "E", "an@hof.example.org <jan@linde.example.org>", "more than one address", "a row of their own"),
    ("Jan", "E", "jan\u2013hr@linde.example.org", "not the hyphen", 'probably "jan-hr@linde.example.org"'),
    ("Jan", "E", "jan\u2011hr@linde.example.org", "not the hyphen", 'probably "jan-hr@linde.example.org"'),
    ("Jan", "E", "jan@wonen\u2014hr.example.org", "not the hyphen", 'probably "jan@wonen-hr.example.org"'),
    ("Jan", "E", "o\u2019neill@linde.example.org", "Word put", 'probably "o\'neill@linde.example.org"'),
    ("Jan", "E", "“jan@linde.example.org”", "Word put", 'probably "jan@linde.example.org"'),
    ("Jan", "E", "jan\uff20linde.example.org", "has no @", 'probably "jan@linde.example.org"'),
    ("Jan", "E", "j\u0430n@linde.example.org", "a letter with an accent", "like jan@example.org"),
    ("Jan", "E", "jan@linde.example.org (werk)", "a mark around", 'write "jan@linde.example.org"'),
    ("Jan", "E", "[jan@linde.example.org](mailto:jan@linde.example.org)", "more than one @", '"jan@linde.example.org"'),
    ("Jan", "Bos", "Kim Verbeek <jan@linde.example.org>", "somebody else than Jan Bos", "write the address alone"),
    ("Jan", "E", "idem", "stands for the value in the row above", "write the value itself"),
    ("Jan", "E", "06-12345678", "has no @", "or leave the cell empty"),
    ("Jan", "F", "jan@linde.example.org.", "has a mark after the address", '"jan@linde.example.org"'),
    ("Jan", "G", '"jan@linde.example.org;"', "has a mark after the address", '"jan@linde.example.org"'),
    ("", "VACATURE", "jan@linde.example.org", '"VACATURE" is not the name of a person', "a neutral greeting"),
    ("Jan", "I", "jan jansen@linde.example.org", "has a space", 'probably "janjansen@linde.example.org"'),
    ("Jan", "I", "jan @ linde.example. org", "has a space", 'write "jan@linde.example.org"'),
    ("Jan", "J", "jörg@linde.example.org", "a letter with an accent", 'probably "jorg@linde.example.org"'),
    ("Jan", "K", "jan.linde.example.org", "has no @", "like jan@example.org"),
    ("Jan", "L", "jan(at)linde.example.org", "has no @", '"jan@linde.example.org"'),
    ("Jan", "M", "jan@linde", "no dot after the @", "like jan@example.org"),
    ("Jan", "N", "jan@linde..example.org", "two dots in a row", '"jan@linde.example.org"'),
    ("Jan", "P", "@linde.example.org", "nothing before the @", "like jan@example.org"),
    ("Jan", "Q", "jan@linde_hof.example.org", "not an address that can be mailed", "like jan@example.org"),
    ("J\u202ean", "R", "jan@linde.example.org", "J<U+202E>an", "type its text again"),
    ("J\ue000an", "S", "jan@linde.example.org", "U+E000", "type its text again"),
    ("J\x07an", "T", "jan@linde.example.org", "U+0007", "type its text again"),
    ("RenÃ©", "U", "jan@linde.example.org", '"RenÃ©" was damaged', '"René"'),
    ("Ren\ufffd", "V", "jan@linde.example.org", "lost a letter", "type the letter again"),
    ("#N/B", "W", "jan@linde.example.org", "#N/B", "correct the formula"),
    ("J" * 300, "X", "jan@linde.example.org", "300 characters", "shorten"),
]


def test_every_planted_fault_is_named_with_row_column_value_and_remedy(tmp_path: Path) -> None:
    lines = [f"{first};{surname};{address}" for first, surname, address, _said, _advised in PLANTED]
    found = faults(tmp_path, "\n".join(["Voornaam;Achternaam;E-mail", *lines]))
    assert len(found) == len(PLANTED) > 20
    for row, (fault, (first, surname, _address, said, advised)) in enumerate(zip(found, PLANTED, strict=True), 2):
        odd_first = first not in ("", "Jan")
        column = "Voornaam" if odd_first else "Achternaam" if surname == "VACATURE" else "E-mail"
        assert fault.place == f"leden.csv:{row} {column}"
        assert said in fault.fault
        assert advised in fault.remedy
        assert str(fault).isprintable()


def test_several_faults_in_one_row_are_all_named_once(tmp_path: Path) -> None:
    text = "aanhef;naam;e-mail;regio\nprins;n.v.t.;jan@;\x07\n"
    assert [fault.place for fault in faults(tmp_path, text)] == [
        f"leden.csv:2 {column}" for column in ("regio", "aanhef", "naam", "e-mail")
    ]


def test_a_whole_name_is_taken_apart_and_a_column_of_its_own_takes_precedence(tmp_path: Path) -> None:
    text = (
        "aanhef;naam;voornaam;voorletters;achternaam;e-mail\n"
        "dhr;Vries, drs. J.P. de;;;;a@linde.example.org\n"
        ";mevr. J.P. (Jo) van den Berg;;;;b@linde.example.org\n"
        ";Hendrika Maria Bos;Rika;H.M.;;c@linde.example.org\n"
        ";Kim Verbeek Jansen;-;;Jansen;d@linde.example.org\n"
    )
    names = [member.name for member in read(tmp_path, text).members]
    assert [(salutation(name, "je"), salutation(name, "u")) for name in names] == [
        ("Beste heer De Vries", "Geachte heer De Vries"),
        ("Beste Jo", "Geachte mevrouw Van den Berg"),
        ("Beste Rika", "Geachte H.M. Bos"),
        ("Beste Kim", "Geachte Kim Jansen"),
    ]
    assert [full_name(name) for name in names] == [
        "drs. J.P. de Vries",
        "J.P. (Jo) van den Berg",
        "Hendrika Maria Bos",
        "Kim Verbeek Jansen",
    ]


def test_a_column_naam_beside_first_names_is_the_surname(tmp_path: Path) -> None:
    text = (
        "voornaam;voorletters;tussenvoegsel;naam;e-mail\n"
        "Kim;;van;Beek;a@linde.example.org\n"
        "Els;;;Peter;b@linde.example.org\n"
        ";JP;de;Vries;c@linde.example.org\n"
        "Anna;;;drs. Bos MSc;d@linde.example.org\n"
        "Bo;;;Bo de Boer;e@linde.example.org\n"
        "Jan;;;J. Smit;f@linde.example.org\n"
        "Jan;;;de Raad;g@linde.example.org\n"
    )
    names = [member.name for member in read(tmp_path, text).members]
    assert [(full_name(name), salutation(name, "u")) for name in names] == [
        ("Kim van Beek", "Geachte Kim van Beek"),
        ("Els Peter", "Geachte Els Peter"),
        ("J.P. de Vries", "Geachte J.P. de Vries"),
        ("drs. Anna Bos MSc", "Geachte Anna Bos"),
        ("Bo de Boer", "Geachte Bo de Boer"),
        ("J. Smit", "Geachte Jan Smit"),
        ("Jan de Raad", "Geachte Jan de Raad"),
    ]


def test_a_name_that_differs_from_its_parts_is_refused(tmp_path: Path) -> None:
    """Two rows of headings, of which the upper one says that this is the organisation's."""
    text = "Persoon;;Organisatie;\nvoornaam;achternaam;naam;e-mail\nKim;Verbeek;Woonstede;kim@linde.example.org\n"
    (fault,) = faults(tmp_path, text)
    assert (fault.place, fault.fault) == ("leden.csv:3 naam", '"Kim Verbeek" and "Woonstede" do not agree')
    assert "give it the heading organisatie" in fault.remedy
    for naam in ("K. Verbeek", "Verbeek, Kim", "KIM VERBEEK", "Kim Vérbeek", "dr. Kim"):
        assert read(tmp_path, text.replace("Woonstede", f'"{naam}"')).members


def test_headings_again_are_no_member(tmp_path: Path) -> None:
    text = (
        "naam;e-mail;organisatie\nname;e-mail;organisation\nKim;kim@linde.example.org;Linde\n"
        "Naam;E-mailadres;Organisatie\nBo;bo@linde.example.org;Linde\n"
    )
    found = read(tmp_path, text)
    assert [member.row for member in found.members] == [3, 5]
    assert [note for note in found.odd if "headings again" in note] == [
        "row 2 has headings again, and was not read",
        "row 4 has headings again, and was not read",
    ]


def test_one_address_written_twice_in_a_cell_is_read_and_noted(tmp_path: Path) -> None:
    found = read(tmp_path, 'naam;e-mail\nKim;"kim@linde.example.org; Kim@linde.example.org"\n')
    assert found.members[0].email == "kim@linde.example.org"
    assert any("kim@linde.example.org in row 2" in note for note in found.odd)


@pytest.mark.parametrize("word", ["nvt", "n.v.t.", "nee.", "Nee!", "-", "☐", "[ ]", "niet van toepassing"])
def test_words_for_no_opt_out_are_none(tmp_path: Path, word: str) -> None:
    (kim,) = read(tmp_path, f"naam;e-mail;niet mailen\nKim;kim@linde.example.org;{word}\n").members
    assert kim.do_not_mail == ""


@pytest.mark.parametrize("word", ["nee, mag wel", "geen bezwaar", "?", "graag", "mag gemaild worden"])
def test_an_opt_out_that_may_be_a_permission_is_refused(tmp_path: Path, word: str) -> None:
    (fault,) = faults(tmp_path, f"naam;e-mail;niet mailen\nKim;kim@linde.example.org;{word}\n")
    assert fault.place == "leden.csv:2 niet mailen"
    assert "does not say whether the member may be mailed" in fault.fault


@pytest.mark.parametrize("heading", ["wel mailen", "nieuwsbrief", "Uit dienst", "opgezegd"])
def test_a_column_that_may_be_meant_to_keep_somebody_off_is_named(tmp_path: Path, heading: str) -> None:
    text = f"naam;e-mail;{heading}\nKim;kim@linde.example.org;ja\n"
    said = f'the column "{heading}" keeps nobody from being mailed: only a column niet mailen does'
    assert said in read(tmp_path, text).odd
    assert said not in read(tmp_path, text.replace("naam;", "niet mailen;naam;").replace("Kim;", ";Kim;")).odd


@pytest.mark.parametrize("word", ["per post", "volgt", "geen mailadres bekend", "telefonisch", "n.n.b."])
def test_words_for_no_address_are_none(tmp_path: Path, word: str) -> None:
    _kim, bo = read(tmp_path, f"naam;e-mail\nKim;kim@linde.example.org\nBo;{word}\n").members
    assert bo.email == ""


def test_rows_that_are_struck_through_and_members_on_other_sheets_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for sheet, who in ((book.active, ("kim", "bo", "an")), (book.create_sheet("Zuid"), ("kim", "jan"))):
        sheet.append(["naam", "e-mail"])
        for name in who:
            sheet.append([name.capitalize(), f"{name}@linde.example.org"])
    book.active["A3"].font = openpyxl.styles.Font(strike=True)
    buffer = io.BytesIO()
    book.save(buffer)
    found = read(tmp_path, buffer.getvalue())
    assert len(found.members) == 3
    assert "row 3 has text that is struck through in Excel, and was read all the same" in found.odd
    assert 'the sheet "Zuid" has 1 address that is not in this list' in found.odd


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        (";VACATURE;;;", "naam", '"VACATURE" is not the name of a person'),
        (";;;n.v.t.;", "achternaam", '"n.v.t." is not the name of a person'),
        (";;Vacature;directeur;", "achternaam", "is not the name of a person"),
        (";;Jan en Marie;Smit;", "achternaam", "is more than one person"),
        (";;;;Wonen Elf", "naam", "the name is missing"),
        ("dhr;Mevr. A. Smit;;;", "aanhef", '"dhr" and "Mevr. A. Smit" do not agree'),
    ],
)
def test_what_is_no_person_is_a_fault_with_row_and_remedy(tmp_path: Path, row: str, column: str, said: str) -> None:
    address = "" if "missing" in said else "a@linde.example.org"
    text = f"aanhef;naam;voornaam;achternaam;organisatie;e-mail\n{row};{address}\n"
    (fault,) = faults(tmp_path, text)
    assert fault.place == f"leden.csv:2 {column}"
    assert said in fault.fault
    assert fault.remedy


@pytest.mark.parametrize("name", ["Secretariaat;", "Het bestuur;", "De directie;", ";Bestuur", "Wonen Elf;", "info;"])
def test_an_office_is_greeted_neutrally_and_pointed_out(tmp_path: Path, name: str) -> None:
    text = f"naam;achternaam;voorletters;organisatie;e-mail\n{name};;wonen elf;info@elf.example.org\n"
    found = read(tmp_path, text)
    (member,) = found.members
    office = name.strip(";")
    assert (member.email, full_name(member.name)) == ("info@elf.example.org", "")
    assert (salutation(member.name, "u"), salutation(member.name, "je")) == ("Geachte heer of mevrouw", "Beste collega")
    assert odd_in(member.name, "u") == f'"{office}" is an office, not a person'
    assert found.odd == (f"1 row has no name, and gets a neutral greeting: row 2 ({office})",)


@pytest.mark.parametrize("title", ["Mr", "mr.", "MR."])
def test_mr_alone_is_asked_about_because_it_may_be_a_degree(tmp_path: Path, title: str) -> None:
    (fault,) = faults(tmp_path, f"aanhef;achternaam;e-mail\n{title};Smit;smit@elf.example.org\n")
    assert fault.place == "leden.csv:2 aanhef"
    assert "degree of a lawyer" in fault.fault
    assert fault.remedy == "write dhr if it is the English word; leave the cell empty if it is the degree"


def test_an_office_without_an_address_is_a_fault_and_initials_make_it_a_person(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "naam;e-mail\nSecretariaat;\nKim Smit;kim@elf.example.org\n")
    assert (fault.place, fault.fault) == ("leden.csv:2 naam", '"Secretariaat" is an office, not a person')
    (member,) = read(tmp_path, "voorletters;achternaam;e-mail\nJ.;Kring;j@elf.example.org\n").members
    assert full_name(member.name) == "J. Kring"


@pytest.mark.parametrize(
    ("aanhef", "title"),
    [
        *(("drs.", ""), ("Prof. dr.", ""), ("Dhr./Mevr.", ""), ("M/V", ""), ("n.v.t.", ""), ("anders", "")),
        *(("Mrs.", "mevrouw"), ("Ms", "mevrouw"), ("Mej.", "mevrouw"), ("Beste heer", "de heer"), ("Geachte", "")),
    ],
)
def test_what_lists_have_in_the_column_aanhef(tmp_path: Path, aanhef: str, title: str) -> None:
    (member,) = read(tmp_path, f"aanhef;naam;e-mail\n{aanhef};Kim Bos;kim@linde.example.org\n").members
    assert member.name.title == title


def test_a_column_of_addresses_that_get_no_mail_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, "naam;e-mail;cc\nKim;kim@linde.example.org;els@linde.example.org\n")
    said = 'nobody at the addresses in the column "cc" is mailed: copies are for a column kopie aan'
    assert said in found.odd and not found.members[0].assistants


@pytest.mark.parametrize(("written", "meant"), [("woonstede.nll", "woonstede.nl"), ("linde.con", "linde.com")])
def test_an_ending_that_does_not_exist_is_asked_about(tmp_path: Path, written: str, meant: str) -> None:
    found = read(tmp_path, f"naam;e-mail\nKim;kim@{written}\n")
    assert f"leden.csv:2: is kim@{written} meant to be kim@{meant}?" in found.odd


@pytest.mark.parametrize(
    ("domain", "asked"), [("woonstedde.nl", True), ("woosntede.nl", True), ("woonstede2.nl", False)]
)
def test_a_domain_that_is_a_slip_for_that_of_colleagues_is_asked_about(
    tmp_path: Path, domain: str, asked: bool
) -> None:
    rows = ["Bo;bo@woonstede.nl;Woonstede", "An;an@woonstede.nl;Woonstede", f"Kim;kim@{domain};Woonstede"]
    found = read(tmp_path, "\n".join(["naam;e-mail;organisatie", *rows]))
    assert (f"leden.csv:4: is kim@{domain} meant to be kim@woonstede.nl?" in found.odd) is asked


def test_an_unknown_title_is_told_what_to_write(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "aanhef;naam;e-mail\nprins;Kim;kim@linde.example.org\n")
    assert '"prins"' in fault.fault
    assert "dhr or mevr" in fault.remedy


def test_a_separator_inside_a_value_moves_the_row_and_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "naam;e-mail;corporatie\nKim;kim@linde.example.org;Wonen;Zorg\n")
    assert (fault.place, "4 cells" in fault.fault) == ("leden.csv:2", True)


def test_formulas_without_a_result_are_named_if_they_matter(tmp_path: Path) -> None:
    rows = [["naam", "e-mail", "regio"], ["Kim", '="kim@"&"linde.example.org"', "Zuid"]]
    (fault,) = faults(tmp_path, as_xlsx(rows))
    assert fault.place == "leden.csv:2 e-mail"
    assert "formula" in fault.fault


@pytest.mark.parametrize(
    ("text", "said", "advised"),
    [
        (
            "naam;mailtje;regio\nKim;kim@linde.example.org;Zuid\n",
            '"naam", "mailtje", "regio"',
            'column B, now "mailtje"',
        ),
        ("naam;e-mial\nKim;\n", '"naam", "e-mial"', 'change the heading "e-mial" to e-mail'),
        ("naam;adres\nKim;Dorpsstraat 1\n", "no column has the heading e-mail", "heading e-mail"),
        ("Kim;kim@linde.example.org\nAn;an@linde.example.org\n", "has no headings", "put a row above it"),
        ("naam;e-mail;E-mailadres\nKim;kim@linde.example.org;\n", 'B "e-mail" and C "E-mailadres"', "delete one"),
        ("naam;e-mail;regio;Regio\nKim;kim@linde.example.org;;\n", 'C "regio" and D "Regio"', "delete one"),
        ("e-mail\nkim@linde.example.org\n", "no column holds names", "voornaam"),
        (
            "naam;e-mail Kim;e-mail bureau\nKim;kim@linde.example.org;b@linde.example.org\n",
            "no column has the heading e-mail",
            'addresses are below "e-mail Kim", "e-mail bureau"',
        ),
        (
            "Voornaam;Middelste;Achternaam;E-mail\nKim;van der;Beek;kim@linde.example.org\n",
            'the column "Middelste" looks like tussenvoegsel',
            'columns: {tussenvoegsel: "Middelste"}',
        ),
        (
            "Voornaam gebruikt;Achternaam;E-mail\nKim;Beek;kim@linde.example.org\n",
            'the column "Voornaam gebruikt" looks like voornaam',
            "write voornaam above it",
        ),
        ("naam;e-mail\n", "nobody is below them", "add the members"),
        ("naam;e-\u202email\nKim;kim@linde.example.org\n", "U+202E", "type its text again"),
    ],
)
def test_headings_that_do_not_tell_what_is_needed(tmp_path: Path, text: str, said: str, advised: str) -> None:
    found = faults(tmp_path, text)
    assert any(said in fault.fault and advised in fault.remedy for fault in found), found


def test_an_empty_sheet_is_an_empty_list(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, as_xlsx([]))
    assert "empty" in fault.fault


def test_faulty_rows_are_left_out_only_on_request_and_stay_named(tmp_path: Path) -> None:
    text = "naam;e-mail\nKim;kim@linde.example.org\nAn;an@@linde.example.org\n"
    assert len(faults(tmp_path, text)) == 1
    members = read(tmp_path, text, skip_faulty=True)
    assert [member.row for member in members.members] == [2]
    assert [(row.row, row.name, row.address) for row in members.faulty] == [(3, "An", "an@@linde.example.org")]
    assert members.faulty[0].faults[0].place == "leden.csv:3 e-mail"
    with pytest.raises(UserError, match="nobody is left"):
        read(tmp_path, "naam;e-mail\nAn;an@@linde.example.org\n", skip_faulty=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        ("nee", ""),
        ("0", ""),
        ("False", ""),
        ("ONWAAR", ""),
        ("x", "marked in the member list as not to be mailed"),
        ("JA", "marked in the member list as not to be mailed"),
        ("1", "marked in the member list as not to be mailed"),
        ("verhuisd naar Spanje", "verhuisd naar Spanje"),
    ],
)
@pytest.mark.parametrize("heading", ["niet mailen", "Niet-mailen", "Do not mail"])
def test_who_is_not_to_be_mailed(tmp_path: Path, heading: str, text: str, reason: str) -> None:
    (member,) = read(tmp_path, f"naam;e-mail;{heading}\nKim;kim@linde.example.org;{text}\n").members
    assert member.do_not_mail == reason


def test_who_is_not_to_be_mailed_needs_no_address_but_no_bad_characters_either(tmp_path: Path) -> None:
    text = "aanhef;naam;e-mail;niet mailen\nprins;Kim;;x\n;;kim@@linde;x\n;An;an@linde.example.org;\n"
    members = read(tmp_path, text)
    assert [(member.email, bool(member.do_not_mail)) for member in members.members] == [
        ("", True),
        ("", True),
        ("an@linde.example.org", False),
    ]
    assert members.doubles == ()
    (fault,) = faults(tmp_path, "naam;e-mail;niet mailen\nK\x07im;;x\n")
    assert fault.place == "leden.csv:2 naam"


def test_one_address_on_several_rows_is_a_double_and_no_fault(tmp_path: Path) -> None:
    text = "naam;e-mail\nKim;directie@linde.example.org\nAn;Directie@Linde.example.org\nBo;directie@linde.example.org\n"
    pairs = [(first.row, later.row) for first, later in read(tmp_path, text).doubles]
    assert pairs == [(2, 3), (2, 4)]


def test_not_to_be_mailed_holds_for_every_row_with_the_address(tmp_path: Path) -> None:
    rows = ("Kim;k@linde.example.org;", "K.;K@linde.example.org;op verzoek", "An;a@linde.example.org;")
    text = "\n".join(["naam;e-mail;niet mailen", *rows])
    members = read(tmp_path, text)
    assert [member.do_not_mail for member in members.members] == ["op verzoek", "op verzoek", ""]
    assert any("row 2" in note and "row 3" in note for note in members.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("naam;e-mail;;regio\nKim;k@linde.example.org;los;Zuid\n", "column C has values but no heading"),
        ("naam;e-mail;regio\nKim;k@linde.example.org;Zuid\n", "further columns, for templates and audiences: regio"),
        ("naam;e-mail\nKim;kim@gmial.com\n", "is kim@gmial.com meant to be kim@gmail.com?"),
        ("naam;e-mail\n;k@linde.example.org\n", "1 row has no name, and gets a neutral greeting: row 2"),
        ("naam;e-mail\nk@linde.example.org;k@linde.example.org\n", "1 row has no name"),
        ("naam\te-mail\nKim\tk@linde.example.org\n", "UTF-8 (separator: tabs)"),
    ],
)
def test_what_is_odd_is_noted(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in note for note in read(tmp_path, text).notes)


def odd(folder: Path, data: str | bytes) -> str:
    return "\n".join(read(folder, data).odd)


@pytest.mark.parametrize(
    "cell",
    [
        "mailto:kim@linde.example.org",
        "MAILTO: kim@linde.example.org?subject=Ledenlijst",
        "Kim Verbeek <kim@linde.example.org>",
        '"""Verbeek, Kim"" <mailto:kim@linde.example.org>"',
        "kim@linde.example.org <kim@linde.example.org>",
        "<kim@linde.example.org>",
        "kim\u200b@linde.example.org",
        "'kim@linde.example.org",
        '="kim@linde.example.org"',
    ],
)
def test_an_address_in_a_link_behind_a_name_or_with_a_text_mark_is_read(tmp_path: Path, cell: str) -> None:
    (member,) = read(tmp_path, f"naam;e-mail\nKim;{cell}\n").members
    assert member.email == "kim@linde.example.org"
    said = odd(tmp_path, f"naam;e-mail\nKim;{cell}\n")
    assert ("kim@linde.example.org in row 2" in said) == ("\u200b" not in cell)


@pytest.mark.parametrize("cell", ["", "-", "geen", "Geen e-mail", "geen mailadres", "n.v.t.", "onbekend"])
def test_a_member_without_an_address_is_in_the_list(tmp_path: Path, cell: str) -> None:
    text = f"naam;telefoon;e-mail\nKim;06-12345678;{cell}\nAn;;an@linde.example.org\n"
    kim, _an = read(tmp_path, text).members
    assert (kim.email, kim.do_not_mail, kim.phone) == ("", "", "06-12345678")
    assert kim.columns["telefoon"] == "06-12345678"
    assert any("nobody in the list has an address" in str(fault) for fault in faults(tmp_path, "naam;e-mail\nKim;\n"))


def test_text_marks_are_taken_off_and_apostrophes_stay(tmp_path: Path) -> None:
    rows = ["'0012;'Jan;'t;'Hart;jan@linde.example.org", '="0013";An;;\'s-Gravesande;an@linde.example.org']
    text = "\n".join(["'Lidnummer;Voornaam;Tussenvoegsel;Achternaam;E-mail", *rows])
    jan, an = read(tmp_path, text).members
    assert (jan.number, jan.name.first, jan.name.prefix, jan.name.surname) == ("0012", "Jan", "'t", "Hart")
    assert (an.number, an.name.surname) == ("0013", "'s-Gravesande")
    assert "4 values were read without Excel's text mark, the first is 0012 in row 2" in odd(tmp_path, text)


def test_numbers_are_read_as_their_cells_show_them(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["naam", "e-mail", "lidnummer", "telefoon", "aandeel"])
    sheet.append(["Kim", "kim@linde.example.org", 12, 612345678, 0.5])
    for cell, code in (("C2", "0000"), ("D2", "00-00000000"), ("E2", "0%")):
        sheet[cell].number_format = code
    buffer = io.BytesIO()
    book.save(buffer)
    (member,) = read(tmp_path, buffer.getvalue()).members
    assert (member.number, member.phone, member.columns["aandeel"]) == ("0012", "06-12345678", "50%")
    assert "3 numbers were read as their cells show them, the first is 0012 in row 2" in odd(
        tmp_path, buffer.getvalue()
    )


def test_the_sheet_with_the_addresses_is_read_and_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Toelichting"
    for row in (["Zie tabblad Leden", "", ""], ["Vragen", "e-mail", "secretaris@linde.example.org"]):
        book.active.append(row)
    book.create_sheet("Telefoons").append(["naam", "functie", "lidnummer", "telefoon"])
    for row in (["naam", "e-mail"], ["Kim", "kim@linde.example.org"]):
        book.create_sheet("Leden") if "Leden" not in book.sheetnames else None
        book["Leden"].append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    members = read(tmp_path, buffer.getvalue())
    assert [member.email for member in members.members] == ["kim@linde.example.org"]
    assert members.how_read[0] == 'read from the sheet "Leden"'
    assert 'only the sheet "Leden" was read, not "Toelichting", "Telefoons"' in members.odd


def test_a_list_whose_rows_are_each_one_cell_is_read(tmp_path: Path) -> None:
    lines = ["Lidnummer,Naam,E-mail,Organisatie", '0012,""Jansen, Jan"",jan@linde.example.org,Wonen A']
    for text in (
        "\n".join(f'"{line}"' for line in lines),
        "\n".join((lines[0], f'"{lines[1]}"')),
        as_xlsx([[line.replace('""', '"')] for line in lines]),
    ):
        members = read(tmp_path, text)
        (member,) = members.members
        assert (member.number, member.name.written, member.organisation) == ("0012", "Jan Jansen", "Wonen A")
        assert any("every row was one cell" in note for note in members.odd)


def test_a_list_in_one_column_with_commas_in_it_stays_one_column(tmp_path: Path) -> None:
    text = "naam;e-mail\n" + "".join(f'"Jansen, Jan {n}";\n' for n in range(3)) + "An;an@linde.example.org\n"
    assert read(tmp_path, text).members[0].name.written == "Jan 0 Jansen"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("Totaal;;;2\n", 'row 4, below the list, was not read: "Totaal 2"'),
        (";;;2\n", 'row 4, below the list, was not read: "2"'),
        ("Aantal leden: 2;;;\n;;;\n", 'row 4, below the list, was not read: "Aantal leden: 2"'),
        (";;;\nBijgewerkt op 3 maart;;;\n", 'row 5, below the list, was not read: "Bijgewerkt op 3 maart"'),
    ],
)
def test_totals_and_remarks_below_the_list_are_not_members(tmp_path: Path, end: str, said: str) -> None:
    text = "naam;e-mail;regio;aantal\nKim;kim@linde.example.org;;1\nAn;an@linde.example.org;;1\n"
    members = read(tmp_path, text + end)
    assert [member.row for member in members.members] == [2, 3]
    assert said in members.odd


def test_a_last_member_without_an_address_is_no_total(tmp_path: Path) -> None:
    text = "naam;e-mail;organisatie\nKim;kim@linde.example.org;A\nJan Sommer;;B\nSom Totaal;;B\nAn;;\n"
    names = [member.name.written for member in read(tmp_path, text).members]
    assert names == ["Kim", "Jan Sommer", "Som Totaal", "An"]


OWN = "Directeur;Mail zakelijk adres;Regio\nKim Verbeek;kim@linde.example.org;Zuid\nAn;an@linde.example.org;Zuid\n"


def test_headings_of_ones_own_are_named_with_their_candidates(tmp_path: Path) -> None:
    with pytest.raises(UnknownHeadingsError) as caught:
        read(tmp_path, f"Ledenlijst 2031;;\n{OWN}")
    assert caught.value.candidates == {"e-mail": ("Mail zakelijk adres",), "naam": ("Directeur",)}
    email, name = caught.value.faults
    assert 'columns: {e-mail: "Mail zakelijk adres"}' in email.remedy
    assert 'columns: {naam: "Directeur"}' in name.remedy


def test_headings_of_ones_own_are_read_as_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "leden.csv"
    path.write_text(OWN.replace("Regio", "Naam"))
    own = {"naam": "Directeur", "E-mailadres": "mail zakelijk ADRES", "organisatie": "Naam"}
    first = read_members(path, "leden.csv", columns=own).members[0]
    assert (first.name.written, first.email, first.organisation) == ("Kim Verbeek", "kim@linde.example.org", "Zuid")
    with pytest.raises(UserError, match=r'no column "Chef", which mkwmail\.yaml names for naam'):
        read_members(path, "leden.csv", columns={**own, "naam": "Chef"})


@pytest.mark.parametrize("domain", ["gmail.com", "live.nl", "live.be", "linde.nl", "homes.example.org"])
def test_other_domains_are_no_slips(tmp_path: Path, domain: str) -> None:
    assert not any("meant" in note for note in read(tmp_path, f"naam;e-mail\nKim;kim@{domain}\n").notes)


def test_domains_become_punycode_and_examples_are_reported(tmp_path: Path) -> None:
    members = read(tmp_path, "naam;e-mail\nKim;kim@bücher.example.org\nAn;an@bücher.nl\n").members
    assert [member.email for member in members] == ["kim@xn--bcher-kva.example.org", "an@xn--bcher-kva.nl"]
    assert [member.row for member in example_addresses(members)] == [2]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary()
    | st.text().map(lambda text: f"naam;e-mail\n{text};{text}@linde.example.org\n".encode("utf-8", "surrogatepass"))
    | st.lists(st.text(";,\t\"'\n\r@.<> aé\0\u202e=", max_size=8)).map(
        lambda cells: ";".join(cells).encode("cp1252", "replace")
    )
    | st.binary().map(lambda data: b"PK\x03\x04" + data)
)
def test_any_bytes_are_members_or_faults(tmp_path: Path, data: bytes) -> None:
    with contextlib.suppress(UserError):
        for member in read(tmp_path, data, skip_faulty=True).members:
            assert member.email or member.do_not_mail
            assert f"{full_name(member.name)}{member.organisation}{member.email}".isprintable()


def test_the_example_lists_hold_the_same_people_without_a_fault() -> None:
    lists = [read_members(shipped("events") / f"leden-voorbeeld.{kind}", kind) for kind in ("csv", "xlsx")]
    assert lists[0].members == lists[1].members
    members = lists[0].members
    assert len(members) >= 40
    assert example_addresses(members) == members
    assert lists[0].columns == ("regio",)
    assert len(lists[0].doubles) == 1
    assert sum(bool(member.do_not_mail) for member in members) == 1
    names = [full_name(member.name) for member in members]
    for trap in ("Marieke van der Velde", "Kees 't Hart", "Chiara d'Ancona", "IJsbrand Dijkstra", "J.W.F. Bouwman"):
        assert trap in names
    assert {"Els van der Ven-van Dijk", "Renée Coëlho", "François Provençal", "Luc Van Den Broeck"} <= set(names)
    assert any(not member.name.title for member in members)


def test_all_telephone_numbers_of_a_member_are_known(tmp_path: Path) -> None:
    text = "naam;e-mail;gsm;telefoon thuis;telnr werk;aantal\nKim Bos;kim@example.org;06-12345678;020-1;06-12345678;3\n"
    (kim,) = read(tmp_path, text).members
    assert kim.telephones == "06-12345678 / 020-1"


@pytest.mark.parametrize(
    "heading", ["tel._nr.", "Tel. nr.", "TEL-NR", "tel/nr", "vast tel.", "gsm (werk)", "Telefoon: privé"]
)
def test_a_telephone_column_is_known_whatever_its_punctuation(tmp_path: Path, heading: str) -> None:
    (kim,) = read(tmp_path, f"naam;e-mail;{heading};telt mee\nKim Bos;kim@example.org;06-12345678;ja\n").members
    assert kim.telephones == "06-12345678"
    assert all(name.isidentifier() for name in kim.columns), "templates can name it"


@pytest.mark.parametrize("heading", ["Regio's/district", "regios district", "REGIO'S - DISTRICT:", "regios_district"])
def test_columns_are_compared_without_punctuation(tmp_path: Path, heading: str) -> None:
    members = read(tmp_path, "naam;e-mail;Regio's/district\nKim Bos;kim@example.org;Zuid\n").members
    value_of = column_of(heading, members)
    assert value_of is not None and value_of(members[0]) == "Zuid"


def test_a_column_that_is_read_as_telephone_is_no_further_column(tmp_path: Path) -> None:
    text = "naam;e-mail;tel._nr.;regio/district\nKim Bos;kim@example.org;06-12345678;Zuid\n"
    assert read(tmp_path, text).how_read[-1] == "further columns, for templates and audiences: regio_district"
