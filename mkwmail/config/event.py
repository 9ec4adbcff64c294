"""Event and its parts, as frozen values.

Texts marked *Markdown* are the secretary's own and are rendered as Markdown; all other texts are shown literally.
Moments are aware datetimes in Europe/Amsterdam.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mkwmail.addresses import is_example
from mkwmail.config.fields import (
    ClockTime,
    EndOfDay,
    Folded,
    Line,
    Lines,
    Markdown,
    Moment,
    OptionalClockTime,
    OptionalDay,
    OptionalLine,
    OptionalNumber,
    PePoints,
    Seconds,
    StartOfDay,
    StrictModel,
    UnusableError,
    Word,
    YesNo,
    from_text,
    nothing_is,
    several,
)
from mkwmail.dutch.dates import clock_time, read_time, read_time_on
from mkwmail.errors import Fault
from mkwmail.i18n import _

# A fault of ``ends`` that is really one of ``starts``, and is reported there.
FOLLOWS = "follows_from_starts"


class Location(StrictModel):
    """Place of the event.

    Any part may be missing: the mail then says that it will follow. ``route`` and ``website`` are links.
    """

    name: OptionalLine = None
    street: OptionalLine = None
    city: OptionalLine = None
    route: Word = None
    website: Word = None


class Online(StrictModel):
    """Online access, shown only to those who attend."""

    url: Word = None


class Feedback(StrictModel):
    """Form for opinions about the event, in the thanks."""

    url: Word = Field(default=None, examples=["https://example.org/evaluatie"])


# ``12.30 uur Inloop met lunch``, ``13.00-13.45: Opening``
_TIME = r"\d{1,2}(?:[.:u]\d{2}|\s*uur\b)"
_PROGRAMME_LINE = re.compile(
    rf"(?P<time>{_TIME})(?:\s*uur)?(?:\s*(?:-|–|tot)\s*(?P<until>{_TIME}))?(?:\s*uur)?[:,]?\s+(?:[-–]\s+)?(?P<title>\S.*)"
)
# ``vanaf 13 uur Opening``, ``ca. 15.00 uur Pauze``: a word or two before the time.
_BEFORE_ITS_TIME = re.compile(rf"(?:[^\W\d]\S*\s+){{1,2}}({_TIME}.*)")


class ProgrammeItem(StrictModel):
    """Line of the programme, as keys or as people write it: the time, and then the title.

    ``day``: that of the item above it, or the event's first, if it is not given. ``optional``: members choose this item
    when they sign up.
    """

    day: OptionalDay = Field(default=None, examples=["2020-04-16"])
    time: ClockTime = Field(examples=["12.00"])
    title: Line = Field(examples=["Inlooplunch"])
    until: OptionalClockTime = Field(default=None, examples=["13.00"])
    description: Markdown = None
    speakers: Lines = ()
    optional: YesNo = False

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and len(value) == 1:  # a colon behind the time makes it a key
            text = " ".join(f"{key} {title}" for key, title in value.items())
        else:
            text = value if isinstance(value, str) else ""
        found = _PROGRAMME_LINE.fullmatch(text.strip())
        if found is None and isinstance(value, str):
            later = _BEFORE_ITS_TIME.fullmatch(text.strip())
            written = later[1] if later and _PROGRAMME_LINE.fullmatch(later[1]) else f"12.30 {text.strip()}"
            raise UnusableError(_("a line of the programme begins with its time"), written)
        return {name: part for name, part in found.groupdict().items() if part} if found else value


def programme_days(items: Iterable[ProgrammeItem], first: date) -> list[date]:
    """Return the day of each item; ``first`` is the event's first day."""
    days: list[date] = []
    for item in items:
        days.append(item.day or (days[-1] if days else first))
    return days


def programme_oddities(
    items: Sequence[ProgrammeItem], starts: datetime | None, ends: datetime | None
) -> Iterator[tuple[tuple[int, str], str, str]]:
    """Yield each item that begins or ends at an odd time: its number and key, what is odd, and a remedy.

    A jump to the small hours is not odd, because an evening may pass midnight.
    """
    days = programme_days(items, starts.date() if starts else date.min)
    last = ends.date() if ends else None
    for number, (item, day) in enumerate(zip(items, days, strict=True)):
        words = {"title": item.title, "time": clock_time(item.time), "day": day.isoformat()}
        if item.until is not None and item.until <= item.time and item.until.hour >= 6:
            fault = _("%(title)s ends at %(until)s, before it begins at %(time)s")
            yield (number, "until"), fault % {**words, "until": clock_time(item.until)}, ""
        if item.day and starts and last and not starts.date() <= item.day <= last:
            yield (number, "day"), _("%(title)s is on %(day)s, which is not a day of the event") % words, ""
        elif number == 0:
            if starts and day == starts.date() and item.time.hour >= 6 and item.time < starts.time():
                fault = _("%(title)s begins at %(time)s, before the event does at %(starts)s")
                remedy = f"starts: {day.isoformat()} {words['time']}"
                yield (number, "time"), fault % {**words, "starts": clock_time(starts.time())}, remedy
        elif day < days[number - 1]:
            yield (number, "day"), _("%(title)s is on %(day)s, earlier than the item above it") % words, ""
        elif day == days[number - 1] and item.time.hour >= 6 and item.time < items[number - 1].time:
            fault = _("%(title)s begins at %(time)s, earlier than the item above it at %(above)s")
            remedy = _("does another day begin here? add: day: %(day)s")
            following = (day + timedelta(days=1)).isoformat() if last and day < last else ""
            above = clock_time(items[number - 1].time)
            yield (number, "time"), fault % {**words, "above": above}, remedy % {"day": following} if following else ""


def _host(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Host(StrictModel):
    """Person who leads the day."""

    name: Line = Field(examples=["Bram Lipsch"])
    role: OptionalLine = None
    organisation: OptionalLine = None


class SignUpBy(StrEnum):
    """Way to sign up without a form."""

    MAIL = "mail"


class Registration(StrictModel):
    """Way to sign up.

    ``url`` may hold ``{code}``, ``{member_id}``, ``{email}``, ``{name}``, ``{first_name}`` and ``{organisation}``.
    ``by``: with mails instead, which are read from the mailbox.
    """

    by: Annotated[SignUpBy | None, Folded] = Field(default=None, examples=["mail"])
    url: Word = Field(default=None, examples=["https://example.org/aanmelden?lid={code}"])
    deadline: EndOfDay = Field(default=None, examples=["2020-04-02"])  # a date alone means the end of that day
    one_per_organisation: YesNo = False


class Catering(StrictModel):
    """The caterer's deadline and needs.

    ``deadline``: until when the numbers can be given.
    """

    deadline: EndOfDay = Field(default=None, examples=["2020-04-09"])


class Certificate(StrictModel):
    """Certificate of attendance, a PDF for those who were present.

    What is missing is a fault of the thanks only, from the day of the event on. ``letterhead`` and ``signature`` are
    pictures, named from the folder of the event's file on.
    """

    hours: OptionalNumber = Field(default=None, examples=["4"])
    signed_by: OptionalLine = Field(default=None, examples=["Lilian van Zandbrink, secretaris"])
    accredited: OptionalLine = None
    letterhead: Word = Field(default=None, examples=["briefhoofd.svg"])
    signature: Word = Field(default=None, examples=["handtekening.png"])


class CalendarMethod(StrEnum):
    """iTIP method of the calendar entry (RFC 5546 §1.4), or none."""

    PUBLISH = "publish"
    REQUEST = "request"
    NONE = "none"


class CalendarEntry(StrictModel):
    """Calendar entry in the mails.

    ``alarm`` is the time of the alarm before the start, in seconds.
    """

    method: Annotated[CalendarMethod, Folded] = Field(default=CalendarMethod.PUBLISH, examples=["publish"])
    alarm: Seconds = Field(default=None, examples=["1 dag"])


class ColumnAudience(StrictModel):
    """Members with one of the values of ``is`` in ``column`` of the list."""

    column: Line = Field(examples=["regio"])
    values: Lines = Field(alias="is", min_length=1, examples=["[Utrecht]"])


class AllAudience(StrictModel):
    """Those who are in every one of several audiences."""

    rules: tuple["AudienceRule", ...] = Field(alias="all", min_length=1)


class AnyAudience(StrictModel):
    """Those who are in one or more of several audiences."""

    rules: tuple["AudienceRule", ...] = Field(alias="any", min_length=1)


class NotAudience(StrictModel):
    """Those who are not in an audience."""

    rule: "AudienceRule" = Field(alias="not")


def _audience_form(value: Any) -> str:
    for key, tag in (("all", ALL_TAG), ("any", ANY_TAG), ("not", NOT_TAG)):
        if isinstance(value, Mapping) and key in value:
            return tag
    for form, tag in ((AllAudience, ALL_TAG), (AnyAudience, ANY_TAG), (NotAudience, NOT_TAG)):
        if isinstance(value, form):
            return tag
    return COLUMN_TAG if isinstance(value, Mapping | ColumnAudience) else TEXT_TAG


# Steps that pydantic adds to the place of a fault; no key in a file can have such a name.
COLUMN_TAG, TEXT_TAG, ALL_TAG, ANY_TAG, NOT_TAG = AUDIENCE_TAGS = ("<column>", "<text>", "<all>", "<any>", "<not>")
FILE_TAG, RULE_TAG = ATTACHMENT_TAGS = ("<file>", "<rule>")

AudienceRule = Annotated[
    Annotated[str, Folded, Tag(TEXT_TAG)]
    | Annotated[ColumnAudience, Tag(COLUMN_TAG)]
    | Annotated[AllAudience, Tag(ALL_TAG)]
    | Annotated[AnyAudience, Tag(ANY_TAG)]
    | Annotated[NotAudience, Tag(NOT_TAG)],
    Discriminator(_audience_form),
]
for _model in (AllAudience, AnyAudience, NotAudience):
    _model.model_rebuild()


def audience_words(audience: AudienceRule | None) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each audience that is a word, with the keys and numbers that lead to it in a combination."""
    if isinstance(audience, str):
        yield (), audience
    elif isinstance(audience, NotAudience):
        yield from ((("not", *steps), word) for steps, word in audience_words(audience.rule))
    elif isinstance(audience, AllAudience | AnyAudience):
        key = "all" if isinstance(audience, AllAudience) else "any"
        for number, rule in enumerate(audience.rules):
            yield from (((key, number, *steps), word) for steps, word in audience_words(rule))


#: Begins the name under which an approval covers members' own files.
OWN_FILES = "attachments: "


class PersonalFile(StrictModel):
    """Attachment of which each member has their own.

    ``file`` is a name with a heading of the member list in braces, or ``column`` the heading of the column with the
    names. ``optional``: some members have none. ``for_several``: several members may have the same file.
    """

    file: Word = Field(default=None, examples=["brieven/{lidnummer}.pdf"])
    column: OptionalLine = Field(default=None, examples=["bestand"])
    optional: YesNo = False
    for_several: YesNo = False

    @model_validator(mode="after")
    def _one_name(self) -> "PersonalFile":
        if bool(self.file) == bool(self.column):
            raise UnusableError(_("write either file, with a heading of the list in braces, or column"))
        return self

    @property
    def shown(self) -> str:
        """The name, or the column, as the event file has it."""
        return self.file or f"column: {self.column}"

    @property
    def source(self) -> str:
        """The name of the members' files among what an approval covers."""
        return f"{OWN_FILES}{self.shown}"


def _attachment_form(value: Any) -> str:
    return RULE_TAG if isinstance(value, Mapping | PersonalFile) else FILE_TAG


AttachmentRule = Annotated[
    Annotated[Line, Tag(FILE_TAG)] | Annotated[PersonalFile, Tag(RULE_TAG)], Discriminator(_attachment_form)
]


def _attachments(value: Any) -> Any:
    return (value,) if isinstance(value, Mapping) else several(value)


class Mailing(StrictModel):
    """A round of mail about the event, as planned in its file."""

    # A date alone means the start of that day for `send`, and its end for `latest`.
    send: StartOfDay = Field(default=None, examples=["2020-02-17 09:00"])
    latest: EndOfDay = Field(default=None, examples=["2020-04-01"])
    template: Word = None
    subject: OptionalLine = None
    text: Markdown = None
    attachments: Annotated[tuple[AttachmentRule, ...], BeforeValidator(_attachments)] = Field(
        default=(), examples=["[programma.pdf]"]
    )
    audience: AudienceRule | None = Field(default=None, examples=["everyone"])
    of: Word = None

    @property
    def shared_files(self) -> tuple[str, ...]:
        """The names of the attachments that everybody gets."""
        return tuple(shared_among(self.attachments))

    @property
    def personal_files(self) -> tuple[PersonalFile, ...]:
        """The attachments of which each member has their own."""
        named = (PersonalFile(file=each) if isinstance(each, str) else each for each in self.attachments)
        return tuple(each for each in named if each.column or _FILLED_IN.search(each.file or ""))


# A heading of the member list in the name of a file.
_FILLED_IN = re.compile(r"\{[^{}]*\}")


def shared_among(attachments: Iterable[object]) -> Iterator[str]:
    """Yield the attachments that are the same for everybody: their names have no {column} in them."""
    return (each for each in attachments if isinstance(each, str) and not _FILLED_IN.search(each))


_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def _event_id(text: str) -> str:
    if _ID.fullmatch(text):
        return text
    near = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:64].strip("-")
    fault = _('"%(id)s" is not an id: an id has lowercase letters, digits and hyphens only, 64 at most') % {"id": text}
    raise UnusableError(fault, near)


class Event(StrictModel):
    """Occasion to which people are invited.

    It is one YAML file in ``events/``.
    """

    id: Annotated[str, from_text(_event_id)] = Field(examples=["directeurendag-2020"])
    title: Line = Field(examples=["Directeurendag"])
    called: OptionalLine = Field(default=None, examples=["de Directeurendag"])
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
    catering: Catering | None = None
    feedback: Feedback | None = None
    certificate: Certificate | None = None
    # True: there are points, but the number is not known; None: no points
    pe_points: Annotated[Literal[True] | int | float | None, PePoints] = Field(default=None, examples=["true"])
    calendar: Annotated[CalendarEntry, nothing_is(CalendarEntry)] = CalendarEntry()
    mailings: Annotated[Mapping[str, Annotated[Mailing, nothing_is(Mailing)]], nothing_is(dict)] = Field(
        default_factory=dict
    )

    @field_validator("ends", mode="before")
    @classmethod
    def _time_alone(cls, value: Any, info: ValidationInfo) -> Any:
        """Combine an end that is only a time with the day of the start."""
        if not isinstance(value, str):
            return value
        try:
            read_time(value)
        except ValueError:
            if re.search(r"\d{4}|\d[-/ ]\s?\w", value) or not value.strip():
                return value
            raise
        starts = info.data.get("starts")
        if not isinstance(starts, datetime):
            raise PydanticCustomError(FOLLOWS, "unknown until the start is")
        return read_time_on(value, starts.date())


def place_of(event: Event) -> str:
    """Return LOCATION: the known parts of the place, in one line."""
    location = event.location
    parts = (location.name, location.street, location.city) if location else ()
    known = ", ".join(part for part in parts if part)
    return known or ("Online" if event.online else "")


# ---- Links

# The fields of the sign-up link that addressing fills in.
LINK_FIELDS = ("code", "member_id", "email", "name", "first_name", "organisation")

_IN_TEXT = re.compile(r"https?://[^\s<>()\[\]\"“”«»‘]+", re.IGNORECASE)
_WEBSITE = re.compile(r"[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+(?::\d+)?")


def urls_in(text: str) -> list[str]:
    """Return the links written out in a text.

    Punctuation that ends the sentence is not part of a link.
    """
    return [found.group().rstrip(".,;:!?'’") for found in _IN_TEXT.finditer(text)]


def is_website(url: str) -> bool:
    """Check whether a link has a website's name behind https://, without a login."""
    return _WEBSITE.fullmatch(re.split(r"[/?#]", url.partition("://")[2])[0]) is not None


def host_of(url: str) -> str:
    """Return the name of a link's website; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def example_fault(place: str, url: str) -> Fault:
    """Return the fault of a link to a domain for examples."""
    fault = _("%(host)s is an address for examples and leads nowhere") % {"host": host_of(url)}
    return Fault(place, fault, _("put the real link there before mailing"))


def example_links(event: Event) -> tuple[Fault, ...]:
    """Return a fault for each link to a domain for examples (RFC 2606).

    Such links are refused if mail really leaves this computer.
    """
    linked = [(f"{key}: url", getattr(event, key)) for key in ("registration", "online", "feedback")]
    urls = [(place, each.url) for place, each in linked if each is not None and each.url]
    places = [(f"location: {key}", getattr(event.location, key, None)) for key in ("route", "website")]
    urls += [(place, url) for place, url in places if url]
    texts = [("introduction", event.introduction)]
    texts += [(f"programme: {item.title}", item.description) for item in event.programme]
    texts += [(f"mailings: {name}", mailing.text) for name, mailing in event.mailings.items()]
    urls += [(place, url) for place, text in texts for url in urls_in(text or "")]
    return tuple(example_fault(f"{event.id}, {place}", url) for place, url in urls if is_example(host_of(url)))
