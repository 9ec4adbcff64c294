"""Whole names taken apart: tables of names, of what is no person, and of what is odd."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.dutch.names import Form, Name, Title, full_name, salutation, sorting_name
from mkwmail.members.names import completed, no_person, odd, read_name

with (Path(__file__).parent / "names.csv").open(encoding="utf-8", newline="") as file:
    NAMES = list(csv.DictReader(file, delimiter=";"))


def test_the_table_is_long_enough_and_has_no_name_twice() -> None:
    assert len({row["naam"] for row in NAMES}) == len(NAMES) >= 120


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row["naam"])
def test_a_whole_name_is_taken_apart(row: dict[str, str]) -> None:
    assert no_person(row["naam"]) is None
    name = read_name(row["naam"])
    parts = {
        "naam": row["naam"],
        "voornaam": name.first,
        "voorletters": name.initials,
        "tussenvoegsel": name.prefix,
        "achternaam": name.surname,
        "aanhef": name.title,
        "voluit": full_name(name),
        "je": salutation(name, "je"),
        "u": salutation(name, "u"),
    }
    assert parts == row


TOLD_BY_THE_COMMA = {"Simon Thomas, Jan"}  # in reading order Simon may be a first name


@pytest.mark.parametrize(
    "row", [row for row in NAMES if row["naam"] not in TOLD_BY_THE_COMMA], ids=lambda row: row["naam"]
)
def test_a_name_in_reading_order_is_read_as_itself(row: dict[str, str]) -> None:
    again, name = read_name(row["voluit"]), read_name(row["naam"])
    assert (again.first, again.initials, sorting_name(again)) == (name.first, name.initials, sorting_name(name))
    assert full_name(again) == row["voluit"]


@pytest.mark.parametrize(
    ("text", "title", "u"),
    [
        ("Drs. Jan de Vries", "de heer", "Geachte heer De Vries"),
        ("Vries, Karin de", "mevrouw", "Geachte mevrouw De Vries"),
        ("Mw. A. van den Berg-Jansen", "mevrouw", "Geachte mevrouw Van den Berg-Jansen"),
        ("G. Smit jr.", "de heer", "Geachte heer Smit"),
        ("Prof. dr. Ineke de Groot", "mevrouw", "Geachte mevrouw De Groot"),
        ("Peter van 't Hoff", "de heer", "Geachte heer Van 't Hoff"),
        ("Kim 't Hart", "mevrouw", "Geachte mevrouw 't Hart"),
        ("Lilian VAN DER MEER", "mevrouw", "Geachte mevrouw VAN DER MEER"),
        ("Jan willem janssen", "de heer", "Geachte heer janssen"),
    ],
)
def test_an_aanhef_from_its_own_column_goes_with_the_surname(text: str, title: Title, u: str) -> None:
    assert salutation(completed(Name(title=title), read_name(text)), "u") == u


@pytest.mark.parametrize(
    ("text", "sorted_as"),
    [
        ("G. Smit jr.", "Smit, G."),
        ("Vries, de, Karin", "Vries, Karin de"),
        ("Prof. dr. Ineke de Groot MSc", "Groot, Ineke de"),
        ("Anna Jansen-van den Berg", "Jansen-van den Berg, Anna"),
    ],
)
def test_titles_do_not_count_in_sorting(text: str, sorted_as: str) -> None:
    assert sorting_name(read_name(text)) == sorted_as


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((text, "not the name of a person") for text in ("vacature", "VACATURE", "Vacature: directeur", "(vacature)")),
        *(
            (text, "not the name of a person")
            for text in ("n.v.t.", "nvt", "N.V.T", "onbekend", "nog onbekend", "volgt")
        ),
        *((text, "not the name of a person") for text in ("totaal", "Totaal: 30", "Subtotaal", "n.n.b.", "N.N.", "x")),
        *((text, "not the name of a person") for text in ("-", "?", "...", "0", "1234", "Dhr.", "de heer onbekend")),
        *((text, "is an office") for text in ("secretariaat", "Secretariaat Wonen Noord", "Het bestuur", "info")),
        *((text, "is an office") for text in ("Raad van Commissarissen", "afd. Communicatie", "Directeur-bestuurder")),
        *((text, "is an office") for text in ("Woningstichting Linde", "Linde Wonen")),
        *(
            (text, "is an office")
            for text in ("t.a.v. secretariaat", "De directeur", "Secretaris bestuur", "Regio Noord")
        ),
        *((text, "not the name of a person") for text in ("# Noord", "// oud", "Jan Smit vacature", "nog invullen")),
        *((text, "is said to have died") for text in ("Jan de Vries †", "Jan de Vries (overleden)")),
        *((text, "more than one") for text in ("Jan en Marie de Vries", "Dhr. en mevr. Jansen", "Fam. de Vries")),
        *(
            (text, "more than one")
            for text in ("J. Smit & K. Bos", "J. Smit / K. Bos", "Jan/Marie de Vries", "J. Smit e.o.")
        ),
    ],
)
def test_what_is_no_person_has_a_remedy(text: str, said: str) -> None:
    wrong = no_person(text, "Linde wonen")
    assert wrong is not None
    assert said in wrong.fault
    assert wrong.remedy


@pytest.mark.parametrize(
    "text",
    ["Jan Totaal", "Info, Jan", "Kantoor, Jan", "Jan Directeur", "J. v/d Berg", "dhr./mevr. Smit", "Kim", "Xu", ""],
)
def test_a_person_is_not_taken_for_something_else(text: str) -> None:
    assert no_person(text, "Linde wonen") is None
    assert no_person("Jan de Vries", "Jan de Vries") is None


# a name, what is odd in "je", and in "u"
ODD: list[tuple[Name, str, str]] = [
    (read_name("Jan de Vries"), "", ""),
    (read_name("Drs. Jan Willem de Vries MSc"), "", ""),
    (read_name("Anna Jansen-van den Berg"), "", ""),
    (read_name("Kim 't Hart"), "", ""),
    (read_name("Hedy d'Ancona"), "", ""),
    (read_name("Patsy Van der Meeren"), "", ""),
    (read_name("IJsbrand IJzer"), "", ""),
    (read_name("Jan Jansen of Lorkeers"), "", ""),
    (read_name("Jan van Voorst tot Voorst"), "", ""),
    (read_name(""), "no name is known", "no name is known"),
    (read_name("jan@example.org"), "no name is known", "no name is known"),
    (Name(title="de heer"), "no name is known", "no name is known"),
    (Name("?", "", "", "-"), "no name is known", "no name is known"),
    (read_name("J. de Vries"), "no first name is known", ""),
    (read_name("Dhr. J. de Vries"), "no first name is known", ""),
    (read_name("Dhr. de Vries"), "no first name is known", ""),
    (read_name("de Vries"), "no first name is known", "no aanhef and no first name is known"),
    (Name("", "K", "", "Verbeek"), "no first name is known", ""),
    (Name("Kim"), "", "no surname is known"),
    (read_name("Kim"), "", "no surname is known"),
    (read_name("Kim Verbeek Jansen"), "", "it is not certain where the surname begins"),
    (Name("Kim", "", "", "Verbeek Jansen"), "", ""),
    (read_name("Anna Maria Johanna Smit"), "which first name is used?", ""),
    (read_name("KIM VAN BEEK"), 'is "Kim van Beek" meant?', 'is "Kim van Beek" meant?'),
    (Name("Kim", "", "VAN", "BEEK"), 'is "Kim van Beek" meant?', 'is "Kim van Beek" meant?'),
    (read_name("jan de vries"), 'is "Jan de Vries" meant?', 'is "Jan de Vries" meant?'),
    (read_name("Jan willem Smit"), 'is "Jan Willem Smit" meant?', 'is "Jan Willem Smit" meant?'),
    (read_name("anna d'ancona"), 'is "Anna d\'Ancona" meant?', 'is "Anna d\'Ancona" meant?'),
    (read_name("IJSBRAND VAN 'T HOF"), 'is "IJsbrand van \'t Hof" meant?', 'is "IJsbrand van \'t Hof" meant?'),
    (read_name("Jan de Vries (voorzitter)"), '"voorzitter" is left out', '"voorzitter" is left out'),
    (read_name("Jan de Vries, Utrecht"), '"Utrecht" is left out', '"Utrecht" is left out'),
    (read_name("A. Jansen geb. de Vries"), '"geb. de Vries" is left out', '"geb. de Vries" is left out'),
    (read_name("Jan v.d. Berg"), '"v.d." is not written in full', '"v.d." is not written in full'),
    (read_name("J. v Dijk"), '"v" is not written in full', '"v" is not written in full'),
    (read_name("Jan v/d Berg"), '"v/d" is not written in full', '"v/d" is not written in full'),
    (read_name("Jan de Vries 2"), '"2" is in the name', '"2" is in the name'),
    (Name("drs. Jan", "", "de", "Vries"), '"drs. Jan de Vries" is in the name', '"drs. Jan de Vries" is in the name'),
    (Name("Jan", "", "", "Vries, de"), '"," is in the name', '"," is in the name'),
    (read_name("• Kim Verbeek"), '"•" is in the name', '"•" is in the name'),
    (read_name("- Kim Verbeek"), '"-" is in the name', '"-" is in the name'),
    (read_name("Kim Verbeek."), '"." is in the name', '"." is in the name'),
    (read_name("Jan van de(n) Berg"), '"(" is in the name', '"(" is in the name'),
    (read_name("Jan (?) de Vries"), '"?" is left out', '"?" is left out'),
    (read_name("Directeur Jan de Vries"), '"Directeur" is left out', '"Directeur" is left out'),
    (read_name("Verbeek Kim"), "is Kim the first name?", "is Kim the first name?"),
    (read_name("Kim,Verbeek"), "is Kim the first name?", "is Kim the first name?"),
    (Name("Vries", "", "de", "Jan"), "is Jan the first name?", "is Jan the first name?"),
    (read_name("Jan Peter"), "", ""),
]


@pytest.mark.parametrize(("name", "je", "u"), ODD)
def test_what_is_odd_about_a_salutation(name: Name, je: str, u: str) -> None:
    forms: tuple[tuple[Form, str], ...] = (("je", je), ("u", u))
    for form, said in forms:
        assert said in odd(name, form)
        assert bool(odd(name, form)) == bool(said)


PIECES = (
    "drs. Dhr. mevr. heer J. J.H. Jan Kim (Jan) van der 't d' de , - Vries Berg-Jansen SMIT smit MSc RA jr. / é & \" "
    "<jan@example.org> directeur"
)


@given(st.lists(st.sampled_from(PIECES.split()), max_size=7).map(" ".join) | st.text(max_size=30))
def test_any_text_gives_a_name_without_stray_space_and_is_never_recased(text: str) -> None:
    text = " ".join(text.split())
    name = read_name(text)
    no_person(text, text)
    for part in (*name[:5], salutation(name, "je"), salutation(name, "u"), sorting_name(name)):
        assert part == " ".join(part.split())
    for part in (name.first, name.prefix, name.surname):
        assert all(word in text for word in part.replace("-", " ").split())
    odd(name, "je")
    odd(name, "u")
