"""Event and its parts, as frozen values.

Texts marked *Markdown* are the secretary's own and are rendered as such; every other text is shown literally.
Moments are aware datetimes in Europe/Amsterdam.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mkwmail.config.fields import (
    ClockTime,
    EndOfDay,
    Folded,
    Line,
    Lines,
    Markdown,
    Moment,
    OptionalClockTime,
    OptionalLine,
    Part,
    PePoints,
    Seconds,
    StartOfDay,
    UnusableError,
    Word,
    YesNo,
    from_text,
    nothing_is,
)
from mkwmail.dutch.parsing import read_time, read_time_on
from mkwmail.i18n import _

# A fault of ``ends`` that is one of ``starts``, and is said there.
FOLLOWS = "follows_from_starts"


class Location(Part):
    """Where it is. Any part may be missing: the mail then says that it follows."""

    name: OptionalLine = None
    street: OptionalLine = None
    city: OptionalLine = None


class Online(Part):
    """Where it is online; shown only to those who attend."""

    url: Word = None


class ProgrammeItem(Part):
    """One line of the programme. ``optional``: members choose it when signing up."""

    time: ClockTime = Field(examples=["12.00"])
    title: Line = Field(examples=["Inlooplunch"])
    until: OptionalClockTime = Field(default=None, examples=["13.00"])
    description: Markdown = None
    speakers: Lines = ()
    optional: YesNo = False


def _host(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Host(Part):
    """Who leads the day."""

    name: Line = Field(examples=["Bram Lipsch"])
    role: OptionalLine = None
    organisation: OptionalLine = None


class Registration(Part):
    """How members sign up. ``url`` may hold ``{code}``, ``{member_id}`` and ``{email}``."""

    url: Word = Field(default=None, examples=["https://example.org/aanmelden?lid={code}"])
    deadline: EndOfDay = Field(default=None, examples=["2020-04-02"])  # a date alone means the end of that day
    one_per_organisation: YesNo = False


class CalendarMethod(StrEnum):
    """The iTIP method of the calendar entry (RFC 5546 §1.4), or none."""

    PUBLISH = "publish"
    REQUEST = "request"
    NONE = "none"


class CalendarEntry(Part):
    """The calendar entry in the mails. ``alarm``: how long before the start, in seconds."""

    method: Annotated[CalendarMethod, Folded] = Field(default=CalendarMethod.PUBLISH, examples=["publish"])
    alarm: Seconds = Field(default=None, examples=["1 dag"])


class ColumnAudience(Part):
    """Members whose ``column`` of the list has one of the values in ``is``."""

    column: Line = Field(examples=["regio"])
    values: Lines = Field(alias="is", min_length=1, examples=["[Utrecht]"])


def _audience_form(value: Any) -> str:
    return COLUMN_TAG if isinstance(value, (Mapping, ColumnAudience)) else TEXT_TAG


# Steps that pydantic adds to the place of a fault; no key in a file can be called so.
COLUMN_TAG, TEXT_TAG = "<column>", "<text>"

AudienceRule = Annotated[
    Annotated[str, Folded, Tag(TEXT_TAG)] | Annotated[ColumnAudience, Tag(COLUMN_TAG)], Discriminator(_audience_form)
]


class Mailing(Part):
    """One round of mail about the event, as its file plans it."""

    # A date alone means the start of that day for `send`, and its end for `latest`.
    send: StartOfDay = Field(default=None, examples=["2020-02-17 09:00"])
    latest: EndOfDay = Field(default=None, examples=["2020-04-01"])
    template: Word = None
    subject: OptionalLine = None
    text: Markdown = None
    attachments: Lines = Field(default=(), examples=["[programma.pdf]"])
    audience: AudienceRule | None = Field(default=None, examples=["everyone"])
    of: Word = None


_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def _event_id(text: str) -> str:
    if _ID.fullmatch(text):
        return text
    near = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:64].strip("-")
    fault = _('"%(id)s" is no id: it has small letters, digits and hyphens only, 64 at most') % {"id": text}
    raise UnusableError(fault, near)


class Event(Part):
    """What people are invited to; one YAML file in ``events/``."""

    id: Annotated[str, from_text(_event_id)] = Field(examples=["directeurendag-2020"])
    title: Line = Field(examples=["Directeurendag"])
    theme: OptionalLine = None
    starts: Moment = Field(examples=["2020-04-16 13:00"])
    ends: Moment = Field(examples=["2020-04-16 18:00"])
    location: Location | None = None
    online: Online | None = None
    introduction: Markdown = None
    provisional: YesNo = False
    programme: Annotated[tuple[ProgrammeItem, ...], nothing_is(tuple)] = ()
    hosts: Annotated[tuple[Annotated[Host, BeforeValidator(_host)], ...], nothing_is(tuple)] = ()
    registration: Registration | None = None
    # True: they apply, number not known; None: none
    pe_points: Annotated[Literal[True] | int | float | None, PePoints] = Field(default=None, examples=["true"])
    calendar: Annotated[CalendarEntry, nothing_is(CalendarEntry)] = CalendarEntry()
    mailings: Annotated[Mapping[str, Annotated[Mailing, nothing_is(Mailing)]], nothing_is(dict)] = Field(
        default_factory=dict
    )

    @field_validator("ends", mode="before")
    @classmethod
    def _time_alone(cls, value: Any, info: ValidationInfo) -> Any:
        """A time alone is one on the day of the start."""
        if not isinstance(value, str):
            return value
        try:
            read_time(value)
        except ValueError:
            return value
        starts = info.data.get("starts")
        if not isinstance(starts, datetime):
            raise PydanticCustomError(FOLLOWS, "unknown until the start is")
        return read_time_on(value, starts.date())
