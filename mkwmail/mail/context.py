"""A mailing's context, and the names that templates know.

docs/templates.md lists the names, such as event and member; a test checks that list.
"""

import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from itertools import count
from typing import Any, Literal, NamedTuple, TypeVar, overload
from urllib.parse import quote as percent_encode

from markupsafe import Markup

from mkwmail.config.event import CalendarMethod, Event, Mailing, SignUpBy
from mkwmail.config.fields import StrictModel
from mkwmail.config.settings import Settings
from mkwmail.dutch.dates import clock_time, date_in_short, date_in_words, date_without_year, period, time_in_words
from mkwmail.dutch.names import full_name, salutation, unknown_salutation
from mkwmail.files import Attachment, Picture
from mkwmail.ledger.models import COMING, NOT_COMING, Change
from mkwmail.mail.merge import Link, PersonalFile, Value
from mkwmail.mail.sandbox import Names
from mkwmail.members.member_list import Member

Form = Literal["je", "u"]
T = TypeVar("T")

MARKDOWN_FIELDS = frozenset({"introduction", "description", "text"})
URL_KEYS = frozenset({"url", "route", "website"})
MEMBER_FIELDS = (
    "first_name",
    "initials",
    "prefix",
    "surname",
    "name",
    "organisation",
    "function",
    "number",
    "email",
)


@dataclass(frozen=True, slots=True)
class MailingContext:
    """The data that every letter of a mailing shares, besides templates.

    ``template`` is the template's name without its ending. ``uid`` is the UID of the calendar entry that all members
    share, and ``sequence`` its version. ``cancelled``: the entry says that the event does not take place. ``proof``:
    the mail is a copy for review, and its subject says so. ``automatic``: a timer sends the mail.
    ``personal``: each mail may have files of its own. ``printed``: the mail is a letter on paper, to somebody without
    an address. ``moment`` (aware): when the mails are
    sent; None if the event and its deadline are still ahead then. ``entry_if_lacking``: the mailing does not tell the
    facts, so that only those without the present calendar entry get it. ``copied``: the template of the mail of which
    this is an assistant's copy; empty if it is no copy.
    """

    event: Event
    name: str
    mailing: Mailing
    template: str
    settings: Settings
    uid: str
    sequence: int = 0
    cancelled: bool = False
    attachments: tuple[Attachment, ...] = ()
    personal: bool = False
    logo: Attachment | None = None
    pictures: tuple[Picture, ...] = ()
    original: str | None = None
    proof: bool = False
    automatic: bool = False
    printed: bool = False
    copied: str = ""
    moment: datetime | None = None
    entry_if_lacking: bool = False

    @property
    def begun(self) -> bool:
        """Return whether the event has begun when the mails are sent."""
        return self.moment is not None and self.moment >= self.event.starts

    @property
    def signup_closed(self) -> bool:
        """Return whether the deadline for signing up has passed when the mails are sent."""
        registration = self.event.registration
        deadline = registration.deadline if registration else None
        return self.moment is not None and deadline is not None and self.moment > deadline


class Addressee(NamedTuple):
    """A member as the addressee of a letter.

    ``person`` is the ledger's key, ``code`` the sign-up code of this person and event, and ``answer`` their answer so
    far, or None. ``uid`` is the UID of the person's own calendar entry, if each person has one. ``changes`` are the
    changes since they were last told. ``moved``: they were told another date or
    time. ``has_entry``: they have the present calendar entry. ``copy_of``: the members whose mail it is, if it is their
    assistant's copy. ``choices``: what they chose besides, in Dutch.
    ``files`` are the person's own files; ``certified``: one is a certificate.
    """

    person: str
    member: Member
    code: str
    answer: str | None = None
    uid: str = ""
    changes: tuple[Change, ...] = ()
    moved: bool = False
    has_entry: bool = False
    copy_of: tuple["Addressee", ...] = ()
    files: tuple[PersonalFile, ...] = ()
    certified: bool = False
    choices: str = ""

    @property
    def is_guest(self) -> bool:
        """Return whether this is somebody who signed up and is in no row of the member list."""
        return not self.copy_of and not self.member.row


#: The names of the links to answer with.
LINKS = ("signup_link", "decline_link")


def links_among(fields: Iterable[str]) -> frozenset[str]:
    """Return the fields whose values are whole URLs: the member's own link, and those in an assistant's copy."""
    return frozenset(
        field for field in fields if field in LINKS or re.fullmatch(r"copy_of\.[0-9]+\.(signup|decline)_link", field)
    )


class EntryForm(NamedTuple):
    """The form of the calendar entry in a member's mail.

    ``comes``: with what is only for those who attend. ``asks``: with METHOD:REQUEST, it asks for an answer.
    """

    comes: bool = False
    asks: bool = True


def entry_form(context: MailingContext, addressee: Addressee) -> EntryForm | None:
    """Return the form of the member's calendar entry, or None for no entry.

    A calendar asks to accept an event that is over, and it enters an event for those who have declined it: neither gets
    an entry. Outlook takes an accepted request out of the inbox, so that it does not ask those who come again, unless
    the date or the time has changed.
    """
    none = context.event.calendar.method is CalendarMethod.NONE or context.begun or context.printed
    if none or addressee.answer in NOT_COMING or (context.entry_if_lacking and addressee.has_entry):
        return None
    comes = addressee.answer in COMING
    return EntryForm(comes, asks=not comes or addressee.moved)


def signup_link(url: str, addressee: Addressee) -> str:
    """Return the member's own sign-up link.

    Its fields (``LINK_FIELDS`` of :mod:`mkwmail.config.event`) are filled, percent-encoded.
    """
    return "".join(
        [
            text + (percent_encode(_LINK_VALUES[field](addressee), safe="") if field is not None else "")
            for text, field in _parts_of(url)
        ]
    )


_LINK_VALUES: Mapping[str, Callable[[Addressee], str]] = {
    "code": lambda addressee: addressee.code,
    "member_id": lambda addressee: addressee.member.number,
    "email": lambda addressee: addressee.member.email,
    "name": lambda addressee: full_name(addressee.member.name),
    "first_name": lambda addressee: addressee.member.name.first,
    "organisation": lambda addressee: addressee.member.organisation,
}


@lru_cache(maxsize=8)
def _parts_of(url: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((text, field) for text, field, _spec, _conversion in string.Formatter().parse(url))


def personal_values(addressee: Addressee, links: Mapping[str, str], form: Form) -> dict[str, str]:
    """Return every value that may differ per member, by its field.

    The member's own fields are ``member.`` with the name that templates use; they include the other columns of the
    member list.
    """
    member, name = addressee.member, addressee.member.name
    columns = {f"member.{column}": value for column, value in member.columns.items() if column.isidentifier()}
    return {
        **columns,
        "member.first_name": name.first,
        "member.initials": name.initials,
        "member.prefix": name.prefix,
        "member.surname": name.surname,
        "member.name": full_name(name),
        "member.organisation": member.organisation,
        "member.function": member.function,
        "member.number": member.number,
        "member.email": member.email,
        **greeting_values(addressee, links, form),
    }


def greeting_values(addressee: Addressee, links: Mapping[str, str], form: Form) -> dict[str, str]:
    """Return the personal values that are not the member's own fields.

    Nearly every letter has these values, and often no others.
    """
    if addressee.copy_of:
        return _copy_values(addressee, links, form)
    values = {"salutation": salutation(addressee.member.name, form)}
    for name, url in links.items():
        values[name] = signup_link(url, addressee)
    if addressee.choices:
        values["choices"] = addressee.choices
    if "decline_link" in links:
        values["token"] = token_of(addressee.code)
    return values


def _copy_values(addressee: Addressee, links: Mapping[str, str], form: Form) -> dict[str, str]:
    """Return the values in an assistant's copy, which has a link for each member and none of its own."""
    name = addressee.member.name
    values = {"salutation": salutation(name, form) if full_name(name) else unknown_salutation(form)}
    for number, each in enumerate(addressee.copy_of):
        values[f"copy_of.{number}.name"] = full_name(each.member.name) or each.member.email
        values[f"copy_of.{number}.organisation"] = each.member.organisation
        for link, url in links.items():
            values[f"copy_of.{number}.{link}"] = signup_link(url, each)
    return values


def personal_names(values: Mapping[str, str], mark_of: Callable[[str], str]) -> dict[str, Any]:
    """Return the names for one member's rendering.

    ``mark_of`` returns a field's mark, or an empty text for none.
    """
    member = {
        field.removeprefix("member."): Value(text, mark_of(field))
        for field, text in values.items()
        if field.startswith("member.")
    }
    return {
        "copy_of": tuple(_copy_names(values, mark_of)),
        "member": Names(member),
        "salutation": Value(values["salutation"], mark_of("salutation")),
        "choices": Value(values["choices"], mark_of("choices")) if "choices" in values else None,
        "token": Value(values["token"], mark_of("token")) if "token" in values else None,
        **_links(values, "", mark_of),
    }


def _links(values: Mapping[str, str], own: str, mark_of: Callable[[str], str]) -> dict[str, Link | None]:
    found = {name: values.get(f"{own}{name}") for name in LINKS}
    return {name: None if link is None else Link(link, mark_of(f"{own}{name}")) for name, link in found.items()}


def _copy_names(values: Mapping[str, str], mark_of: Callable[[str], str]) -> Iterator[Names]:
    for number in count():
        own = f"copy_of.{number}."
        if f"{own}name" not in values:
            return
        found: dict[str, Any] = {
            part: Value(values[f"{own}{part}"], mark_of(f"{own}{part}")) for part in ("name", "organisation")
        }
        yield Names({**found, **_links(values, own, mark_of)})


def named(value: Any, field: str = "") -> Any:
    """Return a value of the event file as templates see it.

    Texts become data, Markdown fields become markup, and parts become names.
    """
    if isinstance(value, StrictModel):
        return Names({key: named(getattr(value, key), key) for key in type(value).model_fields})
    if isinstance(value, str):
        if field in MARKDOWN_FIELDS:
            return Markup(value)
        return Link(value) if field in URL_KEYS else Value(value)
    if isinstance(value, Mapping):
        return {key: named(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return tuple(named(part, field) for part in value)
    return value


def common_names(event: Event, form: Form) -> dict[str, Any]:
    """Return the names that are the same for every member.

    These are the names that depend only on the event and the form of address.
    """
    return {
        "event": named(event),
        "u": form == "u",
        "form": lambda je, u: u if form == "u" else je,
        "period": lambda: Value(period(event.starts, event.ends)),
    }


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _time(moment: datetime | time) -> time:
    return moment.timetz() if isinstance(moment, datetime) else moment


FILTERS: Mapping[str, Callable[..., Any]] = {
    "date": lambda moment: Value(date_in_words(_day(moment))),
    "short_date": lambda moment: Value(date_without_year(_day(moment))),
    "short_day": lambda moment: Value(date_in_short(_day(moment))),
    "time": lambda moment: Value(time_in_words(_time(moment))),
    "clock": lambda moment: Value(clock_time(_time(moment))),
}


class Lazily(Sequence[T]):
    """A sequence of ``count`` members that stores none: it makes each one when it is needed.

    ``make`` returns the member at a position, and always the same one.
    """

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._numbers = range(count)
        self._make = make

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[T]:
        return map(self._make, self._numbers)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            some = self._numbers[index]
            return Lazily(len(some), lambda position: self._make(some[position]))
        return self._make(self._numbers[index])


# The mails that the buttons of an invitation open. The subject says the answer, and holds the token by which the mail
# is recognised; :mod:`mkwmail.responses.incoming` reads them.

#: Begins the token in the subject and the text of every mail that a button opens.
TOKEN = "[mkw-"
#: The subjects of both buttons, and of the link in an invitation with a form.
COMES, COMES_NOT, CANNOT_COME = "Ik kom", "Ik kom niet", "Ik kan er niet bij zijn"
#: The lines to fill in: behind a part's title, and the labels of the others.
YES_OR_NO = " (ja of nee)"
COMPANIONS, DIETARY, REMARK = "Introducés (aantal)", "Dieetwensen", "Opmerking"
KEEP_THIS = "Laat deze regel staan:"

_EACH_CODE = "{code}"
_PROOF = "PROEF"


def token_of(code: str) -> str:
    """Return the token for a code."""
    return f"{TOKEN}{code}]"


def answers_go_to(settings: Settings) -> str:
    """Return the address for answers."""
    return settings.reply_to or settings.sender.email


def is_by_mail(event: Event) -> bool:
    """Return whether people sign up with a mail instead of a form."""
    return event.registration is not None and event.registration.by is SignUpBy.MAIL


def answer_links(event: Event, settings: Settings, proof: bool) -> Mapping[str, str]:
    """Return the links to answer with, by their name in templates; ``{code}`` is the code of each member.

    ``signup_link`` is the form's, or opens a mail. ``decline_link`` always opens a mail. In a proof, they
    belong to no member.
    """
    registration = event.registration
    url = registration.url if registration else None
    code = _PROOF if proof else _EACH_CODE
    links = {}
    if is_by_mail(event):
        links["signup_link"] = _mailto(settings, event, COMES, [*_lines(event), ""], code)
        links["decline_link"] = _mailto(settings, event, COMES_NOT, [f"{REMARK}: ", ""], code)
    elif url is not None:
        links["signup_link"] = url
        links["decline_link"] = _mailto(settings, event, CANNOT_COME, [f"{REMARK}: ", ""], code)
    return links


def _lines(event: Event) -> list[str]:
    """Return the lines to fill in by somebody who comes."""
    parts = [f"{' '.join(each.title.split())}{YES_OR_NO}: " for each in event.programme if each.optional]
    return [*parts, f"{COMPANIONS}: ", *([f"{DIETARY}: "] if event.catering else []), f"{REMARK}: "]


def _mailto(settings: Settings, event: Event, answer: str, lines: list[str], code: str) -> str:
    """Return a link that opens a mail (RFC 6068): lines end with CRLF, and a space is never a plus."""
    token = token_of("\0")
    title = " ".join(event.title.split())
    body = "\r\n".join([f"{answer}.", "", *lines, f"{KEEP_THIS} {token}"])
    fields = {"subject": f"{answer}: {title} {token}", "body": body}
    query = "&".join(f"{name}={percent_encode(text, safe='')}" for name, text in fields.items())
    return f"mailto:{percent_encode(answers_go_to(settings), safe='@')}?{query}".replace("%00", code)
