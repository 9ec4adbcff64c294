"""The calendar entry of an event: iCalendar (RFC 5545) as iTIP (RFC 5546) and iMIP (RFC 6047) use it.

An entry is built as unfolded content lines, so that a letter can fill members' values into them; :func:`fold`
and :func:`escape_text` finish what is filled. What members' calendars answer is read by :func:`read_reply`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from icalendar import (
    Alarm,
    Calendar,
    Component,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vCalAddress,
    vText,
)
from icalendar import Event as CalendarEvent
from icalendar.prop import vDDDTypes, vRecur

from mkwmail.addresses import address_key
from mkwmail.clock import ZONE
from mkwmail.hmac_keys import keyed
from mkwmail.i18n import _

PRODUCT = "-//MKW Platform//mkwmail//NL"
_LINE = 75  # octets in a folded line, its CRLF aside
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


class Method(StrEnum):
    """What the entry asks of who gets it (RFC 5546 §1.4)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Party:
    """A name and an address, of the organizer or the attendee."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One calendar entry. Texts are as people read them; ``stamp`` is DTSTAMP, or a mark that stands for it.

    ``attendee``: for REQUEST and CANCEL exactly the recipient (FACTS A5); for PUBLISH none (RFC 5546 §3.2.1).
    ``alarm``: how long before the start it sounds. ``cancelled``: the event does not take place.

    :raises ValueError: where moments have no zone, or the attendee does not go with the method.
    """

    method: Method
    uid: str
    sequence: int
    stamp: datetime | str
    starts: datetime
    ends: datetime
    summary: str
    organizer: Party
    description: str = ""
    location: str = ""
    url: str = ""
    attendee: Party | None = None
    alarm: timedelta | None = None
    cancelled: bool = False

    def __post_init__(self) -> None:
        if self.starts.tzinfo is None or self.ends.tzinfo is None:
            raise ValueError("an entry's moments need their zone")
        if (self.attendee is None) != (self.method is Method.PUBLISH):
            raise ValueError("PUBLISH has no attendee, REQUEST and CANCEL have one (RFC 5546 §3.2)")


def uid(secret: bytes, event: str, person: str | None, domain: str) -> str:
    """The entry's UID: opaque, always the same for one event, or one person and event (RFC 7986 §5.3)."""
    digest = keyed(secret, f"{event}\0{person or ''}")
    return f"{digest.hex()[:32]}@{domain}"


# What readers somewhere take for a line end (Python's splitlines does); U+0085 and U+2028 are among them.
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_AS_IT_IS = re.compile(r"[\w \-./:@?&=%+#~!'()]*", re.ASCII)  # nothing that a TEXT value would have to escape


def _text(text: str) -> str:
    """Text as TEXT can carry it: every line end ``\\n``, no control characters (RFC 5545 §3.1)."""
    return _CONTROL.sub("", _LINE_END.sub("\n", text))


def escape_text(text: str) -> str:
    """A TEXT value (RFC 5545 §3.3.11): backslash, semicolon, comma and line end escaped.

    Control characters, which no value may hold, are left out.
    """
    return text if _AS_IT_IS.fullmatch(text) else vText(_text(text)).to_ical().decode()


def escape_parameter(text: str) -> str:
    """A parameter's value for within double quotes: what readers would take apart is left out.

    RFC 5545 §3.2 has no way to write a quote, and RFC 6868's ``^'`` is shown as such by mail programs (FACTS A12).
    A caret would be taken for the beginning of one, a backslash for an escape (by icalendar, among others).
    """
    return "".join(letter for letter in text if letter not in '"^\\' and letter.isprintable())


def fold(line: str) -> bytes:
    """A content line in lines of at most 75 octets, never inside a character, with CRLF (RFC 5545 §3.1)."""
    octets = line.encode()
    if len(octets) <= _LINE:
        return octets + b"\r\n"
    cuts = [0, *_cuts(octets), len(octets)]
    return b"\r\n ".join([octets[start:end] for start, end in pairwise(cuts)]) + b"\r\n"


def _cuts(octets: bytes) -> Iterator[int]:
    cut = 0
    while len(octets) - cut > _LINE - (cut > 0):
        cut += _LINE - (cut > 0)
        # An octet 10xxxxxx goes on with a character that began before it (RFC 3629 §3).
        while octets[cut] & 0xC0 == 0x80:
            cut -= 1
        yield cut


def to_ics(lines: Sequence[str]) -> bytes:
    """Content lines as a file."""
    return b"".join(fold(line) for line in lines)


def content_lines(entry: Entry) -> tuple[str, ...]:
    """The entry as a VCALENDAR's unfolded content lines, escaped."""
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", entry.method)
    calendar.add_component(_amsterdam())
    calendar.add_component(_event(entry))
    lines = [str(line) for line in calendar.content_lines() if line]
    if isinstance(entry.stamp, str):
        lines = [f"DTSTAMP:{entry.stamp}" if line.startswith("DTSTAMP:") else line for line in lines]
    return tuple(lines)


def _event(entry: Entry) -> CalendarEvent:
    event = CalendarEvent()
    event.add("UID", entry.uid)
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTAMP", entry.stamp if isinstance(entry.stamp, datetime) else _NO_MOMENT)
    zone = _zone_for(entry)
    event.add("DTSTART", entry.starts.astimezone(zone))
    if entry.ends > entry.starts:  # DTEND must be later (RFC 5545 §3.8.2.2); without it the event has no length
        event.add("DTEND", entry.ends.astimezone(zone))
    texts = (("SUMMARY", entry.summary), ("LOCATION", entry.location), ("DESCRIPTION", entry.description))
    for name, text in texts:
        if text or name == "SUMMARY":
            event.add(name, _text(text))
    if entry.url:
        event.add("URL", "".join(entry.url.split()))
    event.add("ORGANIZER", _party(entry.organizer))
    if entry.attendee:
        event.add("ATTENDEE", _attendee(entry.attendee, asked=entry.method is Method.REQUEST))
    cancelled = entry.cancelled or entry.method is Method.CANCEL
    event.add("STATUS", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("TRANSP", "TRANSPARENT" if cancelled else "OPAQUE")
    if entry.alarm is not None and not cancelled:
        event.add_component(_alarm(entry.alarm, entry.summary))
    return event


def _zone_for(entry: Entry) -> tzinfo:
    """Amsterdam, or UTC where an hour comes twice: readers differ on which one RFC 5545 §3.3.5 means."""
    moments = [moment.astimezone(ZONE) for moment in (entry.starts, entry.ends)]
    twice = any(moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset() for moment in moments)
    return UTC if twice else ZONE


def _party(party: Party) -> vCalAddress:
    address = vCalAddress(f"mailto:{party.email}")
    name = escape_parameter(party.name)
    if name:
        address.params["CN"] = vText(name)
    return address


def _attendee(party: Party, asked: bool) -> vCalAddress:
    attendee = _party(party)
    if asked:
        attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
        attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
        attendee.params["RSVP"] = vText("TRUE")
    return attendee


def _alarm(before: timedelta, summary: str) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", _text(summary))
    alarm.add("TRIGGER", -before)
    return alarm


def _amsterdam() -> Timezone:
    """The zone as Outlook reads it: two rules with BYDAY, no list of dates (FACTS A9).

    The rule of Directive 2000/84/EC: clocks change on the last Sundays of March and October at 1.00 UTC.
    """
    zone = Timezone()
    zone.add("TZID", str(ZONE.key))
    rules = (
        (TimezoneDaylight(), "CEST", datetime(1996, 3, 31, 2), 3, timedelta(hours=1), timedelta(hours=2)),
        (TimezoneStandard(), "CET", datetime(1996, 10, 27, 3), 10, timedelta(hours=2), timedelta(hours=1)),
    )
    for rule, name, start, month, offset_from, offset_to in rules:
        rule.add("DTSTART", start)
        rule.add("RRULE", vRecur(FREQ="YEARLY", BYMONTH=month, BYDAY="-1SU"))
        rule.add("TZOFFSETFROM", offset_from)
        rule.add("TZOFFSETTO", offset_to)
        rule.add("TZNAME", name)
        zone.add_component(rule)
    return zone


@dataclass(frozen=True, slots=True)
class CalendarReply:
    """What one attendee's calendar answered (RFC 5546 §3.2.3).

    ``attendee`` is who answered, whoever sent the mail (RFC 6047 §2.3); ``partstat`` is ACCEPTED, DECLINED,
    TENTATIVE or another word of RFC 5545 §3.2.12. A missing SEQUENCE is 0, a missing DTSTAMP is long ago.
    """

    uid: str
    attendee: str
    partstat: str
    sequence: int
    dtstamp: datetime


def read_reply(data: bytes) -> tuple[CalendarReply, ...]:
    """The answers in a calendar file or part; none where its METHOD is not REPLY.

    As tolerant as what arrives asks for: no ORGANIZER, Exchange's own zone names, bare line feeds, Windows-1252.
    An entry without UID or without an attendee who says anything is passed over.

    :raises ValueError: where the data is no calendar.
    """
    try:
        calendars = Calendar.from_ical(_decoded(data), multiple=True)
    except (ValueError, LookupError, AttributeError, TypeError):
        raise ValueError(_("this is no calendar file that can be read")) from None
    if not calendars:
        raise ValueError(_("this is no calendar file: it has no whole VCALENDAR"))
    return tuple(
        reply
        for calendar in calendars
        if str(calendar.get("METHOD", "")).upper() == "REPLY"
        for event in calendar.walk("VEVENT")
        for reply in _replies(event)
    )


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _replies(event: Component) -> Iterator[CalendarReply]:
    identity = str(event.get("UID", ""))
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        if not isinstance(attendee, vCalAddress):
            continue
        partstat = str(attendee.params.get("PARTSTAT", "")).upper()
        address = re.sub("^mailto:", "", str(attendee).strip(), flags=re.IGNORECASE)
        if identity and address and partstat:
            yield CalendarReply(identity, address, partstat, _sequence(event), _stamp(event))


def _sequence(event: Component) -> int:
    try:
        return int(event.get("SEQUENCE", 0))
    except (TypeError, ValueError):
        return 0


def _stamp(event: Component) -> datetime:
    # A value that is no moment is a property of another kind, which has no ``dt``.
    written = event.get("DTSTAMP")
    stamp = written.dt if isinstance(written, vDDDTypes) else None
    if not isinstance(stamp, datetime):
        return _NO_MOMENT
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def latest(replies: Iterable[CalendarReply]) -> tuple[CalendarReply, ...]:
    """The answer that counts of each attendee to each entry: the highest SEQUENCE, then the newest DTSTAMP.

    RFC 5546 §2.1.5. In the order in which attendees first appear; of two that are equal, the later one.
    """
    found: dict[tuple[str, str], CalendarReply] = {}
    for reply in replies:
        key = (reply.uid, address_key(reply.attendee))
        known = found.get(key)
        if known is None or (reply.sequence, reply.dtstamp) >= (known.sequence, known.dtstamp):
            found[key] = reply
    return tuple(found.values())
