"""The facts of an event that people are told, and their versions. Pure.

A version is a number that only goes up, also if a fact is changed back: it is the SEQUENCE of the calendar
entry (RFC 5546 §2.1.4). The ledger keeps each version from the first message on that carries it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

from mkwmail.config.event import Event, ProgrammeItem, place_of, programme_days
from mkwmail.dutch.dates import clock_time, date_in_words, date_without_year, number, range_in_table, time_in_words
from mkwmail.ledger.models import COMING, Change

_UNKNOWN_PLACE = "volgt nog"
_END_OF_DAY = time(23, 59)
_PE = "PE-punten"
_PE_FOLLOWS = "ja, het aantal volgt nog"

ProgrammeLine = tuple[str, str, str]
"""An item of the programme: from, until (may be empty), title. On a later day than the first, from has the date too."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """The details by which people plan their day.

    Moments are ISO 8601 with offset; unknown values are empty.

    ``online``: it can be followed online, at ``link``. ``pe``: the number of PE points, or ``true``.
    """

    title: str
    starts: str
    ends: str
    place: str = ""
    online: bool = False
    link: str = ""
    deadline: str = ""
    signup: str = ""
    programme: tuple[ProgrammeLine, ...] = ()
    pe: str = ""
    cancelled: bool = False

    def document(self) -> str:
        """Return the facts as the ledger keeps them."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def read_facts(document: str) -> EventFacts:
    """Return the facts that :meth:`EventFacts.document` wrote."""
    fields: dict[str, Any] = json.loads(document)
    fields["programme"] = tuple((str(start), str(end), str(title)) for start, end, title in fields["programme"])
    return EventFacts(**fields)


def facts_of(event: Event, cancelled: bool = False) -> EventFacts:
    """Return the facts in an event's file."""
    registration, online = event.registration, event.online
    deadline = registration.deadline if registration else None
    return EventFacts(
        title=event.title,
        starts=event.starts.isoformat(),
        ends=event.ends.isoformat(),
        place=place_of(event) if event.location else "",
        online=online is not None,
        link=(online.url if online else None) or "",
        deadline=deadline.isoformat() if deadline else "",
        signup=((registration.url or registration.by) if registration else None) or "",
        programme=tuple(_lines(event)),
        pe=_pe(event.pe_points),
        cancelled=cancelled,
    )


def words_of(event: Event) -> dict[str, Any]:
    """Return the words about an event other than its facts.

    A correction is about these, an update is not.
    """
    facts = {"title", "starts", "ends", "location", "online", "registration", "pe_points", "mailings", "catering"}
    facts.add("certificate")
    words = event.model_dump(mode="json", exclude=facts, exclude_none=True)
    if event.location is not None and (
        links := event.location.model_dump(include={"route", "website"}, exclude_none=True)
    ):
        words["location"] = links
    for item in words.get("programme", ()):
        for known in ("day", "time", "until"):
            item.pop(known, None)
    return words


def _lines(event: Event) -> Iterator[ProgrammeLine]:
    first = event.starts.date()
    for item, day in zip(event.programme, programme_days(event.programme, first), strict=True):
        starts, until, title = _line(item)
        yield (starts if day == first else f"{day.isoformat()}T{starts}", until, title)


def _line(item: ProgrammeItem) -> ProgrammeLine:
    return (item.time.isoformat("minutes"), item.until.isoformat("minutes") if item.until else "", item.title)


def _pe(points: int | float | None) -> str:
    if points is True:
        return "true"
    return number(points) if points else ""


def for_person(facts: EventFacts, answer: str | None) -> EventFacts:
    """Return the facts as one person is told them.

    The online link is for those who attend.
    """
    return facts if answer in COMING else replace(facts, link="")


def differences(old: EventFacts, new: EventFacts) -> tuple[Change, ...]:
    """Return what differs, in Dutch, in the order in which a mail names it.

    Empty if the event was cancelled before.
    """
    if old.cancelled and new.cancelled:
        return ()
    return tuple(
        Change(what, old_words, new_words)
        for what, words in _WHAT
        for old_words, new_words in [words(old, new)]
        if old_words != new_words
    )


def changes_since(candidates: Sequence[EventFacts], now: EventFacts) -> tuple[Change, ...]:
    """Return the changes to tell somebody.

    ``candidates``: the facts of which they were last told one, the likeliest first.

    Empty if the likeliest is up to date, or lacks only a number of PE points that was to follow. Differences with the
    other candidates alone are included too: a message in doubt may or may not have been read.
    """
    if not candidates or all(map(_only_known_now, differences(candidates[0], now))):
        return ()
    found: dict[str, Change] = {}
    for told in candidates:
        for change in differences(told, now):
            found.setdefault(change.what, change)
    order = [what for what, _words in _WHAT]
    return tuple(sorted(found.values(), key=lambda change: order.index(change.what)))


def _only_known_now(change: Change) -> bool:
    """Check whether the change is a number of PE points that was to follow: it goes along with the next mailing."""
    return change.what == _PE and change.old in ("", _PE_FOLLOWS) and bool(change.new)


def only_added(changes: Iterable[Change]) -> bool:
    """Check whether the changes only add to what was told.

    Then nothing that was told is wrong: the new fact was still to follow, as the address in a city was.
    """
    return all(change.old in ("", _UNKNOWN_PLACE) or change.new.endswith(f", {change.old}") for change in changes)


Words = Callable[[EventFacts, EventFacts], tuple[str, str]]


def _each(words: Callable[[EventFacts], str]) -> Words:
    return lambda old, new: (words(old), words(new))


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).date()


def _time(moment: str) -> time:
    return datetime.fromisoformat(moment).timetz().replace(tzinfo=None)


def _days_in_words(facts: EventFacts) -> str:
    first, last = _day(facts.starts), _day(facts.ends)
    if first == last:
        return date_in_words(first)
    return f"{date_in_words(first)} tot en met {date_in_words(last)}"


def _hours(facts: EventFacts) -> str:
    starts, ends = _time(facts.starts), _time(facts.ends)
    if _day(facts.starts) == _day(facts.ends):
        return range_in_table(starts, ends)
    return f"begin {time_in_words(starts)}, einde {time_in_words(ends)}"


def _hours_changed(old: EventFacts, new: EventFacts) -> tuple[str, str]:
    times = [(_time(facts.starts), _time(facts.ends)) for facts in (old, new)]
    return ("", "") if times[0] == times[1] else (_hours(old), _hours(new))


def _place(facts: EventFacts) -> str:
    if facts.online:
        return f"{facts.place}, of online" if facts.place else "online"
    return facts.place or _UNKNOWN_PLACE


def _deadline(facts: EventFacts) -> str:
    if not facts.deadline:
        return ""
    moment = datetime.fromisoformat(facts.deadline)
    day = date_in_words(moment.date())
    if moment.time().replace(second=0, microsecond=0) == _END_OF_DAY:
        return f"tot en met {day}"
    return f"tot {day}, {time_in_words(moment.time())}"


def _signup(old: EventFacts, new: EventFacts) -> tuple[str, str]:
    # The links themselves are each member's own; the new one is in the mail.
    if old.signup == new.signup:
        return "", ""
    return "de link in ons vorige bericht" if old.signup else "", "een nieuwe link" if new.signup else ""


def _programme(old: EventFacts, new: EventFacts) -> tuple[str, str]:
    """Return the items that were moved, added or removed. Another title at the same time is only wording."""
    before, after = {line[:2] for line in old.programme}, {line[:2] for line in new.programme}
    titles = {line[2]: line[:2] for line in old.programme}
    moved = any(titles.get(line[2], line[:2]) != line[:2] for line in new.programme)
    if before == after and len(old.programme) == len(new.programme) and not moved:
        return "", ""
    was = [line for line in old.programme if line not in new.programme]
    becomes = [line for line in new.programme if line not in old.programme]
    return _items(was), _items(becomes)


def _items(lines: Iterable[ProgrammeLine]) -> str:
    return "; ".join(f"{_item_time(starts, until)} {title}" for starts, until, title in lines)


def _item_time(starts: str, until: str) -> str:
    day, separator, clock = starts.rpartition("T")
    first = time.fromisoformat(clock)
    hours = range_in_table(first, time.fromisoformat(until)) if until else f"{clock_time(first)} uur"
    return f"{date_without_year(date.fromisoformat(day))} {hours}" if separator else hours


def _pe_words(facts: EventFacts) -> str:
    return _PE_FOLLOWS if facts.pe == "true" else facts.pe


_WHAT: tuple[tuple[str, Words], ...] = (
    ("Bijeenkomst", _each(lambda facts: "gaat niet door" if facts.cancelled else "gaat door")),
    ("Titel", _each(lambda facts: facts.title)),
    ("Datum", _each(_days_in_words)),
    ("Tijd", _hours_changed),
    ("Locatie", _each(_place)),
    ("Link", _each(lambda facts: facts.link)),
    ("Aanmelden", _each(_deadline)),
    ("Aanmeldlink", _signup),
    ("Programma", _programme),
    (_PE, _each(_pe_words)),
)


@dataclass(frozen=True, slots=True)
class Telling:
    """The facts of an event that everybody was told.

    ``versions``: the facts by version. ``told``: person → the versions of which they were last told one, the
    likeliest first. ``method``: of the first calendar entry that was sent; empty if none was.
    """

    versions: tuple[EventFacts, ...] = ()
    told: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    method: str = ""

    def version_of(self, facts: EventFacts) -> int:
        """Return the number of these facts.

        New facts get it with the first message that carries them.
        """
        if self.versions and not differences(self.versions[-1], facts):
            return len(self.versions) - 1
        return len(self.versions)

    def told_other_times(self, person: str, facts: EventFacts) -> bool:
        """Check whether the person may have been told another date or time."""
        times = {(self.versions[version].starts, self.versions[version].ends) for version in self.told.get(person, ())}
        return bool(times - {(facts.starts, facts.ends)})

    def changes_for(self, person: str, facts: EventFacts, answer: str | None) -> tuple[Change, ...]:
        """Return what has changed since the person was last told.

        Empty if nothing has, or if they were never told.
        """
        told = self.told.get(person)
        if not told:
            return ()
        candidates = [for_person(self.versions[version], answer) for version in told]
        return changes_since(candidates, for_person(facts, answer))
