"""Calendar entries of events, and the replies to them.

The format is iCalendar (RFC 5545), as iTIP (RFC 5546) and iMIP (RFC 6047) use it. An entry is built as unfolded content
lines, so that a letter can fill members' values into them; :func:`escape_text` and :func:`fold` finish the filled
lines. :func:`read_reply` reads the answers from members' calendars.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import islice, pairwise

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
from mkwmail.text import one_line

PRODUCT = "-//MKW Platform//mkwmail//NL"
_LINE = 75  # octets in a folded line, without its CRLF
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


class Method(StrEnum):
    """The request that an entry makes of its recipient (RFC 5546 §1.4)."""

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
    """One calendar entry, with its texts as people read them.

    ``stamp`` is DTSTAMP, or a mark in its place. ``attendee``: for REQUEST and CANCEL exactly the recipient, because
    other recipients are never listed, for privacy; for PUBLISH None (RFC 5546 §3.2.1). ``alarm``: how long before the
    start it sounds. ``cancelled``: the event does not take place.

    :raises ValueError: if moments have no zone, or the attendee does not fit the method.
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
    """Return the entry's UID, which is opaque (RFC 7986 §5.3).

    It is always the same for one event, or for one person and event.
    """
    digest = keyed(secret, f"{event}\0{person or ''}")
    return f"{digest.hex()[:32]}@{domain}"


# Some readers take these for a line end (Python's splitlines does); U+0085 and U+2028 are among them.
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_AS_IT_IS = re.compile(r"[\w \-./:@?&=%+#~!'()]*", re.ASCII)  # no character that a TEXT value has to escape


def _text(text: str) -> str:
    """Return text that TEXT can contain (RFC 5545 §3.1).

    Every line end becomes ``\\n``, and control characters are removed.
    """
    return _CONTROL.sub("", _LINE_END.sub("\n", text))


def escape_text(text: str) -> str:
    """Return text escaped as a TEXT value (RFC 5545 §3.3.11).

    Backslash, semicolon, comma and line end are escaped. Control characters, which no value may contain, are removed.
    """
    return text if _AS_IT_IS.fullmatch(text) else vText(_text(text)).to_ical().decode()


def escape_parameter(text: str) -> str:
    """Return a parameter's value for use between double quotes.

    Characters that readers would interpret are removed. RFC 5545 §3.2 has no way to write a quote, and mail programs
    show RFC 6868's ``^'`` as it is. Readers (icalendar, among others) would take a caret for the start of such a
    sequence, and a backslash for an escape.
    """
    return "".join(letter for letter in text if letter not in '"^\\' and letter.isprintable())


def fold(line: str) -> bytes:
    """Fold a content line to lines of at most 75 octets (RFC 5545 §3.1).

    A line ends with CRLF, and never inside a character.
    """
    octets = line.encode()
    if len(octets) <= _LINE:
        return octets + b"\r\n"
    cuts = [0, *_cuts(octets), len(octets)]
    return b"\r\n ".join([octets[start:end] for start, end in pairwise(cuts)]) + b"\r\n"


def _cuts(octets: bytes) -> Iterator[int]:
    cut = 0
    while len(octets) - cut > _LINE - (cut > 0):
        cut += _LINE - (cut > 0)
        # An octet 10xxxxxx continues a character that began before it (RFC 3629 §3).
        while octets[cut] & 0xC0 == 0x80:
            cut -= 1
        yield cut


def to_ics(lines: Sequence[str]) -> bytes:
    """Return content lines as a file."""
    return b"".join(fold(line) for line in lines)


def content_lines(entry: Entry) -> tuple[str, ...]:
    """Return the entry as a VCALENDAR's unfolded content lines, escaped."""
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
    """Return Amsterdam, or UTC if a moment is in an hour that occurs twice.

    Readers differ on which of the two hours RFC 5545 §3.3.5 means.
    """
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
    """Return the zone in a form that Outlook reads.

    It has two rules with BYDAY, without which Outlook fails, and no list of dates. The rule is that of Directive
    2000/84/EC: clocks change on the last Sundays of March and October at 1.00 UTC.
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
    """The answer of one attendee's calendar (RFC 5546 §3.2.3, §3.2.7).

    ``attendee`` is the person who answered, even if another person sent the mail (RFC 6047 §2.3). ``partstat`` is
    ACCEPTED, DECLINED, TENTATIVE, DELEGATED, or COUNTER if the attendee proposes another time, ``proposed``: its
    beginning and, if given, its end. ``delegate`` is the address of the person who comes instead. ``comment``:
    the words that the attendee typed. A missing SEQUENCE counts as 0, a missing DTSTAMP as 1 January 1970.
    """

    uid: str
    attendee: str
    partstat: str
    sequence: int
    dtstamp: datetime
    comment: str = ""
    delegate: str = ""
    proposed: tuple[datetime, datetime | None] | None = None


#: The partstat of a reply that proposes another time.
COUNTER = "COUNTER"

_LARGEST_REPLY = 500_000  # octets; a reply has a few thousand
_MOST_REPLIES = 500  # of one file
_LONGEST_COMMENT = 500
_LONGEST_UID = 255
_YEARS = range(1970, 9999)


def read_reply(data: bytes) -> tuple[CalendarReply, ...]:
    """Return the answers in a calendar file or part.

    There are none if its METHOD is neither REPLY nor COUNTER. Reading is as tolerant as real replies require: a missing
    ORGANIZER, Exchange's own zone names, bare line feeds and Windows-1252 are accepted. An entry without a UID, or
    without an attendee who answers, is skipped.

    :raises ValueError: if the data is not a calendar, or too large for an answer.
    """
    if len(data) > _LARGEST_REPLY:
        raise ValueError(_("this calendar file is too large for an answer"))
    try:
        calendars = Calendar.from_ical(_decoded(data), multiple=True)
    except (ValueError, LookupError, AttributeError, TypeError, OSError, RecursionError):
        # OSError: the name of a zone that is too long for a file.
        raise ValueError(_("this is no calendar file that can be read")) from None
    if not calendars:
        raise ValueError(_("this is no calendar file: it has no whole VCALENDAR"))
    found = (
        reply
        for calendar in calendars
        for method in (str(calendar.get("METHOD", "")).upper(),)
        if method in ("REPLY", COUNTER)
        for event in calendar.walk("VEVENT")
        for reply in _replies(event, counter=method == COUNTER)
    )
    return tuple(islice(found, _MOST_REPLIES))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _replies(event: Component, counter: bool) -> Iterator[CalendarReply]:
    identity = str(event.get("UID", ""))[:_LONGEST_UID]
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        if not isinstance(attendee, vCalAddress):
            continue
        partstat = COUNTER if counter else one_line(str(attendee.params.get("PARTSTAT", "")).upper(), 20)
        address = _address_in(attendee)
        # The person to whom another delegates is in the same reply, and has not answered yet.
        if identity and address and partstat not in ("", "NEEDS-ACTION"):
            yield CalendarReply(
                uid=identity,
                attendee=address,
                partstat=partstat,
                sequence=_sequence(event),
                dtstamp=_stamp(event),
                comment=_comment(event),
                delegate=_address_in(_first(attendee.params.get("DELEGATED-TO", ""))),
                proposed=_proposed(event) if counter else None,
            )


def _first(value: object) -> object:
    return (value[0] if value else "") if isinstance(value, list) else value


def _address_in(value: object) -> str:
    return one_line(re.sub("^mailto:", "", str(value).strip(' "'), flags=re.IGNORECASE), 320)


def _comment(event: Component) -> str:
    comments = event.get("COMMENT", "")
    return one_line(" ".join(map(str, comments)) if isinstance(comments, list) else str(comments), _LONGEST_COMMENT)


def _proposed(event: Component) -> tuple[datetime, datetime | None] | None:
    starts, ends = _moment(event.get("DTSTART")), _moment(event.get("DTEND"))
    return (starts, ends) if starts else None


def _moment(value: object) -> datetime | None:
    # A value that is not a moment is a property of another kind, which has no ``dt``.
    moment = value.dt if isinstance(value, vDDDTypes) else None
    if not isinstance(moment, datetime) or moment.year not in _YEARS:
        return None
    return moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _sequence(event: Component) -> int:
    try:
        return int(event.get("SEQUENCE", 0))
    except (TypeError, ValueError):
        return 0


def _stamp(event: Component) -> datetime:
    stamp = getattr(event.get("DTSTAMP"), "dt", None)
    if not isinstance(stamp, datetime) or stamp.year not in _YEARS:
        return _NO_MOMENT
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def latest(replies: Iterable[CalendarReply]) -> tuple[CalendarReply, ...]:
    """Return the answer that counts for each attendee and entry.

    It has the highest SEQUENCE, then the newest DTSTAMP (RFC 5546 §2.1.5); of two equal answers the later one counts.
    The order is that in which attendees first appear.
    """
    found: dict[tuple[str, str], CalendarReply] = {}
    for reply in replies:
        key = (reply.uid, address_key(reply.attendee))
        known = found.get(key)
        if known is None or (reply.sequence, reply.dtstamp) >= (known.sequence, known.dtstamp):
            found[key] = reply
    return tuple(found.values())
