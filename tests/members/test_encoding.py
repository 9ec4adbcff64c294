"""Letters: the same from Windows, Mac and UTF-8, and never a wrong one without a word."""

import pytest

from mkwmail.errors import UserError
from mkwmail.members.table import decode

WORDS = (
    *(
        "Zoë Beëlen",
        "René",
        "RENÉ",
        "Éric",
        "Müller",
        "Jürgen",
        "François",
        "Michèle",
        "“Zoë”",
        "foto’s",
        "Coördinatie",
    ),
    *("Noord–Zuid", "Groß", "d’Hont", "Mañana", "naïef", "Ørsted", "€ 25", "Andrée-Anne", "ZOË", "Ångström"),
)
# Without another letter, Mac Roman cannot be told from Windows-1252, or is not told because Windows is far more likely.
ALIKE = ("Coördinatie", "€ 25", "foto’s", "d’Hont")


@pytest.mark.parametrize("word", WORDS)
def test_words_from_windows(word: str) -> None:
    assert decode(f"naam;x\n{word};1\n".encode("cp1252"), "leden.csv") == (f"naam;x\n{word};1\n", "Windows-1252")


@pytest.mark.parametrize("word", WORDS)
def test_words_from_a_mac(word: str) -> None:
    text = f"naam;x\n{word};1\n" + ("René;\n" if word in ALIKE else "")
    assert decode(text.encode("mac_roman"), "leden.csv") == (text, "Mac Roman")


@pytest.mark.parametrize(("word", "encoding"), [("Jörgen", "mac_roman"), ("Miloš", "cp1252")])
def test_letters_that_may_be_of_both_are_refused_with_both_readings(word: str, encoding: str) -> None:
    with pytest.raises(UserError, match=rf"two ways: .*{word}.*CSV UTF-8"):
        decode(f"naam;x\n{word};1\n".encode(encoding), "leden.csv")


@pytest.mark.parametrize("word", ["Zoë Beëlen", "René", "Zoë Coördinatie"])
def test_letters_from_dos_are_never_read_as_those_of_a_mac(word: str) -> None:
    with pytest.raises(UserError, match=rf"two ways: .*{word}.*\(DOS\).*CSV UTF-8"):
        decode(f"naam;x\n{word};1\n".encode("cp850"), "leden.csv")


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_broken_letters_of_utf_8_are_named_with_their_line(start: bytes) -> None:
    data = start + "naam\nZoë\nRenée\n".encode() + b"Ren\xe9 Smit;x\nAn\nZo\xc3;y\n"
    with pytest.raises(UserError) as caught:
        decode(data, "leden.csv")
    assert [fault.place for fault in caught.value.faults] == ["leden.csv:4", "leden.csv:6"]
    assert '"Ren\ufffd Smit"' in caught.value.faults[0].fault
