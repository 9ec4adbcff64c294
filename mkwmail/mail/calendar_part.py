"""A letter's calendar entry: content lines with holes for values.

The lines give the event's facts; a member's values fill the holes.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from jinja2 import Template

from mkwmail.config.event import CalendarMethod, Event
from mkwmail.config.settings import Settings
from mkwmail.mail.context import LINK_FIELDS
from mkwmail.mail.icalendar import Entry, Method, Party, content_lines, uid
from mkwmail.mail.merge import Marks, Place, Segments, joined, segments_of, unquote
from mkwmail.mail.mime import Attachment


@dataclass(frozen=True, slots=True)
class Frame:
    """The data that every letter of a mailing shares."""

    event: Event
    settings: Settings
    layout_html: Template
    layout_text: Template
    css: str
    attachments: tuple[Attachment, ...]
    logo: Attachment | None
    uid: str
    sequence: int
    cancelled: bool
    proof: bool
    automatic: bool
    printed: bool = False


_TEXT_PROPERTIES = ("SUMMARY", "DESCRIPTION", "LOCATION")
# Not the sender's domain: that may change, and a UID may not.
_UID_DOMAIN = "mkwmail"
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PARAMETER_MARK = re.compile(r"(?<=;CN=)[A-Za-z0-9]+(?=[;:])")


def calendar_method(frame: Frame) -> Method:
    """Return the method of the letter's entry.

    A proof does not ask for an answer, because Outlook would send one.
    """
    if frame.event.calendar.method is CalendarMethod.REQUEST and not frame.proof:
        return Method.CANCEL if frame.cancelled else Method.REQUEST
    return Method.PUBLISH


def entry_uid(secret: bytes, event: str, person: str | None = None) -> str:
    """Return the UID of an event's entry.

    ``person``: None for the entry that all recipients share (PUBLISH), a person for their own entry (REQUEST).
    """
    return uid(secret, event, person, _UID_DOMAIN)


def place_of(event: Event) -> str:
    """Return LOCATION: the known parts of the place, in one line."""
    location = event.location
    parts = (location.name, location.street, location.city) if location else ()
    known = ", ".join(part for part in parts if part)
    return known or ("Online" if event.online else "")


def calendar_lines(frame: Frame, description: str, marks: Marks) -> tuple[Segments, ...]:
    """Return the entry's content lines, or none if it has no entry.

    ``description`` is the rendered ``calendar.txt``, with marks.
    """
    event = frame.event
    if event.calendar.method is CalendarMethod.NONE:
        return ()
    method = calendar_method(frame)
    personal = method is not Method.PUBLISH
    words = unquote(description)
    signup = marks.of("signup_link") if "signup_link" in marks.fields else ""
    entry = entry_of(
        event,
        frame.settings,
        method=method,
        uid=marks.of("uid") if personal else frame.uid,
        sequence=frame.sequence,
        stamp=marks.of("dtstamp"),
        description=words,
        url=link_in(words, signup),
        attendee=Party(marks.of("to_name"), marks.of("to_address")) if personal else None,
        cancelled=frame.cancelled,
    )
    return tuple(_segments(line, marks) for line in content_lines(entry))


def entry_of(
    event: Event,
    settings: Settings,
    *,
    method: Method,
    uid: str,
    sequence: int,
    stamp: datetime | str,
    description: str,
    url: str,
    attendee: Party | None = None,
    cancelled: bool = False,
) -> Entry:
    """Return the event as an entry, with the secretary as organizer."""
    alarm = event.calendar.alarm
    return Entry(
        method=method,
        uid=uid,
        sequence=sequence,
        stamp=stamp,
        starts=event.starts,
        ends=event.ends,
        summary=event.title,
        organizer=Party(settings.sender.name, settings.sender.email),
        description=description,
        location=place_of(event),
        url=url,
        attendee=attendee,
        alarm=timedelta(seconds=alarm) if alarm else None,
        cancelled=cancelled,
    )


def link_in(description: str, mark: str) -> str:
    """Return the first link of a description, for the entry's URL.

    ``mark``: the mark of the member's own link, which counts as a link; empty if there is none.
    """
    pattern = _LINK if not mark else re.compile(f"{mark}|{_LINK.pattern}")
    found = pattern.search(description)
    return found[0].rstrip(".,;:)") if found else ""


def _segments(line: str, marks: Marks) -> Segments:
    if line.startswith(_TEXT_PROPERTIES):
        return segments_of(line, Place.CALENDAR, marks, LINK_FIELDS)
    parameter = _PARAMETER_MARK.search(line)
    if parameter is None:
        return segments_of(line, Place.TEXT, marks, LINK_FIELDS)
    return joined(
        [
            *segments_of(line[: parameter.start()], Place.TEXT, marks, LINK_FIELDS),
            *segments_of(parameter[0], Place.PARAMETER, marks, LINK_FIELDS),
            *segments_of(line[parameter.end() :], Place.TEXT, marks, LINK_FIELDS),
        ]
    )
