"""The calendar entry of an event: iCalendar (RFC 5545) as iTIP (RFC 5546) and iMIP (RFC 6047) use it.

An entry is built as unfolded content lines, so that a letter can fill members' values into them; :func:`fold`
and :func:`escape_text` finish what is filled.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vText
from icalendar.prop import vRecur

from mkwmail.clock import ZONE

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


def uid(secret: bytes, event: str, person: str | None, domain: str) -> str:
    """The entry's UID: opaque, always the same for one event, or one person and event (RFC 7986 §5.3)."""
    digest = hmac.new(secret, f"{event}\0{person or ''}".encode(), hashlib.sha256)
    return f"{digest.hexdigest()[:32]}@{domain}"


def escape_text(text: str) -> str:
    """A TEXT value (RFC 5545 §3.3.11): backslash, semicolon, comma and line end escaped."""
    return vText(text.replace("\r\n", "\n").replace("\r", "\n")).to_ical().decode()


def escape_parameter(text: str) -> str:
    """A parameter's value for within double quotes: quotes and control characters are left out.

    RFC 5545 §3.2 has no way to write them, and RFC 6868's ``^'`` is shown as such by mail programs.
    """
    return "".join(character for character in text if character != '"' and character.isprintable())


def fold(line: str) -> bytes:
    """A content line in lines of at most 75 octets, never inside a character, with CRLF (RFC 5545 §3.1)."""
    octets = line.encode()
    cuts = [0]
    while len(octets) - cuts[-1] > _LINE - (len(cuts) > 1):
        cut = cuts[-1] + _LINE - (len(cuts) > 1)
        # An octet 10xxxxxx goes on with a character that began before it (RFC 3629 §3).
        while octets[cut] & 0xC0 == 0x80:
            cut -= 1
        cuts.append(cut)
    pieces = (octets[start:end] for start, end in zip(cuts, [*cuts[1:], None], strict=True))
    return b"\r\n ".join(pieces) + b"\r\n"


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


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("UID", entry.uid)
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTAMP", entry.stamp if isinstance(entry.stamp, datetime) else _NO_MOMENT)
    event.add("DTSTART", entry.starts.astimezone(ZONE))
    event.add("DTEND", entry.ends.astimezone(ZONE))
    event.add("SUMMARY", entry.summary)
    for name, text in (("LOCATION", entry.location), ("DESCRIPTION", entry.description)):
        if text:
            event.add(name, text)
    if entry.url:
        event.add("URL", entry.url)
    event.add("ORGANIZER", _party(entry.organizer))
    if entry.attendee:
        event.add("ATTENDEE", _attendee(entry.attendee, asked=entry.method is Method.REQUEST))
    cancelled = entry.cancelled or entry.method is Method.CANCEL
    event.add("STATUS", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("TRANSP", "TRANSPARENT" if cancelled else "OPAQUE")
    if entry.alarm is not None and not cancelled:
        event.add_component(_alarm(entry.alarm, entry.summary))
    return event


def _party(party: Party) -> vCalAddress:
    address = vCalAddress(f"mailto:{party.email}")
    address.params["CN"] = vText(escape_parameter(party.name))
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
    alarm.add("DESCRIPTION", summary)
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
