"""How answers came in, day by day, beside the mailings that went. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mkwmail.ledger.records import TOLD, Answer, Delivery

_COMES, _DECLINES = "attending", "declined"
# Who was there, or was not, is no answer to an invitation.
_COUNTED = (_COMES, _DECLINES, "tentative")


@dataclass(frozen=True, slots=True)
class Day:
    """How many came and declined by their last word at the end of a day."""

    day: date
    attending: int
    declined: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The first day on which a mailing went, and to how many in all."""

    day: date
    mailing: str
    count: int


@dataclass(frozen=True, slots=True)
class Course:
    """Every day from the first mailing or answer to the last one. Empty where nobody answered."""

    days: tuple[Day, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def most(self) -> int:
        """The most answers of both kinds on one day."""
        return max((each.attending + each.declined for each in self.days), default=0)


def course_of(answers: Sequence[Answer], deliveries: Iterable[Delivery]) -> Course:
    """The course of an event's answers; ``answers`` in the order in which they were noted."""
    given = [(each.given.date(), each.person, each.answer) for each in answers if each.answer in _COUNTED]
    if not given:
        return Course()
    marks = _marks(deliveries)
    first = min(day for day, *_rest in (*given, *((mark.day, "", "") for mark in marks)))
    last = max(day for day, *_rest in (*given, *((mark.day, "", "") for mark in marks)))
    # Of one day the last that was noted holds; the sort keeps that order.
    given.sort(key=lambda each: each[0])
    held: dict[str, str] = {}
    days = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        while given and given[0][0] <= day:
            _day, person, answer = given.pop(0)
            held[person] = answer
        counts = Counter(held.values())
        days.append(Day(day, counts[_COMES], counts[_DECLINES]))
    return Course(tuple(days), marks)


def _marks(deliveries: Iterable[Delivery]) -> tuple[Mark, ...]:
    days: dict[str, list[date]] = {}
    for each in deliveries:
        if each.state in TOLD:
            days.setdefault(each.round.mailing, []).append(each.since.date())
    marks = [Mark(min(found), mailing, len(found)) for mailing, found in days.items()]
    return tuple(sorted(marks, key=lambda mark: (mark.day, mark.mailing)))
