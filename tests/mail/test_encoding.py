"""Lines on the wire: they come back, and none is longer than it may be."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.mail.letter import ENCODERS, WIDTH, LineKind, base64_lines, quoted_printable, wrapped
from mkwmail.mail.merge import hang_at

lines = st.text(st.characters(exclude_categories=["Cs", "Co", "Cc"]), max_size=300)


@given(lines)
def test_quoted_printable_comes_back_within_76_characters(line: str) -> None:
    encoded = quoted_printable(line)
    assert encoded.isascii() and encoded.endswith(b"\r\n")
    assert all(len(part) <= 76 for part in encoded.split(b"\r\n"))
    assert b"\n" not in encoded.replace(b"\r\n", b"")
    assert quopri.decodestring(encoded).replace(b"\r\n", b"\n").decode() == line.replace("\r", "") + "\n"


@pytest.mark.parametrize("line", [".", "..", ".verborgen", "From mij aan jou", "." * 80, "a" * 75 + ".", "From " * 30])
def test_what_mail_programs_on_the_way_would_change_is_encoded(line: str) -> None:
    encoded = quoted_printable(line)
    assert not encoded.startswith((b".", b"From "))
    assert all(len(part) <= 76 for part in encoded.split(b"\r\n"))
    assert quopri.decodestring(encoded).replace(b"\r\n", b"\n").decode() == line + "\n"


def test_trailing_white_space_is_kept() -> None:
    assert quoted_printable("a \t") == b"a =09\r\n"


def test_plain_text_wraps_at_words_and_hangs() -> None:
    line = "Locatie:    " + hang_at(12) + "De Moestuin, " * 8
    first, *others = wrapped(line)
    assert len(first) <= WIDTH and first.startswith("Locatie:    De")
    assert others and all(other.startswith(" " * 12 + "De") and len(other) <= WIDTH for other in others)


def test_a_long_link_stays_whole() -> None:
    link = "https://aanmelden.example.org/" + "a" * 120
    assert wrapped(f"Aanmelden: {link}") == ["Aanmelden:", link]


def test_a_short_line_has_no_sign_left() -> None:
    assert wrapped("- " + hang_at(2) + "een") == ["- een"]


@given(lines)
def test_a_calendar_line_is_folded_before_it_is_encoded(line: str) -> None:
    decoded = quopri.decodestring(ENCODERS[LineKind.CALENDAR](line))
    assert all(len(part) <= 75 for part in decoded.split(b"\r\n"))
    assert decoded.replace(b"\r\n ", b"").decode() == line + "\r\n"


@given(st.binary(max_size=400))
def test_base64_comes_back(data: bytes) -> None:
    encoded = base64_lines(data)
    assert base64.b64decode(encoded) == data
    assert all(len(part) <= 76 for part in encoded.split(b"\r\n"))
