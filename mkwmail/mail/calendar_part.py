"""A letter's calendar entry: content lines with placeholders for values.

The lines give the event's facts; a member's values fill the placeholders. :func:`website_entry` makes the entry for the
association's website, which is the same for everybody.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from mkwmail.clock import ZONE
from mkwmail.config.event import CalendarMethod, Event, place_of
from mkwmail.mail.context import EntryForm, MailingContext, common_names, links_among, named
from mkwmail.mail.icalendar import duration, escape_parameter, escape_text, fold, uid
from mkwmail.mail.merge import Escaping, Link, Marks, Placeholder, Segments, Value, fill, joined, segments_of, unquote
from mkwmail.mail.templates import Templates, description

PRODUCT = "-//MKW Platform//mkwmail//NL"
# Not the sender's domain: that may change, and a UID may not.
_UID_DOMAIN = "mkwmail"
_QUOTED = re.compile("[ ',;:’]")  # RFC 5545 §3.2 asks for it at , ; and : only; icalendar does so at the others too
_LINK = re.compile(r"https?://[^\s<>\"]+")
# The form that Outlook reads: two rules with BYDAY, without which it fails, and no list of dates. The rule is that of
# Directive 2000/84/EC: clocks change on the last Sundays of March and October at 1.00 UTC.
_AMSTERDAM = (
    *("BEGIN:VTIMEZONE", f"TZID:{ZONE.key}"),
    *("BEGIN:DAYLIGHT", "DTSTART:19960331T020000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"),
    *("TZNAME:CEST", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "END:DAYLIGHT"),
    *("BEGIN:STANDARD", "DTSTART:19961027T030000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"),
    *("TZNAME:CET", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "END:STANDARD"),
    "END:VTIMEZONE",
)


class Method(StrEnum):
    """The request that an entry makes of its recipient (RFC 5546 §1.4)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Party:
    """A name and an address, of the organizer or the attendee."""

    name: str | Placeholder
    email: str | Placeholder


@dataclass(frozen=True, slots=True)
class Entry:
    """One calendar entry, with its texts as people read them.

    A placeholder is the place of a member's value. ``stamp`` is DTSTAMP. ``attendee``: for REQUEST and CANCEL exactly
    the recipient, because other recipients are never listed, for privacy; for PUBLISH None (RFC 5546 §3.2.1).
    ``alarm``: how long before the start it sounds. ``cancelled``: the event does not take place. ``provisional``: it
    is not certain yet. ``asks``: a request asks the attendee for an answer, else it says that they come.
    ``conference``: the link to take part online (RFC 7986 §5.11).

    :raises ValueError: if moments have no zone, or the attendee does not fit the method.
    """

    method: Method
    uid: str | Placeholder
    sequence: int
    stamp: datetime | Placeholder
    starts: datetime
    ends: datetime
    summary: str
    organizer: Party
    description: str | Segments = ""
    location: str = ""
    url: str | Segments = ""
    attendee: Party | None = None
    alarm: timedelta | None = None
    cancelled: bool = False
    provisional: bool = False
    asks: bool = True
    conference: str = ""

    def __post_init__(self) -> None:
        if self.starts.tzinfo is None or self.ends.tzinfo is None:
            raise ValueError("an entry's moments need their zone")
        if (self.attendee is None) != (self.method is Method.PUBLISH):
            raise ValueError("PUBLISH has no attendee, REQUEST and CANCEL have one (RFC 5546 §3.2)")


def calendar_method(context: MailingContext) -> Method:
    """Return the method of the letter's entry.

    A proof does not ask for an answer, because Outlook would send one.
    """
    if context.event.calendar.method is CalendarMethod.REQUEST and not context.proof:
        return Method.CANCEL if context.cancelled else Method.REQUEST
    return Method.PUBLISH


def entry_uid(secret: bytes, event: str, person: str | None = None) -> str:
    """Return the UID of an event's entry.

    ``person``: None for the entry that all recipients share (PUBLISH), a person for their own entry (REQUEST).
    """
    return uid(secret, event, person, _UID_DOMAIN)


def calendar_lines(
    context: MailingContext, description: str, form: EntryForm | None, marks: Marks
) -> tuple[Segments, ...]:
    """Return the entry's content lines; none if ``form`` is None.

    ``description`` is the rendered ``calendar.txt``, with marks.
    """
    if form is None:
        return ()
    method = calendar_method(context)
    personal = method is not Method.PUBLISH
    links = links_among(marks.fields)
    signup = marks.of("signup_link") if "signup_link" in marks.fields else ""
    entry = entry_of(
        context,
        method=method,
        uid=_place("uid") if personal else context.uid,
        stamp=_place("dtstamp"),
        description=segments_of(description, Escaping.CALENDAR, marks, links),
        url=segments_of(link_in(unquote(description), signup), Escaping.TEXT, marks, links),
        attendee=Party(Placeholder("to_name", Escaping.PARAMETER), _place("to_address")) if personal else None,
        form=form,
    )
    return content_lines(entry)


def _place(field: str) -> Placeholder:
    return Placeholder(field, Escaping.TEXT)


def entry_of(
    context: MailingContext,
    *,
    method: Method,
    uid: str | Placeholder,
    stamp: datetime | Placeholder,
    description: str | Segments,
    url: str | Segments,
    form: EntryForm,
    attendee: Party | None = None,
) -> Entry:
    """Return the event as an entry, with the secretary as organizer."""
    event, sender = context.event, context.settings.sender
    association = context.settings.association
    link = (event.online.url if event.online and form.comes else None) or ""
    place = place_of(event)
    alarm = event.calendar.alarm
    return Entry(
        method=method,
        uid=uid,
        sequence=context.sequence,
        stamp=stamp,
        starts=event.starts,
        ends=event.ends,
        summary=f"{event.title} ({association})" if association else event.title,
        organizer=Party(sender.name, sender.email),
        description=description,
        location=link if link and not event.location else place,
        url=url,
        attendee=attendee,
        alarm=timedelta(seconds=alarm) if alarm else None,
        cancelled=context.cancelled,
        provisional=event.provisional,
        asks=form.asks,
        conference=link,
    )


def link_in(description: str, mark: str) -> str:
    """Return the first link of a description, for the entry's URL.

    ``mark``: the mark of the member's own link, which counts as a link; empty if there is none.
    """
    pattern = _LINK if not mark else re.compile(f"{mark}|{_LINK.pattern}")
    found = pattern.search(description)
    return found[0].rstrip(".,;:)") if found else ""


def content_lines(entry: Entry) -> tuple[Segments, ...]:
    """Return the entry as a VCALENDAR's unfolded content lines, escaped."""
    start = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", f"METHOD:{entry.method}", *_AMSTERDAM)
    return (*((line,) for line in start), *_event(entry), ("END:VCALENDAR",))


def to_ics(lines: Iterable[Segments]) -> bytes:
    """Return content lines without placeholders as a file."""
    return b"".join([fold(fill(line, {})) for line in lines])


def utc_text(moment: datetime) -> str:
    """Return an aware moment as a DATE-TIME value in UTC (RFC 5545 §3.3.5)."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _event(entry: Entry) -> Iterator[Segments]:
    zone = _zone_for(entry)
    cancelled = entry.cancelled or entry.method is Method.CANCEL
    yield ("BEGIN:VEVENT",)
    yield _line("SUMMARY", entry.summary, escape_text)
    yield _moment("DTSTART", entry.starts, zone)
    if entry.ends > entry.starts:  # DTEND must be later (RFC 5545 §3.8.2.2); without it the event has no length
        yield _moment("DTEND", entry.ends, zone)
    yield _line("DTSTAMP", utc_text(entry.stamp) if isinstance(entry.stamp, datetime) else entry.stamp)
    yield _line("UID", entry.uid)
    yield _line("SEQUENCE", str(entry.sequence))
    if entry.attendee:
        yield _party("ATTENDEE", entry.attendee, _asked(entry))
    if entry.description:
        yield _line("DESCRIPTION", entry.description, escape_text)
    if entry.location:
        yield _line("LOCATION", entry.location, escape_text)
    yield _party("ORGANIZER", entry.organizer)
    yield _line("STATUS", "CANCELLED" if cancelled else "TENTATIVE" if entry.provisional else "CONFIRMED")
    yield _line("TRANSP", "TRANSPARENT" if cancelled else "OPAQUE")
    yield from _outlook(entry, cancelled)
    if entry.conference and not cancelled:
        yield _conference(entry)
    if entry.url:
        yield _line("URL", entry.url, _uri)
    if entry.alarm is not None and not cancelled:
        yield from (("BEGIN:VALARM",), ("ACTION:DISPLAY",), _line("DESCRIPTION", entry.summary, escape_text))
        yield from (_line("TRIGGER", duration(-entry.alarm)), ("END:VALARM",))
    yield ("END:VEVENT",)


def _asked(entry: Entry) -> str:
    if entry.method is not Method.REQUEST:
        return ""
    partstat, rsvp = ("NEEDS-ACTION", "TRUE") if entry.asks else ("ACCEPTED", "FALSE")
    return f";PARTSTAT={partstat};ROLE=REQ-PARTICIPANT;RSVP={rsvp}"


def _outlook(entry: Entry, cancelled: bool) -> Iterator[Segments]:
    """Yield the properties of Outlook's own (MS-OXCICAL §2.1.3.1.1.20)."""
    if entry.provisional and not cancelled:
        yield ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",)
    if entry.method is Method.REQUEST:  # or each of a hundred members can propose another time
        yield ("X-MICROSOFT-DISALLOW-COUNTER:TRUE",)


def _conference(entry: Entry) -> Segments:
    return (f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=Deelnemen:{_uri(entry.conference)}",)


def _uri(text: str) -> str:
    return "".join(text.split())


def _line(name: str, value: str | Placeholder | Segments, escape: Callable[[str], str] = str) -> Segments:
    segments = value if isinstance(value, tuple) else (value,)
    return joined([f"{name}:", *(escape(each) if isinstance(each, str) else each for each in segments)])


def _moment(name: str, moment: datetime, zone: tzinfo) -> Segments:
    if zone is UTC:
        return _line(name, utc_text(moment))
    return (f"{name};TZID={ZONE.key}:{moment.astimezone(zone):%Y%m%dT%H%M%S}",)


def _zone_for(entry: Entry) -> tzinfo:
    """Return Amsterdam, or UTC if a moment is in an hour that occurs twice.

    Readers differ on which of the two hours RFC 5545 §3.3.5 means.
    """
    moments = [moment.astimezone(ZONE) for moment in (entry.starts, entry.ends)]
    twice = any(moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset() for moment in moments)
    return UTC if twice else ZONE


def _party(name: str, party: Party, parameters: str = "") -> Segments:
    common_name = party.name if isinstance(party.name, Placeholder) else _parameter(party.name)
    named = (";CN=", common_name) if common_name else ()
    return joined([name, *named, f"{parameters}:mailto:", party.email])


def _parameter(text: str) -> str:
    value = escape_parameter(text)
    return f'"{value}"' if _QUOTED.search(value) else value


def website_entry(context: MailingContext, templates: Templates, moment: datetime) -> bytes:
    """Return the event as a calendar file, METHOD:PUBLISH.

    ``moment`` (aware) is its DTSTAMP. It has the UID of the entry that all recipients get, so that a calendar that has
    both shows one. A sign-up link that differs per member is left out; so is the link for online, which is for people
    who attend.

    :raises UserError: if ``calendar.txt`` has a fault, with its line.
    """
    event = _public(context.event)
    url = event.registration.url if event.registration else None
    names = {
        **common_names(event, context.settings.form),
        "sender": named(context.settings.sender),
        "association": Value(context.settings.association),
        "signup_link": Link(url) if url else None,
        "by_mail": False,
        "answer": None,
        "cancelled": context.cancelled,
        "signup_closed": context.signup_closed,
        "begun": context.begun,
        "mailing": {"name": "", "text": None},
    }
    names.update(templates.macros(templates.text, "phrases.md", names))
    words = unquote(description(templates.part("calendar.txt"), names))
    entry = entry_of(
        context,
        method=Method.PUBLISH,
        uid=context.uid,
        stamp=moment,
        description=words,
        url=link_in(words, ""),
        form=EntryForm(),
    )
    return to_ics(content_lines(entry))


def _public(event: Event) -> Event:
    registration = event.registration
    if registration is None or registration.url is None or "{" not in registration.url:
        return event
    return event.model_copy(update={"registration": registration.model_copy(update={"url": None})})
