"""WHO: by address, number, name or part of it; never by guess."""

import pytest

from mkwmail.commands.prompts import Candidate, find_person
from mkwmail.errors import ExitCode, UserError

KIM = Candidate("1", "Kim Verbeek", "kim@example.org", "Woonstede", "007")
JAN = Candidate("2", "Jan de Vries", "jan@example.org", "De Haven", "12")
JAN_TOO = Candidate("3", "Jan Bakker", "bakker@example.org", "Tien", "12")
EVERYONE = (KIM, JAN, JAN_TOO)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("KIM@Example.org", KIM),
        ("kim  VERBEEK", KIM),
        ("007", KIM),
        ("verbeek", KIM),
        ("jan vries", JAN),
    ],
)
def test_one_person_is_meant(word: str, expected: Candidate) -> None:
    assert find_person(word, EVERYONE) is expected


def test_one_person_in_two_rows_is_one() -> None:
    assert find_person("Kim Verbeek", (KIM, KIM)) is KIM


@pytest.mark.parametrize(("word", "named"), [("jan", "bakker@example.org"), ("12", "jan@example.org")])
def test_who_can_be_several_is_listed(word: str, named: str) -> None:
    with pytest.raises(UserError) as caught:
        find_person(word, EVERYONE)
    assert caught.value.code is ExitCode.USAGE
    assert named in caught.value.faults[0].remedy


@pytest.mark.parametrize("word", ["", "nobody@example.org", "Kin Verbeek"])
def test_nobody_is_never_guessed(word: str) -> None:
    with pytest.raises(UserError) as caught:
        find_person(word, EVERYONE)
    assert caught.value.code is ExitCode.USAGE
