"""Event and its parts, as frozen values.

Texts marked *Markdown* are the secretary's own and are rendered as such; every other text is shown literally.
Moments are aware datetimes in Europe/Amsterdam.
"""

from collections.abc import Mapping
import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Location(_Part):
    """Where it is. Any part may be missing: the mail then says that it follows."""

    name: str | None = None
    street: str | None = None
    city: str | None = None


class Online(_Part):
    """Where it is online; shown only to those who attend."""

    url: str | None = None


class ProgrammeItem(_Part):
    """One line of the programme. ``optional``: members choose it when signing up."""

    time: dt.time
    title: str
    until: dt.time | None = None
    description: str | None = None  # Markdown
    speakers: tuple[str, ...] = ()
    optional: bool = False


class Host(_Part):
    """Who leads the day."""

    name: str
    role: str | None = None
    organisation: str | None = None


class Registration(_Part):
    """How members sign up. ``url`` may hold ``{code}``, ``{member_id}`` and ``{email}``."""

    url: str | None = None
    deadline: datetime | None = None  # a date alone means the end of that day
    one_per_organisation: bool = False


class CalendarMethod(StrEnum):
    """The iTIP method of the calendar entry (RFC 5546 §1.4), or none."""

    PUBLISH = "publish"
    REQUEST = "request"
    NONE = "none"


class CalendarEntry(_Part):
    """The calendar entry in the mails. ``alarm``: how long before the start, in seconds."""

    method: CalendarMethod = CalendarMethod.PUBLISH
    alarm: int | None = None


class ColumnAudience(_Part):
    """Members whose ``column`` of the list has one of the values in ``is``."""

    column: str
    values: tuple[str, ...] = Field(alias="is")


class Mailing(_Part):
    """One round of mail about the event, as its file plans it."""

    send: datetime | None = None  # a date alone means the start of that day
    latest: datetime | None = None  # a date alone means the end of that day
    template: str | None = None
    subject: str | None = None
    text: str | None = None  # Markdown
    attachments: tuple[str, ...] = ()  # relative to the event file
    audience: str | ColumnAudience | None = None
    of: str | None = None  # correction: the mailing it corrects


class Event(_Part):
    """What people are invited to; one YAML file in ``events/``."""

    id: str
    title: str
    theme: str | None = None
    starts: datetime
    ends: datetime
    location: Location | None = None
    online: Online | None = None
    introduction: str | None = None  # Markdown
    provisional: bool = False
    programme: tuple[ProgrammeItem, ...] = ()
    hosts: tuple[Host, ...] = ()
    registration: Registration | None = None
    pe_points: Literal[True] | int | float | None = None  # True: they apply, number not known; None: none
    calendar: CalendarEntry = CalendarEntry()
    mailings: Mapping[str, Mailing] = Field(default_factory=dict)
