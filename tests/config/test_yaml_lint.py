"""Mistakes made in Notepad: one plain sentence and the repaired line for each."""

import pytest

from mkwmail.config.yaml_document import parsed
from mkwmail.config.yaml_lint import mend
from mkwmail.errors import UserError
from mkwmail.report.terminal import fault_lines

COLON = "a colon inside a text makes YAML read another key there; put quotes around the text"
LOST = "the text from the # on would be lost, because YAML reads it as a comment; put quotes around the whole"
CURLY = "curly quotes are no quotes to YAML and would be mailed along; use straight ones"
COMMA = "a comma between braces begins a new key; put quotes around a text with a comma"
APOSTROPHE = "an apostrophe at the beginning opens a quotation to YAML; put double quotes around the text"
TAB = "this line is indented with a tab; YAML takes spaces only, here 2"
NBSP = "this line is indented with non-breaking spaces, as Word and web pages have them; type 2 spaces"
BESIDE = "there is a non-breaking space next to the key, as in Word and web pages; type an ordinary one"
SIGN = "a text cannot begin with %s without quotes: YAML has another use for it"
TEXT = "this line belongs to the text above and must begin with %d spaces"
NO_KEY = "this line has no key: it is not a “key: value”, and no text above continues here"
HYPHEN = "an item of a list begins with a hyphen and a space"

SLIPS = [
    # text, line, column, sentence, repaired line
    ("title: Directeurendag: samenwerking", 1, 8, COLON, 'title: "Directeurendag: samenwerking"'),
    ('title: Zeg "ja": kom', 1, 8, COLON, """title: 'Zeg "ja": kom'"""),
    ("title: Let op:  # echt", 1, 8, COLON, 'title: "Let op:"  # echt'),
    ("programme:\n  - title: Lunch: soep", 2, 12, COLON, '  - title: "Lunch: soep"'),
    ("title: Directeurendag #2", 1, 8, LOST, 'title: "Directeurendag #2"'),
    ("a: {name: Zaal #2, city: Utrecht}", 1, 4, LOST, 'a: {name: "Zaal #2", city: Utrecht}'),
    ("title: “Directeurendag”", 1, 8, CURLY, 'title: "Directeurendag"'),
    ("title: ‘Directeurendag’", 1, 8, CURLY, 'title: "Directeurendag"'),
    ("title: „Directeurendag”", 1, 8, CURLY, 'title: "Directeurendag"'),
    ("title: “Dag: samen”  # x", 1, 8, CURLY, 'title: "Dag: samen"  # x'),
    ("a: [“programma.pdf”, essay.pdf]", 1, 4, CURLY, 'a: ["programma.pdf", essay.pdf]'),
    ("“title”: x", 1, 1, "curly quotes around a key; write it without quotes", "title: x"),
    ("location: {name: De Moestuin, Utrecht}", 1, 11, COMMA, 'location: {name: "De Moestuin, Utrecht"}'),
    (
        "location: {name: De Moestuin, Utrecht, city: Utrecht}",
        1,
        11,
        COMMA,
        'location: {name: "De Moestuin, Utrecht", city: Utrecht}',
    ),
    ("location: {name: “De Moestuin”, Utrecht}", 1, 11, COMMA, 'location: {name: "De Moestuin, Utrecht"}'),
    ("a: {name: Dag: samen}", 1, 4, COLON, 'a: {name: "Dag: samen"}'),
    (
        "a: {url: https://x.nl/{code}}",
        1,
        4,
        "put quotes around a text with brackets in it",
        'a: {url: "https://x.nl/{code}"}',
    ),
    ("city: 's-Hertogenbosch", 1, 7, APOSTROPHE, """city: "'s-Hertogenbosch\""""),
    ("name: 't Hart", 1, 7, APOSTROPHE, """name: "'t Hart\""""),
    ("a: {city: 's-Gravenhage, name: x}", 1, 4, APOSTROPHE, """a: {city: "'s-Gravenhage", name: x}"""),
    ('title: "Directeurendag', 1, 8, "the quote that opens here is not closed", 'title: "Directeurendag"'),
    ('title: "Directeurendag”', 1, 8, "the quote that opens here is not closed", 'title: "Directeurendag"'),
    (
        'title: "Samen" sterk',
        1,
        8,
        "text continues after the closing quote; put quotes around the whole",
        """title: '"Samen" sterk'""",
    ),
    (
        r'a: "C:\pad"',
        1,
        4,
        "between double quotes a backslash means something else to YAML; use single quotes",
        r"a: 'C:\pad'",
    ),
    ("a: [b, c\nd: e", 1, 4, "the bracket that opens here is not closed", "a: [b, c]"),
    ("text: **Let op** de tijd", 1, 7, SIGN % "*", 'text: "**Let op** de tijd"'),
    ("text: [hier](https://x.nl) aanmelden", 1, 7, SIGN % "[", 'text: "[hier](https://x.nl) aanmelden"'),
    ("text: {naam} komt", 1, 7, SIGN % "{", 'text: "{naam} komt"'),
    ("name: @home", 1, 7, SIGN % "@", 'name: "@home"'),
    ("a: &anchor x", 1, 4, SIGN % "&", 'a: "&anchor x"'),
    ("title: - samen", 1, 8, SIGN % "-", 'title: "- samen"'),
    ("location:\n\tname: x", 2, 1, TAB, "  name: x"),
    ("location:\n\u00a0\u00a0name: x", 2, 1, NBSP, "  name: x"),
    ("title:\u00a0x", 1, 1, BESIDE, "title: x"),
    ("title\u00a0: x", 1, 1, BESIDE, "title: x"),
    (
        "hosts:\n-\u00a0Jan",
        2,
        1,
        "there is a non-breaking space after the hyphen; type an ordinary one",
        "- Jan",
    ),
    ("hosts:\n– Jan", 2, 1, HYPHEN, "- Jan"),
    ("hosts:\n  -Jan", 2, 3, HYPHEN, "  - Jan"),
    ("title:Directeurendag", 1, 6, "a space must follow the colon", "title: Directeurendag"),
    ("a:\n  b:{c: d}", 2, 4, "a space must follow the colon", "  b: {c: d}"),
    ("title = Dag", 1, 1, "put a colon and a space between key and value", "title: Dag"),
    ("starts 2020-04-16", 1, 1, NO_KEY, "starts: 2020-04-16"),
    (
        "title: Dag\n  theme: Samen",
        2,
        3,
        "this line is indented further than the line above, so it would belong to its text",
        "theme: Samen",
    ),
    (
        "introduction: Welkom\n  op de dag: kom",
        2,
        3,
        "a text over several lines with such signs in it begins with | on line 1 and continues below it",
        "introduction: |",
    ),
    ("text: |\nEen tekst.\ntitle: x", 2, 1, TEXT % 2, "  Een tekst."),
    ("text: |\n    Een\n  Twee\ntitle: x", 3, 1, TEXT % 4, "    Twee"),
    ("text: |\n\tEen tekst.\ntitle: x", 2, 1, TAB, "  Een tekst."),
    ("title: x\n---\ntheme: y", 2, 1, "a line of --- ends the file for YAML; delete it", ""),
]


@pytest.mark.parametrize(("text", "line", "column", "sentence", "repaired"), SLIPS)
def test_a_slip_is_named_with_its_repaired_line(
    text: str, line: int, column: int, sentence: str, repaired: str
) -> None:
    _mended, slips = mend(text)
    assert [(slip.line, slip.column, slip.fault, slip.repaired) for slip in slips] == [
        (line, column, sentence, repaired)
    ]


@pytest.mark.parametrize(("text", "line", "column", "sentence", "repaired"), SLIPS)
def test_the_repaired_text_has_no_slips(text: str, line: int, column: int, sentence: str, repaired: str) -> None:
    mended, _slips = mend(text)
    assert mend(mended) == (mended, ())
    assert mended.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "id: directeurendag-2020                  # never changes: the same id in two files is an error",
        "starts: 2020-04-16 13:00 #donderdag",
        "invitation: {send: 2020-02-17 09:00}",
        "calendar: {method: publish, alarm: 1 day}   # publish (default) | request | none",
        "audience: {column: regio, is: [Utrecht, 's-Gravenhage']}",
        "url: https://example.org/aanmelden?lid={code}#top    # {code}: random",
        "title: ‘Samen’ en ‘sterk’",
        "title: Collega’s",
        "theme: € 13,00 p.p. (9.00-10.00)",
        "theme: €\u00a013,00",
        "introduction: |\n  Let op: **dit** is #1.\n\n  - een\n  \t- twee\n  “https://example.org”\ntitle: x",
        "introduction: |\n    Een\n      ingesprongen: regel\n    Twee\n# een opmerking\ntitle: x",
        "programme:\n- time: 12.00\n  description: |\n    Tekst: zo\n- time: 13.00\n  title: x",
        'title: "Directeurendag: samen"',
        "title: 'Directeurendag: ''samen'' #2'",
        'introduction: "Een\n  twee: drie\n  vier"\ntitle: x',
        "attachments: [a.pdf,\n  b.pdf]\ntitle: x",
        "location:\n  {name: x, city: y}",
        "introduction: Welkom\n  op deze dag\ntitle: x",
        "---\ntitle: x\n...\n",
    ],
)
def test_what_yaml_reads_as_it_was_meant_is_left_alone(text: str) -> None:
    assert mend(text)[1] == ()


def test_indentation_of_several_lines_is_said_once() -> None:
    _mended, slips = mend("text: |\n\tEen\n\n\tTwee\n\tDrie\ntitle: a: b")
    assert [(slip.line, slip.last_line, slip.group) for slip in slips] == [(2, 5, "tab"), (6, 6, "")]


def test_white_space_without_meaning_is_no_slip() -> None:
    assert mend("title:\tx\n\t\nlocation: \n\t# opmerking\n  name: y\t")[0] == (
        "title: x\n\nlocation:\n # opmerking\n  name: y"
    )


@pytest.mark.parametrize(
    "line",
    ["password: geheim #1: x", "  wachtwoord:geheim", "smtp: {host: a, b, password: geheim}", "password = geheim"],
)
def test_no_repaired_line_shows_a_password(line: str) -> None:
    _mended, slips = mend(line)
    assert slips
    assert all("geheim" not in slip.repaired + slip.fault for slip in slips)


@pytest.mark.parametrize(
    "text",
    [
        "smtp:\n  password: geheim #1: x\n",
        "smtp:\n  wachtwoord: |\n    geheim\n  host: a: b\n",
        "smtp: {password: geheim, host: [}\n",
        "smtp:\n  client_secret:\n     geheim\n  port: x: y\n",
    ],
)
def test_no_line_of_the_file_that_is_shown_has_a_password(text: str) -> None:
    try:
        faults = parsed(text.encode(), "mkwmail.yaml").faults
    except UserError as error:
        faults = error.faults
    assert faults
    assert "geheim" not in "\n".join(fault_lines(faults))


def test_a_line_with_a_fault_is_shown_as_it_is_in_the_file() -> None:
    (fault,) = parsed(b"location:\n  name: Het Rond\n   street: Het Rond 2\n", "x.yaml").faults
    assert list(fault_lines([fault]))[1:] == [
        "    3 │    street: Het Rond 2",
        "      │    ^",
        "      →   street: Het Rond 2",
    ]
