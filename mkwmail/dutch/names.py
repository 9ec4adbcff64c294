"""Names of people as Dutch writes them."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from mkwmail.language import _

Title = Literal["", "de heer", "mevrouw"]
Form = Literal["je", "u"]

_TITLES: dict[str, Title] = {
    **dict.fromkeys(("dhr", "de heer", "heer", "meneer", "m", "man", "mr"), "de heer"),
    **dict.fromkeys(("mevr", "mw", "mevrouw", "v", "vrouw", "mrs", "ms"), "mevrouw"),
    **dict.fromkeys(("", "-", "onbekend", "x"), ""),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name in its parts, as the list has them; nothing is recased.

    ``written`` is a name that is given whole, and wins: a Belgian ``Van Den Broeck`` keeps its capitals.
    ``prefix`` is the tussenvoegsel.
    """

    first: str = ""
    initials: str = ""
    prefix: str = ""
    surname: str = ""
    written: str = ""
    title: Title = ""


def read_title(text: str) -> Title:
    """The title that a list's column ``aanhef`` gives; an empty one where it says nothing.

    :raises ValueError: where it is no title that is known. A gender is never inferred from a first name.
    """
    folded = " ".join(text.casefold().replace(".", " ").split())
    if folded not in _TITLES:
        raise ValueError(_('"%(text)s" is not a title; write dhr, mevr or nothing') % {"text": text})
    return _TITLES[folded]


def _surname_after_name(name: Name) -> str:
    """The surname behind a first name or initials: the prefix in lower case (onzetaal.nl, "Van of van")."""
    return " ".join(part for part in (_lowered(name.prefix), name.surname) if part)


def _lowered(prefix: str) -> str:
    # Only a first letter that the list capitalised by itself is lowered: "Van der", not "Van Der" in Flanders.
    return prefix[:1].lower() + prefix[1:]


def surname_alone(name: Name) -> str:
    """The surname without first name or initials: its prefix begins with a capital, but ``'t`` and ``d'`` do not.

    Source: onzetaal.nl, "Hoofdletters in namen": mevrouw Van Zandbrink, but mevrouw 't Hart.
    """
    whole = _surname_after_name(name)
    return whole if re.match(r"['’]|d['’]", whole) else whole[:1].upper() + whole[1:]


def full_name(name: Name) -> str:
    """The name in full: Lilian van Zandbrink, or L. van Zandbrink where only initials are known."""
    if name.written:
        return name.written
    given = name.first or name.initials
    if not given:
        return surname_alone(name) if name.surname else ""
    return f"{given} {_surname_after_name(name)}".strip()


def formal_name(name: Name) -> str:
    """The name behind "Geachte": mevrouw Van Zandbrink, or L. van Zandbrink where the title is unknown."""
    if name.title and name.surname:
        return f"{name.title} {surname_alone(name)}"
    if name.written:
        return name.written
    given = name.initials or name.first
    return f"{given} {_surname_after_name(name)}".strip() if given else surname_alone(name)


def salutation(name: Name, form: Form) -> str:
    """The salutation: Beste Lilian, or Geachte mevrouw Van Zandbrink.

    Neutral where the title is unknown (Geachte K. Verbeek) and where no name is usable (Beste collega,
    Geachte heer, mevrouw would guess: Geachte bestuurder).
    """
    if form == "je":
        greeted = name.first or full_name(name)
        return f"Beste {greeted}" if greeted else "Beste collega"
    greeted = formal_name(name)
    return f"Geachte {greeted}" if greeted else "Geachte bestuurder"


def sorting_name(name: Name) -> str:
    """The name as a list shows it: Zandbrink, Lilian van."""
    if not name.surname:
        return full_name(name)
    behind = " ".join(part for part in (name.first or name.initials, _lowered(name.prefix)) if part)
    return f"{name.surname}, {behind}" if behind else name.surname


def sort_key(name: Name) -> tuple[str, str, str]:
    """What names are sorted on: the main word without its prefix, accents and case aside (onzetaal.nl)."""
    main = name.surname or name.written.rpartition(" ")[2]
    return (_folded(main), _folded(name.prefix), _folded(name.first or name.initials or name.written))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if character.isalnum())
