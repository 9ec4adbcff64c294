"""Replies of members' calendars (RFC 5546 §3.2.3) as answers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from enum import StrEnum

from mkwmail.addresses import address_key
from mkwmail.i18n import _
from mkwmail.ledger.models import Answer, Stray
from mkwmail.mail.icalendar import CalendarReply, latest, read_reply
from mkwmail.responses.saved_mail import is_calendar, parsed

SOURCE = "calendar"

_ANSWERS = {"ACCEPTED": "attending", "DECLINED": "declined", "TENTATIVE": "tentative"}
_AFTERWARDS = ("present", "absent")
_CALENDARS = ("text/calendar", "application/ics")
_MOST_PARTS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """The calendar entries that were sent.

    ``own``: UID → the person whose entry it is; ``shared``: the UID of the entry that everybody got;
    ``addresses``: address key → person. ``assisted``: address key of an assistant → the members (persons).
    """

    own: Mapping[str, str] = field(default_factory=dict)
    shared: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    assisted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Standing(StrEnum):
    """The meaning of a calendar reply for the answers to an event."""

    RECORDED = "recorded"
    TO_SEE = "to see"  # the secretary must look at it
    KNOWN = "known"  # it says nothing new
    REPLACED = "replaced"  # the same person replied again later
    FOREIGN = "foreign"  # it is about an entry that is not ours


@dataclass(frozen=True, slots=True)
class Heard:
    """A calendar reply and what it means.

    ``person`` is the person who answered, or whose entry it was.
    """

    reply: CalendarReply
    standing: Standing
    person: str | None = None
    answer: Answer | None = None
    stray: Stray | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """The calendar replies, in their order, each of them once."""

    heard: tuple[Heard, ...] = ()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers to record."""
        return tuple(each.answer for each in self.heard if each.answer)

    @property
    def strays(self) -> tuple[Stray, ...]:
        """The replies that the secretary must look at."""
        return tuple(each.stray for each in self.heard if each.stray)

    @property
    def known(self) -> int:
        """The number of replies that add nothing new."""
        return sum(each.standing is Standing.KNOWN for each in self.heard)


def is_calendar_part(part: Message) -> bool:
    """Check whether a part of a mail is a calendar, by its type or by the name of its file."""
    return part.get_content_type() in _CALENDARS or str(part.get_filename("")).casefold().endswith(".ics")


def replies_in(data: bytes) -> tuple[CalendarReply, ...]:
    """Return the replies in a calendar file, or in a mail's calendar parts.

    The result is empty if the mail has no such part.

    :raises ValueError: if a calendar cannot be read.
    """
    if is_calendar(data):
        return read_reply(data)
    found: dict[CalendarReply, None] = {}
    try:
        for part, _number in zip(parsed(data).walk(), range(_MOST_PARTS), strict=False):
            content = part.get_payload(decode=True) if is_calendar_part(part) else None
            if isinstance(content, bytes):
                # A mail can carry the same reply twice: as a part and as an attachment.
                found.update(dict.fromkeys(read_reply(content, str(part.get_param("method", "")))))
    except (RecursionError, LookupError, TypeError, AttributeError):
        # Strangers write these mails, and Python's parser cannot read all of them.
        raise ValueError(_("this mail cannot be read")) from None
    return tuple(found)


def understood(replies: Iterable[CalendarReply], asked: Asked, recorded: Sequence[Answer]) -> Understood:
    """Return what these replies mean: new answers, by person, and questions.

    If somebody else replied to a person's own entry, the secretary must look at it: the mail was forwarded, or the
    reply came from an alias. So must they if the person sends somebody else, or proposes another time: that is no
    answer to the invitation. Of one person's replies the one with the highest SEQUENCE counts, then the newest
    DTSTAMP (RFC 5546 §2.1.5), also across imports. A reply does not replace an answer that was recorded by other
    means after it, nor recorded presence or absence.
    """
    heard: dict[CalendarReply, Heard] = {}
    given = tuple(dict.fromkeys(replies))
    chosen: dict[str, CalendarReply] = {}
    last = {each.person: each for each in recorded}
    newest = frozenset(latest(given))
    for reply in given:
        person, meant = _who(reply, asked)
        answer = _ANSWERS.get(reply.partstat)
        if not meant:
            heard[reply] = Heard(reply, Standing.FOREIGN)
        elif reply not in newest:
            heard[reply] = Heard(reply, Standing.REPLACED, person)
        elif person is None or answer is None:
            stray = _stray(reply, asked.own.get(reply.uid) or person or _only_member(reply, asked), answer)
            heard[reply] = Heard(reply, Standing.TO_SEE, stray.person, stray=stray)
        else:
            fresh = Answer(person, answer, SOURCE, reply.dtstamp, reply.sequence, reply.comment)
            before = chosen.get(person)
            news = _is_news(fresh, last.get(person), recorded)
            if news and (before is None or _turn(heard[before].answer) < _turn(fresh)):
                if before is not None:
                    heard[before] = Heard(before, Standing.REPLACED, person)
                chosen[person] = reply
                heard[reply] = Heard(reply, Standing.RECORDED, person, fresh)
            else:
                heard[reply] = Heard(reply, Standing.REPLACED if news else Standing.KNOWN, person)
    return Understood(tuple(heard[reply] for reply in given))


def _stray(reply: CalendarReply, person: str | None, answer: str | None) -> Stray:
    starts, ends = reply.proposed or (None, None)
    return Stray(
        person=person,
        address=reply.attendee,
        answer=answer or reply.partstat.lower(),
        given=reply.dtstamp,
        comment=reply.comment,
        delegate=reply.delegate,
        starts=starts,
        ends=ends,
    )


def _who(reply: CalendarReply, asked: Asked) -> tuple[str | None, bool]:
    """Return the person who replied, and whether the entry is ours.

    The person is None if somebody else than the invited person replied. An assistant may have replied for a member, or
    for herself.
    """
    key = address_key(reply.attendee)
    person = None if key in asked.assisted else asked.addresses.get(key)
    if reply.uid == asked.shared:
        return person, True
    owner = asked.own.get(reply.uid)
    return (person if person == owner else None), owner is not None


def _only_member(reply: CalendarReply, asked: Asked) -> str | None:
    """Return the member whose assistant replied; None if there are several."""
    members = asked.assisted.get(address_key(reply.attendee), ())
    return members[0] if len(members) == 1 else None


def _is_news(fresh: Answer, last: Answer | None, recorded: Sequence[Answer]) -> bool:
    if last is None:
        return True
    if last.answer in _AFTERWARDS or (last.source != SOURCE and last.given > fresh.given):
        return False
    return all(_turn(each) < _turn(fresh) for each in recorded if each.person == fresh.person and each.source == SOURCE)


def _turn(answer: Answer | None) -> tuple[int, float]:
    if answer is None:
        return (0, 0.0)
    return (answer.sequence or 0, answer.given.timestamp())
