"""The text format of calendar entries, and the replies to them.

The format is iCalendar (RFC 5545), as iTIP (RFC 5546) and iMIP (RFC 6047) use it. :func:`escape_text` and :func:`fold`
make values and lines; :func:`read_reply` reads the answers from members' calendars.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mkwmail.addresses import address_key
from mkwmail.clock import ZONE
from mkwmail.i18n import _, one_line
from mkwmail.ledger.models import keyed

# The library is imported where a reply is read: importing it takes as long as composing four mails.
if TYPE_CHECKING:
    from icalendar import Component

_LINE = 75  # octets in a folded line, without its CRLF
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


def uid(secret: bytes, event: str, person: str | None, domain: str) -> str:
    """Return the entry's UID, which is opaque (RFC 7986 §5.3).

    It is always the same for one event, or for one person and event.
    """
    digest = keyed(secret, f"{event}\0{person or ''}")
    return f"{digest.hex()[:32]}@{domain}"


# Some readers take these for a line end (Python's splitlines does); U+0085 and U+2028 are among them.
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_ESCAPED = str.maketrans({"\\": r"\\", ";": r"\;", ",": r"\,", "\n": r"\n"})


def _text(text: str) -> str:
    """Return text that TEXT can contain (RFC 5545 §3.1).

    Every line end becomes ``\\n``, and control characters are removed.
    """
    return _CONTROL.sub("", _LINE_END.sub("\n", text))


def escape_text(text: str) -> str:
    """Return text escaped as a TEXT value (RFC 5545 §3.3.11).

    Backslash, semicolon, comma and line end are escaped. Control characters, which no value may contain, are removed.
    """
    return _text(text).translate(_ESCAPED)


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


def duration(length: timedelta) -> str:
    """Return a length of time, which may be negative, as a DURATION value (RFC 5545 §3.3.6)."""
    sign, length = "-" if length < timedelta(0) else "", abs(length)
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = f"{hours}H" if hours else ""
    if minutes or (hours and seconds):
        clock += f"{minutes}M"
    if seconds:
        clock += f"{seconds}S"
    days = f"{length.days}D" if length.days or not clock else ""
    return f"{sign}P{days}" + (f"T{clock}" if clock else "")


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


def read_reply(data: bytes, method: str = "") -> tuple[CalendarReply, ...]:
    """Return the answers in a calendar file or part.

    There are none if its METHOD is neither REPLY nor COUNTER. Reading is as tolerant as real replies require: a missing
    ORGANIZER, Exchange's own zone names, bare line feeds, Windows-1252 and UTF-16 are accepted. An entry without a
    UID, or without an attendee who answers, is skipped.

    :param method: the METHOD of a calendar that does not tell it: the parameter of its MIME part (RFC 6047 §2.4).
    :raises ValueError: if the data is not a calendar, or too large for an answer.
    """
    if len(data) > _LARGEST_REPLY:
        raise ValueError(_("this calendar file is too large for an answer"))
    from icalendar import Calendar

    try:
        calendars = Calendar.from_ical(_decoded(data), multiple=True)
    except (ValueError, LookupError, AttributeError, TypeError, OSError, RecursionError):
        # OSError: the name of a zone that is too long for a file.
        raise ValueError(_("this is not a calendar file that can be read")) from None
    if not calendars:
        raise ValueError(_("this is not a calendar file: it has no complete VCALENDAR"))
    found = (
        reply
        for calendar in calendars
        for said in (str(calendar.get("METHOD", method)).upper(),)
        if said in ("REPLY", COUNTER)
        for event in calendar.walk("VEVENT")
        for reply in _replies(event, counter=said == COUNTER)
    )
    return tuple(islice(found, _MOST_REPLIES))


def _decoded(data: bytes) -> str:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _replies(event: "Component", counter: bool) -> Iterator[CalendarReply]:
    from icalendar import vCalAddress

    identity = str(event.get("UID", ""))[:_LONGEST_UID]
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        if not isinstance(attendee, vCalAddress):
            continue
        partstat = COUNTER if counter else one_line(str(attendee.params.get("PARTSTAT", "")).upper(), 20)
        # Some calendars name a person by a path or a number, and give the address in EMAIL (RFC 7986 §6.2).
        address = _address_in(attendee if "@" in attendee else attendee.params.get("EMAIL", attendee))
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
    """Return the address in a mailto URI (RFC 6068 §2), or the value if it is none."""
    text = str(value).strip(' "')
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0])
    return one_line(text.strip(" <>"), 320)


def _comment(event: "Component") -> str:
    comments = event.get("COMMENT", "")
    return one_line(" ".join(map(str, comments)) if isinstance(comments, list) else str(comments), _LONGEST_COMMENT)


def _proposed(event: "Component") -> tuple[datetime, datetime | None] | None:
    starts, ends = _moment(event.get("DTSTART")), _moment(event.get("DTEND"))
    return (starts, ends) if starts else None


def _moment(value: object) -> datetime | None:
    from icalendar.prop import vDDDTypes

    # A value that is not a moment is a property of another kind, which has no ``dt``.
    moment = value.dt if isinstance(value, vDDDTypes) else None
    if not isinstance(moment, datetime) or moment.year not in _YEARS:
        return None
    return moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _sequence(event: "Component") -> int:
    try:
        return int(event.get("SEQUENCE", 0))
    except (TypeError, ValueError):
        return 0


def _stamp(event: "Component") -> datetime:
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
