"""Names: a table of cases for every rule, and what holds for any name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.dutch.names import (
    Name,
    formal_name,
    full_name,
    normal_initials,
    read_title,
    salutation,
    sort_key,
    sorting_name,
)

LILIAN = Name("Lilian", "l", "van", "Zandbrink")

# name, in full, formal, "je", "u", as sorted
CASES = [
    (
        LILIAN,
        "Lilian van Zandbrink",
        "L. van Zandbrink",
        "Beste Lilian",
        "Geachte L. van Zandbrink",
        "Zandbrink, Lilian van",
    ),
    (
        Name("Lilian", "L.", "van", "Zandbrink", title="mevrouw"),
        "Lilian van Zandbrink",
        "mevrouw Van Zandbrink",
        "Beste Lilian",
        "Geachte mevrouw Van Zandbrink",
        "Zandbrink, Lilian van",
    ),
    (
        Name("", "B", "van der", "Ven-van Dijk", title="de heer"),
        "B. van der Ven-van Dijk",
        "de heer Van der Ven-van Dijk",
        "Beste heer Van der Ven-van Dijk",
        "Geachte heer Van der Ven-van Dijk",
        "Ven-van Dijk, B. van der",
    ),
    (  # the prefix in the column of the surname
        Name("Kim", "", "", "van der Ven", title="mevrouw"),
        "Kim van der Ven",
        "mevrouw Van der Ven",
        "Beste Kim",
        "Geachte mevrouw Van der Ven",
        "Ven, Kim van der",
    ),
    (
        Name("Kim", "", "'t", "Hart", title="de heer"),
        "Kim 't Hart",
        "de heer 't Hart",
        "Beste Kim",
        "Geachte heer 't Hart",
        "Hart, Kim 't",
    ),
    (
        Name("Kim", "", "van ’t", "Hof", title="mevrouw"),
        "Kim van ’t Hof",
        "mevrouw Van ’t Hof",
        "Beste Kim",
        "Geachte mevrouw Van ’t Hof",
        "Hof, Kim van ’t",
    ),
    (
        Name("Hedy", "", "d'", "Ancona", title="mevrouw"),
        "Hedy d'Ancona",
        "mevrouw d'Ancona",
        "Beste Hedy",
        "Geachte mevrouw d'Ancona",
        "Ancona, Hedy d'",
    ),
    (
        Name("Hedy", "", "", "d'Ancona", title="mevrouw"),
        "Hedy d'Ancona",
        "mevrouw d'Ancona",
        "Beste Hedy",
        "Geachte mevrouw d'Ancona",
        "Ancona, Hedy d'",
    ),
    (  # no title, no initials: nothing is inferred
        Name("Kim", "", "", "Verbeek"),
        "Kim Verbeek",
        "Kim Verbeek",
        "Beste Kim",
        "Geachte Kim Verbeek",
        "Verbeek, Kim",
    ),
    (  # initials only
        Name("", "K", "", "Verbeek"),
        "K. Verbeek",
        "K. Verbeek",
        "Beste K. Verbeek",
        "Geachte K. Verbeek",
        "Verbeek, K.",
    ),
    (  # initials in the column of the first name
        Name("K.", "", "de", "Vries"),
        "K. de Vries",
        "K. de Vries",
        "Beste K. de Vries",
        "Geachte K. de Vries",
        "Vries, K. de",
    ),
    (  # a Belgian name keeps its capitals, and is sorted by its prefix
        Name("Patsy", "", "Van der", "Meeren", title="mevrouw"),
        "Patsy Van der Meeren",
        "mevrouw Van der Meeren",
        "Beste Patsy",
        "Geachte mevrouw Van der Meeren",
        "Van der Meeren, Patsy",
    ),
    (  # written whole wins, also over the parts
        Name("Jo", "J.", "de", "coninck", written="Jo De Coninck", title="mevrouw"),
        "Jo De Coninck",
        "mevrouw De Coninck",
        "Beste Jo",
        "Geachte mevrouw De Coninck",
        "De Coninck, Jo",
    ),
    (
        Name(written="Lilian van Zandbrink"),
        "Lilian van Zandbrink",
        "Lilian van Zandbrink",
        "Beste Lilian van Zandbrink",
        "Geachte Lilian van Zandbrink",
        "Zandbrink, Lilian van",
    ),
    (
        Name(written="A.B. de Cocq van Delwijnen", title="de heer"),
        "A.B. de Cocq van Delwijnen",
        "de heer A.B. de Cocq van Delwijnen",
        "Beste heer A.B. de Cocq van Delwijnen",
        "Geachte heer A.B. de Cocq van Delwijnen",
        "Cocq van Delwijnen, A.B. de",
    ),
    (
        Name("IJsbrand", "IJ", "", "van IJzendoorn"),
        "IJsbrand van IJzendoorn",
        "IJ. van IJzendoorn",
        "Beste IJsbrand",
        "Geachte IJ. van IJzendoorn",
        "IJzendoorn, IJsbrand van",
    ),
    (
        Name("Zoë", "Z", "in 't", "Veld", title="mevrouw"),
        "Zoë in 't Veld",
        "mevrouw In 't Veld",
        "Beste Zoë",
        "Geachte mevrouw In 't Veld",
        "Veld, Zoë in 't",
    ),
    (
        Name("Mounir", "", "el", "Hamdaoui", title="de heer"),
        "Mounir el Hamdaoui",
        "de heer El Hamdaoui",
        "Beste Mounir",
        "Geachte heer El Hamdaoui",
        "Hamdaoui, Mounir el",
    ),
    (  # a surname alone
        Name("", "", "de", "Vries"),
        "De Vries",
        "De Vries",
        "Beste De Vries",
        "Geachte De Vries",
        "Vries, de",
    ),
    (Name("Kim", "K."), "Kim", "Kim", "Beste Kim", "Geachte Kim", "Kim"),
    (Name(), "", "", "Beste collega", "Geachte bestuurder", ""),
    (Name(title="de heer"), "", "", "Beste collega", "Geachte bestuurder", ""),
]


@pytest.mark.parametrize(("name", "full", "formal", "je", "u", "listed"), CASES)
def test_a_name_in_every_form(name: Name, full: str, formal: str, je: str, u: str, listed: str) -> None:
    assert full_name(name) == full
    assert formal_name(name) == formal
    assert salutation(name, "je") == je
    assert salutation(name, "u") == u
    assert sorting_name(name) == listed


@pytest.mark.parametrize(
    ("given_as", "normal"),
    [
        ("l", "L."),
        ("L", "L."),
        ("L.M", "L.M."),
        ("L. M.", "L.M."),
        ("LM", "L.M."),
        ("l.m.", "L.M."),
        ("Th", "Th."),
        ("Th. J", "Th.J."),
        ("Chr.", "Chr."),
        ("IJ", "IJ."),
        ("I.J.", "I.J."),
        ("J.-P.", "J.-P."),
        ("é", "É."),
        ("Lilian", "Lilian"),
        ("lm", "lm"),
        ("L. (Lily)", "L. (Lily)"),
        ("", ""),
    ],
)
def test_initials(given_as: str, normal: str) -> None:
    assert normal_initials(given_as) == normal
    assert normal_initials(normal) == normal


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("dhr", "de heer"),
        ("Dhr.", "de heer"),
        ("heer", "de heer"),
        ("De heer", "de heer"),
        ("m", "de heer"),
        ("M", "de heer"),
        ("mevr.", "mevrouw"),
        ("Mw.", "mevrouw"),
        ("mevrouw", "mevrouw"),
        ("V", "mevrouw"),
        ("", ""),
        (" - ", ""),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert read_title(text) == title


@pytest.mark.parametrize("text", ["mr.", "drs.", "Lilian", "mevr/dhr"])
def test_an_unknown_title_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write dhr, mevr or nothing"):
        read_title(text)


def test_lists_go_by_the_main_word_without_accents_and_case() -> None:
    names = [
        Name("Lilian", "", "van", "Zandbrink"),
        Name("Kim", "", "", "Ündemir"),
        Name("Bo", "", "", "Udo"),
        Name("Kim", "", "'t", "Hart"),
        Name("Jan", "", "de", "Vries"),
        Name("An", "", "", "Vries"),
        Name(written="Sam van den Akker"),
        Name("Patsy", "", "Van der", "Meeren"),
    ]
    ordered = [full_name(name) for name in sorted(names, key=sort_key)]
    assert ordered == [
        "Sam van den Akker",
        "Kim 't Hart",
        "Bo Udo",
        "Kim Ündemir",
        "Patsy Van der Meeren",
        "An Vries",
        "Jan de Vries",
        "Lilian van Zandbrink",
    ]


PART = st.sampled_from(["", "van", "van der", "'t", "d'", "Van", "Ven-van Dijk", "IJzer", "de Wit", "l", "Ça", "x."])
TITLE = st.sampled_from(["", "de heer", "mevrouw"]).map(read_title)
NAMES = st.builds(Name, PART, PART, PART, PART, PART, TITLE)


@given(NAMES)
def test_a_written_name_is_never_changed_and_no_form_has_stray_space(name: Name) -> None:
    if name.written:
        assert full_name(name) == name.written
    for text in (full_name(name), formal_name(name), salutation(name, "je"), salutation(name, "u"), sorting_name(name)):
        assert text == " ".join(text.split())


@given(NAMES)
def test_a_gender_is_only_ever_the_lists_own(name: Name) -> None:
    if not name.title:
        for text in (salutation(name, "je"), salutation(name, "u")):
            assert "heer" not in text and "mevrouw" not in text


@given(NAMES)
def test_a_name_is_never_recased(name: Name) -> None:
    # str.title() would make "Van 'T Hof" and "Ijsbrand"; only a prefix that comes first takes a capital.
    for text in (full_name(name), formal_name(name), salutation(name, "u")):
        if name.surname and not name.written:
            assert name.surname.split()[-1] in text
        if text == full_name(name) and not name.written and len(name.first) > 1 and not name.first.endswith("."):
            assert text.startswith(name.first)
