"""Sheets for the day: signing in, participants, name badges, and the numbers for the caterer.

No address is on any of them; the caterer's has totals only.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from mkwmail.config.event import Event
from mkwmail.dutch.dates import date_in_words, period
from mkwmail.dutch.names import Name, full_name, sort_key
from mkwmail.papers.typesetting import TypesettingError, typesetter

_DOCUMENT = "sheet.typ"
_BADGES = 10  # on one sheet of labels of 80 by 50 mm, two by five
_EMPTY_LINES = 5  # at the end of the sign-in sheet, for those who come unannounced


class Sheet(StrEnum):
    """A sheet for the day, by its name in the command."""

    SIGN_IN = "sign-in"
    PARTICIPANTS = "participants"
    BADGES = "badges"
    CATERER = "caterer"


#: The heading of the column that keeps somebody off the list of participants.
UNLISTED = "niet op lijst"

#: The names of the files.
FILES = {
    Sheet.SIGN_IN: "presentielijst",
    Sheet.PARTICIPANTS: "deelnemerslijst",
    Sheet.BADGES: "badges",
    Sheet.CATERER: "aantallen-catering",
}


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who comes.

    ``unlisted``: is not to be on the list of participants. ``companions``: how many people come along.
    """

    name: Name
    organisation: str = ""
    companions: int = 0
    unlisted: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """All that the sheets tell.

    ``unsettled``: sign-ups of which it is not clear whose they are. ``totals``: heading → lines of words and counts.
    """

    event: Event
    association: str
    members: tuple[Participant, ...]
    guests: tuple[Participant, ...]
    unsettled: tuple[Participant, ...]
    totals: "Totals"
    now: datetime


Totals = tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


def totals(
    coming: int, companions: int, parts: Mapping[str, int], dietary: Mapping[str, int], names: Iterable[str] = ()
) -> Totals:
    """Return the totals for the caterer by their headings.

    :param parts: optional part of the programme → how many take part; ``dietary``: wish, in people's own words → how
        many; ``names``: the names that a wish may have in it, and the caterer does not need.
    """
    wishes: Counter[str] = Counter()
    known = sorted(filter(None, names), key=len, reverse=True)
    for words, count in dietary.items():
        wishes[_nobodys(words, known)] += count
    heads = {"Aangemeld": coming, "Introducés": companions, "Samen": coming + companions}
    groups = (("Personen", heads), ("Onderdelen naar keuze", parts), ("Dieetwensen", dict(wishes.most_common())))
    return tuple((heading, tuple(lines.items())) for heading, lines in groups if lines)


@dataclass(frozen=True, slots=True)
class Made:
    """A sheet as PDF; ``missing`` are characters that no font has, shown as a question mark."""

    pdf: bytes
    missing: tuple[str, ...] = ()


def made(sheet: Sheet, day: Day) -> Made:
    """Return a sheet as PDF.

    :raises UserError: if typst is not installed.
    :raises TypesettingError: if it cannot be set.
    """
    data = _data(sheet, day)
    with typesetter(_DOCUMENT, {}) as setter:
        try:
            return Made(setter.pdf(data, day.now))
        except TypesettingError as error:
            if not error.letters:
                raise
            # A sheet for the day is needed in any case: one name with a question mark is better than none.
            missing = "".join(error.letters)
            return Made(setter.pdf(_without(data, missing), day.now), error.letters)


def _without(data: Any, letters: str) -> Any:
    if isinstance(data, str):
        return data.translate(dict.fromkeys(map(ord, letters), "?"))
    if isinstance(data, Mapping):
        return {key: _without(value, letters) for key, value in data.items()}
    return [_without(value, letters) for value in data] if isinstance(data, list | tuple) else data


def _data(sheet: Sheet, day: Day) -> dict[str, Any]:
    event = day.event
    words = {
        Sheet.SIGN_IN: "Presentielijst",
        Sheet.PARTICIPANTS: "Deelnemers",
        Sheet.BADGES: "Naambadges",
        Sheet.CATERER: "Aantallen voor de catering",
    }[sheet]
    place = event.location
    where = ", ".join(part for part in (place.name, place.city) if part) if place else ""
    return {
        "kind": sheet.value,
        "document": f"{words}, {event.title}",
        "title": words,
        "event": event.title,
        "about": "; ".join(part for part in (event.title, period(event.starts, event.ends), where) if part),
        "association": day.association,
        "made": " · ".join(part for part in (day.association, f"stand van {date_in_words(day.now)}") if part),
        "groups": _groups(sheet, day),
        "totals": [(heading, [(what, str(count)) for what, count in lines]) for heading, lines in day.totals],
        "remark": _remark(day),
    }


def _remark(day: Day) -> str:
    count = len(day.unsettled)
    if not count:
        return ""
    who = "1 aanmelding is" if count == 1 else f"{count} aanmeldingen zijn"
    return f"{who} nog uit te zoeken en niet meegeteld."


def _groups(sheet: Sheet, day: Day) -> list[Any]:
    members, guests, unsettled = (
        sorted(people, key=lambda each: (sort_key(each.name), each.organisation.casefold()))
        for people in (day.members, day.guests, day.unsettled)
    )
    if sheet is Sheet.BADGES:
        everyone = [_person(each) for each in (*members, *guests, *unsettled)]
        return [everyone[at : at + _BADGES] for at in range(0, len(everyone), _BADGES)]
    if sheet is Sheet.CATERER:
        return []
    groups = [("", members), ("Gasten", guests)]
    if sheet is Sheet.PARTICIPANTS:
        groups = [(name, [each for each in people if not each.unlisted]) for name, people in groups]
    else:
        groups.append(("Nog uit te zoeken", unsettled))
        groups.append(("Niet aangemeld", [Participant(Name())] * _EMPTY_LINES))
    numbers = iter(range(1, 1_000_000))
    return [
        (name, [{**_person(each), "number": str(next(numbers)) if full_name(each.name) else ""} for each in people])
        for name, people in groups
        if people
    ]


def _person(each: Participant) -> dict[str, str]:
    note = ""
    if each.companions:
        note = "+ 1 introducé" if each.companions == 1 else f"+ {each.companions} introducés"
    return {"name": full_name(each.name), "organisation": each.organisation, "note": note}


def without_addresses(each: Participant) -> Participant:
    """Return the participant, without addresses in the name and the organisation."""
    name = Name(written="Naam onbekend") if _ADDRESS.search(full_name(each.name)) else each.name
    return replace(each, name=name, organisation="" if _ADDRESS.search(each.organisation) else each.organisation)


def _nobodys(text: str, names: Iterable[str]) -> str:
    """Return people's own words without the names, addresses and telephone numbers in it."""
    text = _TELEPHONE.sub("…", _ADDRESS.sub("…", text))
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return text


_ADDRESS = re.compile(r"[^\s@(<]+@[^\s@)>]+")
_TELEPHONE = re.compile(r"\+?(?:\d[ ()-]*){6,}(?<=\d)")
