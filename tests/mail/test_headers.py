"""Header fields on the wire: readable by any parser, and no value can add one."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.mail.letter import mailbox, unstructured, verbatim

texts = st.text(st.characters(exclude_categories=["Cs", "Co"]), max_size=200)


def _lines(field: bytes) -> list[bytes]:
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(line.startswith(b" ") for line in lines[1:])
    return lines


@given(texts)
def test_any_subject_comes_back(text: str) -> None:
    field = unstructured("Subject", text)
    assert field.isascii()
    for line in _lines(field):
        assert len(line) <= 998
        for word in line.split():
            assert not word.startswith(b"=?") or len(word) <= 75  # RFC 2047 §2
    message = message_from_bytes(field + b"\r\n", policy=policy.default)
    assert message["Subject"] == " ".join(text.split())
    assert not message["Subject"].defects
    assert len(message.keys()) == 1


@given(texts)
def test_any_display_name_comes_back(text: str) -> None:
    field = mailbox("To", text, "kim@example.org")
    assert field.isascii()
    _lines(field)
    message = message_from_bytes(field + b"\r\n", policy=policy.default)
    (address,) = message["To"].addresses
    assert address.addr_spec == "kim@example.org"
    assert len(message.keys()) == 1
    # policy.default shows the space between encoded words, which RFC 2047 §6.2 says is none: the older reader knows.
    raw = field.decode().removeprefix("To: ").rpartition("kim@example.org")[0].rstrip("<").strip()
    if "=?" in raw:
        assert str(make_header(decode_header(raw))) == " ".join(text.split())
    else:
        assert address.display_name == " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", b"To: kim@example.org\r\n"),
        ("Kim de Vries", b"To: Kim de Vries <kim@example.org>\r\n"),
        ("Vries, Kim de", b'To: "Vries, Kim de" <kim@example.org>\r\n'),
        ("J.J. Jansen", b'To: "J.J. Jansen" <kim@example.org>\r\n'),
        ('Kim "de" V', b'To: "Kim \\"de\\" V" <kim@example.org>\r\n'),
        ("Zoë Aït", b"To: =?utf-8?b?Wm/DqyBBw690?= <kim@example.org>\r\n"),
    ],
)
def test_names_as_they_are_written(name: str, written: bytes) -> None:
    assert mailbox("To", name, "kim@example.org") == written


def test_an_identifier_is_never_encoded_or_folded() -> None:
    token = "<mailto:secretaris@example.org?subject=" + "Geen%20mail%20meer" * 12 + ">"
    assert verbatim("List-Unsubscribe", token) == f"List-Unsubscribe: {token}\r\n".encode()
