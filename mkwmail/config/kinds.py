"""The kinds of mailing: whom each is for, until when it may go, and where it stands among the others."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from mkwmail.config.event import Event, Mailing
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _
from mkwmail.text import suggestion


class Kind(StrEnum):
    """What a mailing is. ``OWN``: one with a name of their own."""

    SAVE_THE_DATE = "save-the-date"
    INVITATION = "invitation"
    REMINDER = "reminder"
    UPDATE = "update"
    CORRECTION = "correction"
    PRACTICAL = "practical"
    CANCELLATION = "cancellation"
    THANKS = "thanks"
    OWN = "own"


class Audience(StrEnum):
    """The rules that say which members a mailing is for."""

    EVERYONE = "everyone"
    UNANSWERED = "unanswered"  # invited three days ago or more, and silent since
    OUTDATED = "outdated"  # told older facts than the file's
    EARLIER_TEXT = "earlier-text"  # got an earlier text of the mailing that a correction corrects
    ATTENDING = "attending"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    TOLD = "told"  # ever told of the event, also who has left the list since
    PRESENT = "present"  # was there, where that was recorded; else attending


# `got:invitation`: who got that mailing.
GOT = "got:"

# `earlier-text` asks which mailing is corrected, so it belongs to corrections and cannot be written by hand.
WRITABLE_AUDIENCES = tuple(word for word in Audience if word is not Audience.EARLIER_TEXT)


class Latest(Enum):
    """The moment after which a mailing of a kind makes no sense any more."""

    START = "the start of the event"
    DEADLINE = "the registration deadline, else the start of the event"
    END = "the end of the event"
    AFTERWARDS = "30 days after the end of the event"


AFTERWARDS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Rule:
    """The defaults of a kind.

    ``needs_entry``: it is only sent if the event's file has an entry for it. ``by_name_only``: no general
    command sends or approves it. ``order``: its place in lists of kinds.
    """

    audience: Audience
    latest: Latest
    needs_entry: bool
    order: int
    by_name_only: bool = False


RULES: dict[Kind, Rule] = {
    Kind.SAVE_THE_DATE: Rule(Audience.EVERYONE, Latest.START, True, 0),
    Kind.INVITATION: Rule(Audience.EVERYONE, Latest.DEADLINE, True, 1),
    Kind.REMINDER: Rule(Audience.UNANSWERED, Latest.DEADLINE, True, 2),
    Kind.UPDATE: Rule(Audience.OUTDATED, Latest.END, False, 3, by_name_only=True),
    Kind.CORRECTION: Rule(Audience.EARLIER_TEXT, Latest.END, False, 4, by_name_only=True),
    Kind.PRACTICAL: Rule(Audience.ATTENDING, Latest.END, True, 5),
    Kind.CANCELLATION: Rule(Audience.TOLD, Latest.END, False, 6, by_name_only=True),
    Kind.THANKS: Rule(Audience.PRESENT, Latest.AFTERWARDS, True, 7),
    Kind.OWN: Rule(Audience.EVERYONE, Latest.START, True, 8),
}

# The kinds whose dates follow each other; the others go when there is reason to.
SEQUENCE = (Kind.SAVE_THE_DATE, Kind.INVITATION, Kind.REMINDER, Kind.PRACTICAL, Kind.THANKS)

MAILING_NAME = re.compile(r"[a-z][a-z0-9-]*")


def kind_of(name: str) -> Kind:
    """The kind of a mailing: its name, or what stands before a dash in it.

    >>> kind_of("reminder-2"), kind_of("parkeren")
    (<Kind.REMINDER: 'reminder'>, <Kind.OWN: 'own'>)
    """
    for kind in Kind:
        if name == kind or name.startswith(f"{kind}-"):
            return kind
    return Kind.OWN


def rule_of(name: str) -> Rule:
    """The defaults for the mailing of this name."""
    return RULES[kind_of(name)]


def templates_of(name: str, mailing: Mailing) -> tuple[str, ...]:
    """The names of the templates that the mailing uses, the first that exists: its own, else its kind's."""
    return (mailing.template,) if mailing.template else (name, kind_of(name).value)


def mailing_named(event: Event, name: str) -> Mailing:
    """The event's entry for a mailing; where its kind needs none, an empty one.

    :raises UserError: code USAGE, with the nearest name, where there is no such mailing.
    """
    entry = event.mailings.get(name)
    if entry is not None:
        return entry
    if not rule_of(name).needs_entry:
        return Mailing()
    known = [*event.mailings, *(kind for kind in Kind if not RULES[kind].needs_entry)]
    fault = _('the event "%(event)s" has no mailing "%(name)s"') % {"event": event.id, "name": name}
    raise UserError(Fault("", fault, suggestion(name, known)), code=ExitCode.USAGE)


def default_latest(event: Event, name: str, send: datetime | None) -> datetime:
    """The latest moment that a mailing's kind gives it, if it is planned for ``send``."""
    latest = rule_of(name).latest
    if kind_of(name) is Kind.OWN and send is not None and send > event.ends:
        latest = Latest.AFTERWARDS
    if latest is Latest.DEADLINE and event.registration is not None and event.registration.deadline:
        return event.registration.deadline
    if latest is Latest.END:
        return event.ends
    if latest is Latest.AFTERWARDS:
        return event.ends + AFTERWARDS
    return event.starts


def latest_of(event: Event, name: str) -> datetime:
    """The last moment at which a mailing may still go: the entry's own, else its kind's.

    :raises UserError: code USAGE, as :func:`mailing_named`.
    """
    entry = mailing_named(event, name)
    return entry.latest or default_latest(event, name, entry.send)


def in_order(event: Event) -> tuple[str, ...]:
    """The names of the event's mailings by date; those without one last, by kind."""

    def turn(name: str) -> tuple[bool, float, int, str]:
        send = event.mailings[name].send
        return (send is None, send.timestamp() if send else 0.0, rule_of(name).order, name)

    return tuple(sorted(event.mailings, key=turn))
