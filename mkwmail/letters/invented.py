"""Invented values: a mail that may be shared shows what stands where, and of nobody."""

import re
from collections.abc import Iterable, Mapping

from mkwmail.letters.compose import Addressed
from mkwmail.letters.filling import Segments
from mkwmail.letters.opened import Opened

# Dutch, as the mails that they stand in.
_WORDS = {
    "member.first_name": "«voornaam»",
    "member.initials": "«voorletters»",
    "member.prefix": "«tussenvoegsel»",
    "member.surname": "«achternaam»",
    "member.name": "«naam»",
    "member.organisation": "«organisatie»",
    "member.function": "«functie»",
    "member.number": "«lidnummer»",
    "member.email": "«e-mailadres»",
    "to_name": "«naam»",
    "to_address": "naam@example.org",
    "signup_link": "https://example.org/aanmelden",
    "uid": "voorbeeld@mkwmail",
    "message_id": "voorbeeld@example.org",
}


def invented(values: Mapping[str, str]) -> dict[str, str]:
    """The values with everything of a person replaced; dates stay."""
    return {field: _invented(field, value) for field, value in values.items()}


def _invented(field: str, value: str) -> str:
    if field in ("date", "dtstamp"):
        return value
    if field == "salutation":
        return f"{value.partition(' ')[0]} «naam»"
    return _WORDS.get(field, f"«{field.removeprefix('member.')}»")


_SHORTEST = 3  # characters from which a value found in a mail is taken for the member's, not for chance


def names_its_members(opened: Opened, addressed: Iterable[Addressed]) -> bool:
    """Whether the letter itself, its holes aside, says who its members are.

    It does where a template cut or changed a value instead of printing it. A letter of several members does not
    merely because one of them is named in it, such as a host.
    """
    words = _words_of(opened)
    return all(one.direct or any(value in words for value in _telling(one)) for one in addressed)


def _telling(one: Addressed) -> list[str]:
    member = one.addressee.member
    name = member.name
    parts = (
        name.first,
        name.surname,
        name.written,
        member.email,
        member.organisation,
        member.number,
        one.addressee.code,
    )
    return [f" {_plain(part)} " for part in parts if len(part) >= _SHORTEST]


def _words_of(opened: Opened) -> str:
    lines: list[Segments] = [*opened.text, *opened.html, *opened.calendar]
    lines.extend(field.text for field in opened.head if field.text)
    fixed = (segment for line in lines for segment in line if isinstance(segment, str))
    return f" {_plain(' '.join(fixed))} "


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
