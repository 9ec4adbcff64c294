"""YAML as texts with their places: encodings, bounds, and no other error than one that names the file."""

import codecs
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mkwmail.config.yaml_document import DEEPEST, Document, read_document
from mkwmail.errors import UserError
from mkwmail.files import MOST_BYTES


def read(folder: Path, text: str | bytes) -> Document:
    path = folder / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    document = read_document(path, "events/x.yaml")
    if document.faults:
        raise UserError(*document.faults)
    return document


def refused(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(UserError) as raised:
        read(folder, text)
    return [f"{fault.place}: {fault.fault}" for fault in raised.value.faults]


TEXT = "title: Eén dag – “samen” in Zuid\nstarts: 2020-04-16 13:00\nintroduction: |\n  Eerste\n\n  Tweede\n"
PLAIN = {
    "title": "Eén dag – “samen” in Zuid",
    "starts": "2020-04-16 13:00",
    "introduction": "Eerste\n\nTweede\n",
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "cp1252"),
    ],
)
def test_every_encoding_and_line_end_of_notepad_reads_the_same(
    tmp_path: Path, mark: bytes, encoding: str, line_end: str
) -> None:
    document = read(tmp_path, mark + TEXT.replace("\n", line_end).encode(encoding))
    assert document.plain() == PLAIN
    assert document.place(("starts",)) == "events/x.yaml:2:9"


def test_every_value_stays_text(tmp_path: Path) -> None:
    text = "a: 12:30\nb: 13.00\nc: NO\nd: 007\ne: 2020-04-31\nf: ~\ng:\nh: null\ni: 'null'\nj: \"\"\n"
    text += "k: {l: 09:00, m: [on, 1_0]}\n"
    assert read(tmp_path, text).plain() == {
        **{"a": "12:30", "b": "13.00", "c": "NO", "d": "007", "e": "2020-04-31"},
        **{"f": None, "g": None, "h": None, "i": "null", "j": ""},
        "k": {"l": "09:00", "m": ["on", "1_0"]},
    }


def test_places_lead_to_keys_values_and_lines_of_texts(tmp_path: Path) -> None:
    document = read(tmp_path, "a:\n  - b: één\n    c: twee\nd: |\n  regel\n  nog een regel\ne: {f: g, h: [i, j]}\nk:\n")
    assert document.place(("a", 0, "c")) == "events/x.yaml:3:8"
    assert document.key_place(("a", 0, "c")) == "events/x.yaml:3:5"
    assert document.place(("e", "h", 1)) == "events/x.yaml:7:18"
    assert document.place(("a", 0, "absent")) == "events/x.yaml:2:5"
    assert document.place(("k",)) == "events/x.yaml:8:1"
    assert document.place(("absent",)) == "events/x.yaml"
    node = document.node(("d",))
    assert node is not None
    assert document.find(node, "nog een") == ("events/x.yaml:6:3", "nog een regel")
    assert document.repaired(("a", 0, "b"), "één", "drie") == "- b: drie"


def test_a_doubled_key_is_refused_wherever_it_is(tmp_path: Path) -> None:
    assert refused(tmp_path, "a: 1\nb:\n  c: 1\n  c: 2\na: 2\ne: {f: 1, f: 2}\n") == [
        "events/x.yaml:4:3: the key c is here a second time; the first one is on line 3",
        "events/x.yaml:5:1: the key a is here a second time; the first one is on line 1",
        "events/x.yaml:6:11: the key f is here a second time; the first one is on line 6",
    ]


def test_slips_and_what_yaml_cannot_read_are_named_together(tmp_path: Path) -> None:
    assert refused(tmp_path, "title: Dag: samen\nlocation:\n    name: X\n  city: Y\nhosts:\n\t- Jan\n") == [
        "events/x.yaml:1:8: a colon inside a text makes YAML read another key there; put quotes around the text",
        "events/x.yaml:6:1: this line is indented with a tab; YAML takes spaces only, here 2",
        "events/x.yaml:4:1: this line begins with 2 spaces, the one above with 4; they do not fit together",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: [&x [1, 2, 3], *x]",
        "a: [*x, 1]",
        "a:\n  [!!python/object:os.system 'x']",
        "a: [!!set {b}]",
    ],
)
def test_anchors_aliases_and_tags_are_refused(tmp_path: Path, text: str) -> None:
    assert any("&" in fault or "*" in fault or "!" in fault for fault in refused(tmp_path, text))


def test_an_alias_bomb_costs_nothing(tmp_path: Path) -> None:
    lines = ["a0:\n  - &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}:\n  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    began = time.perf_counter()
    refused(tmp_path, "\n".join(lines))
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("unit", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(tmp_path: Path, unit: str) -> None:
    assert refused(tmp_path, "a:\n  " + unit * 5000)
    assert refused(tmp_path, "".join("\n" + " " * n + "a:" for n in range(2 * DEEPEST)) + " x")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "this file has no “key: value” lines, so there is nothing to read in it"),
        (b"# a remark\n", "this file has no “key: value” lines, so there is nothing to read in it"),
        (b"- a\n- b\n", "this file has no “key: value” lines, so there is nothing to read in it"),
        (b"PK\x03\x04\0\0\0\0x", "this is not a text file; save it as text in UTF-8"),
        (b"a: x\nb: y\x07\n", "line 2 has an invisible control character in column 5; delete it"),
        (b"a: \x81\x8d\n", "the text of this file cannot be read; save it as text in UTF-8"),
        (b"a" * (MOST_BYTES + 1), "this file is larger than 256 KB, so it is not an event or settings file"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, data: bytes, fault: str) -> None:
    assert refused(tmp_path, data) == [f"events/x.yaml: {fault}"]


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(UserError):
            read_document(path, path.name)


LINES = st.lists(st.text(alphabet=" \t\u00a0-:#|>{}[],'\"“”‘&*!?%@`\\ab1.\n\u2028é", max_size=12), max_size=12).map(
    "\n".join
)


@given(st.one_of(LINES.map(str.encode), st.text().map(str.encode), st.binary()))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_input_raises_anything_else(tmp_path: Path, data: bytes) -> None:
    try:
        document = read(tmp_path, data)
    except UserError as error:
        assert error.faults
        assert all(fault.fault and fault.place.startswith("events/x.yaml") for fault in error.faults)
    else:
        for loc, node, text in document.texts():
            assert document.node(loc) is node
            assert node.content == text


@given(st.text(alphabet="ab1 :#'\"“”{}[],&*!|>-@%?\u00a0é", min_size=1, max_size=20))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_part_of_a_text_is_lost_unseen(tmp_path: Path, text: str) -> None:
    """A text behind a key is read whole, or refused; quotes, brackets and remarks are what they look like."""
    try:
        value = read(tmp_path, f"title: {text}\ntheme: x\n").plain()
    except UserError:
        return
    assert isinstance(value, dict)
    assert value["theme"] == "x"
    if text.strip("\u00a0 ")[:1] not in tuple("'\"{[|>#") and " # " not in f"{text} " and " #" not in text:
        assert value["title"] in (text.strip("\u00a0 "), None)
        assert value["title"] is not None or not text.strip("\u00a0 ")
