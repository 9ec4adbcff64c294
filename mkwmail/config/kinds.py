"""The kinds of mailing.

One table with everything that the program knows of each.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from functools import lru_cache

from mkwmail.config.event import Event, Mailing
from mkwmail.errors import ExitCode, user_error
from mkwmail.i18n import _, spoken, suggestion


class Audience(StrEnum):
    """The rules that say which members a mailing is for."""

    EVERYONE = "everyone"
    UNANSWERED = "unanswered"  # invited three days ago or more, and no answer since
    OUTDATED = "outdated"  # was given details that have changed
    EARLIER_TEXT = "earlier-text"  # got an earlier text of the mailing that a correction corrects
    ATTENDING = "attending"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    TOLD = "told"  # was ever told of the event, including those who have left the list since
    UNCONFIRMED = "unconfirmed"  # answered before today, or answered something else since the last confirmation
    PRESENT = "present"  # was present if presence was recorded, else attending


# `got:invitation`: those who got that mailing.
GOT = "got:"

# `earlier-text` asks which mailing is corrected, so it belongs to corrections and cannot be written by hand.
WRITABLE_AUDIENCES = tuple(word for word in Audience if word is not Audience.EARLIER_TEXT)


class Latest(Enum):
    """The moment after which a mailing of a kind no longer makes sense."""

    START = "the start of the event"
    DEADLINE = "the registration deadline, else the start of the event"
    END = "the end of the event"
    AFTERWARDS = "30 days after the end of the event"


AFTERWARDS = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of mailing.

    Its names, its defaults, and its place among the other kinds.

    ``english`` and ``dutch`` are its name for people, with the Dutch ``article``. ``example``: the day on which it is
    sent about the example event of 16 April 2020, the pattern of a new event's file; None if such a file has no entry
    for it. ``example_note``: a Dutch remark behind that entry.
    """

    english: str = ""
    dutch: str = ""
    article: str = "de"
    audience: Audience
    latest: Latest
    #: It is only sent if the event's file has an entry for it.
    needs_entry: bool = True
    #: No general command sends or approves it.
    by_name_only: bool = False
    #: Its date comes after those of the kinds above it in the table that have this too.
    in_sequence: bool = False
    #: It is not sent before the event has ended.
    after_event: bool = False
    #: It only asks whether people come, or announces that question: a colleague who comes has answered it.
    asks_to_come: bool = False
    #: It invites: from now on an answer is expected, and a reminder may follow.
    invites: bool = False
    #: It reminds those who were invited and have not answered.
    reminds: bool = False
    #: It names every fact of the event, so that those who get it are up to date.
    tells_all_facts: bool = False
    #: It tells people which facts have changed; each version of the facts is an edition of its own.
    tells_changes: bool = False
    #: It confirms answers, each once: from its date on it is sent on every working day to those who answered before.
    #: The answers of each day are an edition of their own.
    confirms: bool = False
    #: It corrects the text of another mailing; each version of that text is an edition of its own.
    corrects: bool = False
    #: It cancels the event.
    cancels: bool = False
    #: It brings those who were present their certificate.
    certifies: bool = False
    #: By its nature it is for some members only: somebody who does not get it was not left out.
    for_some: bool = False
    #: The kinds that are pointless once this one is due or was sent. Its own kind: an earlier mailing to the same
    #: audience is pointless once this one is due.
    supersedes: Sequence[str] = ()
    #: Its template has no words of its own.
    says_only_its_text: bool = False
    example: date | None = None
    example_note: str = ""

    @property
    def carries_entry(self) -> bool:
        """True if it is about the facts, so that everybody gets the calendar entry, not only those without one."""
        return self.tells_all_facts or self.tells_changes or self.corrects or self.cancels


#: A mailing with a name of the association's own.
OWN = "own"

#: The mailings that bring people up to date: :func:`mkwmail.planning.plan.mending` chooses between them.
UPDATE = "update"
CANCELLATION = "cancellation"

#: The mailing that corrects the text of another.
CORRECTION = "correction"

#: The kinds by name, in the order in which lists show them. A mailing is of the kind whose name it has, or whose name
#: comes before a dash in its own; ``templates/<kind>.md`` is its text.
RULES: dict[str, Rule] = {
    "save-the-date": Rule(
        english="save the date",
        dutch="vooraankondiging",
        audience=Audience.EVERYONE,
        latest=Latest.START,
        in_sequence=True,
        asks_to_come=True,
        tells_all_facts=True,
        example=date(2020, 1, 20),
    ),
    "invitation": Rule(
        english="invitation",
        dutch="uitnodiging",
        audience=Audience.EVERYONE,
        latest=Latest.DEADLINE,
        in_sequence=True,
        asks_to_come=True,
        invites=True,
        tells_all_facts=True,
        supersedes=("save-the-date",),
        example=date(2020, 2, 17),
    ),
    "reminder": Rule(
        english="reminder",
        dutch="herinnering",
        audience=Audience.UNANSWERED,
        latest=Latest.DEADLINE,
        in_sequence=True,
        reminds=True,
        tells_all_facts=True,
        for_some=True,
        supersedes=("reminder",),
        example=date(2020, 3, 23),
        example_note="alleen voor wie nog niet heeft geantwoord",
    ),
    UPDATE: Rule(
        english="update",
        dutch="wijziging",
        audience=Audience.OUTDATED,
        latest=Latest.END,
        needs_entry=False,
        by_name_only=True,
        tells_changes=True,
    ),
    CORRECTION: Rule(
        english="correction",
        dutch="correctie",
        audience=Audience.EARLIER_TEXT,
        latest=Latest.END,
        needs_entry=False,
        by_name_only=True,
        corrects=True,
    ),
    "practical": Rule(
        english="practical information",
        dutch="praktische informatie",
        audience=Audience.ATTENDING,
        latest=Latest.END,
        in_sequence=True,
        tells_all_facts=True,
        for_some=True,
        example=date(2020, 4, 9),
        example_note="alleen voor wie komt",
    ),
    "confirmation": Rule(
        english="confirmation",
        dutch="bevestiging",
        audience=Audience.UNCONFIRMED,
        latest=Latest.START,
        confirms=True,
        tells_all_facts=True,
        for_some=True,
    ),
    CANCELLATION: Rule(
        english="cancellation",
        dutch="annulering",
        audience=Audience.TOLD,
        latest=Latest.END,
        needs_entry=False,
        by_name_only=True,
        cancels=True,
    ),
    "thanks": Rule(
        english="thanks",
        dutch="bedankmail",
        audience=Audience.PRESENT,
        latest=Latest.AFTERWARDS,
        in_sequence=True,
        after_event=True,
        for_some=True,
        certifies=True,
        example=date(2020, 4, 20),
        example_note="voor wie er was",
    ),
    OWN: Rule(audience=Audience.EVERYONE, latest=Latest.START, says_only_its_text=True),
}

MAILING_NAME = re.compile(r"[a-z][a-z0-9-]*")
_FEWEST_LETTERS = 5


@lru_cache(maxsize=64)
def kind_of(name: str) -> str:
    """Return the kind of a mailing: its name, or the part of it before a dash.

    Else ``own``.

    >>> kind_of("reminder-2"), kind_of("parkeren")
    ('reminder', 'own')
    """
    # The longest, if the name of one kind begins with that of another.
    return max((kind for kind in RULES if name == kind or name.startswith(f"{kind}-")), key=len, default=OWN)


def kind_of_dutch(name: str) -> str | None:
    """Return a mailing's name for its name in Dutch, or None.

    Its beginning will do from five letters on, and the number of a second one stays.

    >>> kind_of_dutch("herinnering-2"), kind_of_dutch("Praktisch"), kind_of_dutch("parkeren")
    ('reminder-2', 'practical', None)
    """
    words, _dash, number = name.casefold().rpartition("-")
    if not number.isdecimal():
        words, number = name.casefold().replace("-", " "), ""
    if len(words) < _FEWEST_LETTERS:
        return None
    for kind, rule in RULES.items():
        if rule.dutch.startswith(words):
            return f"{kind}-{number}" if number else kind
    return None


def rule_of(name: str) -> Rule:
    """Return the rule of the kind that the mailing of this name has."""
    return RULES[kind_of(name)]


def mailing_words(mailing: str) -> str:
    """Return a mailing's name for people who do not type it: ``reminder-2`` is ``reminder (reminder-2)``."""
    rule = rule_of(mailing)
    said = (rule.dutch if spoken() == "nl" else rule.english) or mailing
    return said if mailing in (kind_of(mailing), said) else f"{said} ({mailing})"


def shown_name(mailing: str) -> str:
    """Return a mailing's name for a screen: in Dutch its Dutch name, which may be typed too, else its key."""
    return mailing_words(mailing) if spoken() == "nl" else mailing


def typed_name(mailing: str) -> str:
    """Return the word for a mailing in a command: in Dutch its Dutch name if that is understood, else its key."""
    if spoken() != "nl":
        return mailing
    kind = kind_of(mailing)
    word = f"{RULES[kind].dutch.replace(' ', '-')}{mailing[len(kind) :]}" if kind != OWN else mailing
    return word if kind_of_dutch(word) == mailing else mailing


def send_command(event: str, mailing: str) -> str:
    """Return the command that sends a mailing, as a person types it. ``event``: its id."""
    return f"mkwmail send {event} {typed_name(mailing)}"


def order_of(name: str) -> int:
    """Return the place of a mailing's kind in lists of kinds, from 0."""
    return list(RULES).index(kind_of(name))


def kind_names() -> list[str]:
    """Return the names of all kinds but ``own``, in order."""
    return [kind for kind in RULES if kind != OWN]


def kinds_without_entry() -> list[str]:
    """Return the kinds that need no entry in the event's file, in order."""
    return [kind for kind, rule in RULES.items() if not rule.needs_entry]


def templates_of(name: str, mailing: Mailing) -> tuple[str, ...]:
    """Return the templates that the mailing may use, the best first.

    Its own name, then its kind's.
    """
    return (mailing.template,) if mailing.template else (name, kind_of(name))


def mailing_named(event: Event, name: str) -> Mailing:
    """Return the event's entry for a mailing.

    An empty one if its kind needs none.

    :raises UserError: code USAGE, with the nearest name, if there is no such mailing.
    """
    entry = event.mailings.get(name)
    if entry is not None:
        return entry
    if not rule_of(name).needs_entry:
        return Mailing()
    known = map(typed_name, (*event.mailings, *kinds_without_entry()))
    fault = _('the event "%(event)s" has no mailing "%(name)s"') % {"event": event.id, "name": name}
    raise user_error("", fault, suggestion(name, known), code=ExitCode.USAGE)


def default_latest(event: Event, name: str, send: datetime | None) -> datetime:
    """Return the latest moment that a mailing has by its kind.

    :param send: when it is planned.
    """
    latest = rule_of(name).latest
    if kind_of(name) == OWN and send is not None and send > event.ends:
        latest = Latest.AFTERWARDS
    if latest is Latest.DEADLINE and event.registration is not None and event.registration.deadline:
        return event.registration.deadline
    if latest is Latest.END:
        return event.ends
    if latest is Latest.AFTERWARDS:
        return event.ends + AFTERWARDS
    return event.starts


def latest_of(event: Event, name: str) -> datetime:
    """Return the last moment at which a mailing may still be sent.

    The entry's own, else its kind's.

    :raises UserError: code USAGE, as :func:`mailing_named`.
    """
    entry = mailing_named(event, name)
    return entry.latest or default_latest(event, name, entry.send)


def in_order(event: Event) -> tuple[str, ...]:
    """Return the names of the event's mailings by date.

    Those without one last, by kind.
    """

    def turn(name: str) -> tuple[bool, float, int, str]:
        send = event.mailings[name].send
        return (send is None, send.timestamp() if send else 0.0, order_of(name), name)

    return tuple(sorted(event.mailings, key=turn))
