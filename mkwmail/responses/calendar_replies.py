"""Replies of members' calendars (RFC 5546 §3.2.3) as answers. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from mkwmail.addresses import address_key
from mkwmail.ledger.models import Answer, Stray
from mkwmail.mail.icalendar import CalendarReply, latest, read_reply

SOURCE = "calendar"

_ANSWERS = {"ACCEPTED": "attending", "DECLINED": "declined", "TENTATIVE": "tentative"}
_AFTERWARDS = ("present", "absent")
_CALENDARS = ("text/calendar", "application/ics")


@dataclass(frozen=True, slots=True)
class Asked:
    """The calendar entries that were sent.

    ``own``: UID → the person whose entry it is; ``shared``: the UID of the entry that everybody got;
    ``addresses``: address key → person.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    shared: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Understood:
    """Answers to record, and replies that the secretary must look at.

    ``known`` counts the replies that add nothing new, ``foreign`` those to entries that are not ours.
    """

    answers: tuple[Answer, ...] = ()
    strays: tuple[Stray, ...] = ()
    known: int = 0
    foreign: int = 0


def replies_in(data: bytes) -> tuple[CalendarReply, ...]:
    """Return the replies in a calendar file, or in a mail's calendar parts.

    The result is empty if the mail has no such part.

    :raises ValueError: if a calendar cannot be read.
    """
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].upper() == b"BEGIN:VCALENDAR":
        return read_reply(data)
    parts = [part for part in message_from_bytes(data, policy=policy.default).walk()]
    found: dict[CalendarReply, None] = {}
    for part in parts:
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and part.get_content_type() in _CALENDARS:
            # A mail can carry the same reply twice: as a part and as an attachment.
            found.update(dict.fromkeys(read_reply(content)))
    return tuple(found)


def understood(replies: Iterable[CalendarReply], asked: Asked, recorded: Sequence[Answer]) -> Understood:
    """Return the new answers in these replies, by person.

    If somebody else replied to a person's own entry, the secretary must look at it: the mail was forwarded, or the
    reply came from an alias. Of one person's replies the one with the highest SEQUENCE counts, then the newest
    DTSTAMP (RFC 5546 §2.1.5), also across imports. A reply does not replace an answer that was recorded by other
    means after it, nor recorded presence or absence.
    """
    answers: dict[str, Answer] = {}
    strays: list[Stray] = []
    known = foreign = 0
    last = {each.person: each for each in recorded}
    for reply in latest(replies):
        person, meant = _who(reply, asked)
        answer = _ANSWERS.get(reply.partstat)
        if not meant:
            foreign += 1
        elif person is None or answer is None:
            owner = asked.own.get(reply.uid)
            strays.append(Stray(owner, reply.attendee, answer or reply.partstat.lower(), reply.dtstamp))
        else:
            fresh = Answer(person, answer, SOURCE, reply.dtstamp, reply.sequence)
            before = answers.get(person)
            if _is_news(fresh, last.get(person), recorded) and (before is None or _turn(before) < _turn(fresh)):
                answers[person] = fresh
            else:
                known += 1
    return Understood(tuple(answers.values()), tuple(strays), known, foreign)


def _who(reply: CalendarReply, asked: Asked) -> tuple[str | None, bool]:
    """Return the person who replied, and whether the entry is ours.

    The person is None if somebody else than the invited person replied.
    """
    person = asked.addresses.get(address_key(reply.attendee))
    if reply.uid == asked.shared:
        return person, True
    owner = asked.own.get(reply.uid)
    return (person if person == owner else None), owner is not None


def _is_news(fresh: Answer, last: Answer | None, recorded: Sequence[Answer]) -> bool:
    if last is None:
        return True
    if last.answer in _AFTERWARDS or (last.source != SOURCE and last.given > fresh.given):
        return False
    return all(_turn(each) < _turn(fresh) for each in _of_calendar(fresh.person, recorded))


def _of_calendar(person: str, recorded: Iterable[Answer]) -> Iterator[Answer]:
    return (each for each in recorded if each.person == person and each.source == SOURCE)


def _turn(answer: Answer) -> tuple[int, float]:
    return (answer.sequence or 0, answer.given.timestamp())
