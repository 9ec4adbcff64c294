"""What the ledger holds, as values: rounds, deliveries, claims and results, and the states between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

FIRST_RETRY = timedelta(minutes=30)
_LONGEST_RETRY = timedelta(days=5)


class State(StrEnum):
    """Where one (event, mailing, edition, person) stands.

    ::

                claim (durable before the wire)         final reply
        planned ────────────────────► sending ───────────────► sent | refused (5yz)
           ▲  released: no body begun    │                     | deferred (4yz, not before T)
           └─────────────────────────────┤                          └─ latest passed ─► expired
                                         └─ no final reply, or the process died
                                            ─► in doubt ──resolve──► sent | planned

    Refused leads on too: to planned or sent by a person's word, to sending where the address was corrected.
    Expired was never mailed, so it may be claimed when the mailing's latest moment is moved.
    """

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    DEFERRED = "deferred"
    EXPIRED = "expired"
    IN_DOUBT = "in doubt"


#: How an attempt can end; planned: it was released.
ENDS = frozenset({State.SENT, State.REFUSED, State.DEFERRED, State.IN_DOUBT, State.PLANNED})

#: The states in which a message may have reached a mailbox: told, as the audiences count it.
TOLD = frozenset({State.SENDING, State.SENT, State.IN_DOUBT})

#: The answers of those who come, or came.
COMING = frozenset({"attending", "present"})

#: The answers of those who may still come: they have said yes or perhaps, and presence is not recorded yet.
EXPECTED = frozenset({"attending", "tentative"})


@dataclass(frozen=True, slots=True)
class Round:
    """One mailing about one event. ``edition``: the version of the facts for an update, of the text for a
    correction, else 0."""

    event: str
    mailing: str
    edition: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where one person stands in one round.

    ``tries`` counts the attempts that were not released. ``approval`` is the id of the approval under which
    the last attempt was composed. ``letter``, ``values``, ``message_id`` and ``date`` are those of the last
    attempt, and only where a retry may send the same bytes again (planned, deferred):
    :meth:`~mkwmail.ledger.ledger.Ledger.attempts` tells them for everybody. ``facts`` is the version of the facts
    that the last attempt carried.
    """

    round: Round
    person: str
    address: str
    state: State
    since: datetime
    not_before: datetime | None = None
    tries: int = 0
    code: int | None = None
    reason: str = ""
    approval: int | None = None
    letter: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    message_id: str | None = None
    date: datetime | None = None
    facts: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The version of the event's facts that a message carries.

    ``document`` is the facts as text, which the ledger keeps and does not read. ``method`` is the method of the
    message's calendar entry (RFC 5546 §1.4), empty where it has none.
    """

    version: int
    document: str
    method: str = ""


class Claim(NamedTuple):
    """One message that is about to be sent.

    ``letter`` is what :meth:`~mkwmail.ledger.ledger.Ledger.keep_letter` returned; ``digest`` tells the message's
    bytes from others; ``tries`` says which try it is, 1 for the first.
    """

    person: str
    address: str
    letter: str
    values: Mapping[str, str]
    message_id: str
    date: datetime
    digest: str
    tries: int = 1
    facts: Facts | None = None


class Result(NamedTuple):
    """How an attempt ended: ``state`` is sent, refused, deferred, in doubt, or planned (released).

    ``code`` and ``reason`` are the server's reply (RFC 5321 §4.2), ``not_before`` the moment before which a
    deferred one is not tried again.
    """

    attempt: int
    state: State
    code: int | None = None
    reason: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as it was made, with how it ended; ``state`` is sending where no end is known."""

    id: int
    round: Round
    person: str
    address: str
    letter: str
    values: Mapping[str, str]
    message_id: str
    date: datetime
    digest: str
    tries: int
    approval: int | None
    claimed: datetime
    state: State
    code: int | None
    reason: str
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the messages of a run that was cut off."""

    replied: int = 0  # the server's reply was in the wire journal
    released: int = 0  # no body was begun: planned again
    in_doubt: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Somebody who was left out of a round, why, and when that was found."""

    round: Round
    person: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered: attending, declined, tentative, present or absent.

    ``source`` says how it came (``said``, ``calendar``); ``given`` when it was given. ``sequence`` is the version
    of the calendar entry that a calendar answered to.
    """

    person: str
    answer: str
    source: str
    given: datetime
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Purged:
    """That an event's data about people was removed. ``totals``: how many had given which answer."""

    totals: Mapping[str, int]
    at: datetime


@dataclass(frozen=True, slots=True)
class Stray:
    """An answer to an entry of ours by somebody whom it was not sent to; ``person`` is whose entry it was."""

    person: str | None
    address: str
    answer: str
    given: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """The sources of a mailing as a person approved them (:mod:`mkwmail.planning.approval`)."""

    id: int
    sources: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class GoAhead:
    """A mailing that a person let go by itself (`due`), with the approval that it goes under.

    It goes from ``opens`` on. ``terms``: when it goes and to whom, as approved; ``persons`` (keys): who was in the
    list then. ``others``: whether those who joined since get it too. ``latest`` is its latest moment as it was then.
    """

    event: str
    mailing: str
    opens: datetime
    latest: datetime
    terms: Mapping[str, str]
    persons: frozenset[str]
    others: bool = True
    approval: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """When something that is so was first reported, last said on standard error, and last mailed."""

    first: datetime | None
    said: datetime | None
    mailed: datetime | None


@dataclass(frozen=True, slots=True)
class ListSeen:
    """How many members the list had when a round was sent."""

    round: Round
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """A command that held the ledger."""

    id: int
    command: str
    pid: int
    started: datetime


@dataclass(frozen=True, slots=True)
class KeptSignup:
    """The last that an export said of one of its rows.

    ``key`` is what the row is known again by, ``digest`` changes with what it says. ``person`` is None while it is
    doubtful whose it is, and ``doubt`` says why. ``moment``: when the form says that it was filled in; ``gone``:
    when it was missing from an export; ``at``: when it was noted.
    """

    key: str
    person: str | None
    digest: str
    answer: str
    name: str = ""
    address: str = ""
    organisation: str = ""
    number: str = ""
    moment: datetime | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    dietary: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""
    gone: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who signed up for an event and is no member. Without an address they are counted, not mailed."""

    person: str
    name: str
    address: str
    organisation: str


@dataclass(frozen=True, slots=True)
class SentMail:
    """A message that went, or may have gone."""

    attempt: int
    round: Round
    person: str
    address: str
    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message that came back. ``digest`` names the report; ``said``: it is a person's word."""

    attempt: int
    verdict: str
    reply: str
    digest: str
    at: datetime
    said: bool = False


@dataclass(frozen=True, slots=True)
class RefusedMail:
    """A message that was refused or came back; ``verdict`` is that of the report, None for a refusal at once."""

    event: str
    person: str
    address: str
    at: datetime
    reply: str
    verdict: str | None = None
    said: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A person's word that somebody is not to be mailed, about one event or, where it is empty, about all."""

    person: str
    event: str
    reason: str
    undone: bool = False
    at: datetime | None = None


class Apart(NamedTuple):
    """A person's word that an event or a mailing is another one than an earlier one that it looks like.

    Both mailings are empty if the word is about the events.
    """

    event: str
    mailing: str
    earlier_event: str
    earlier_mailing: str


def next_try(tries: int, now: datetime) -> datetime:
    """When a message may be tried again after its ``tries``-th temporary refusal.

    30 minutes (RFC 5321 §4.5.4.1), doubling with every try, five days at most (ibid.: give up after 4-5 days;
    here the mailing's latest moment decides that).
    """
    doublings = min(max(tries, 1) - 1, 8)
    wait = min(FIRST_RETRY * (1 << doublings), _LONGEST_RETRY)
    # Added in UTC: local arithmetic would be an hour off across a summer time change.
    return (now.astimezone(UTC) + wait).astimezone(now.tzinfo)


@lru_cache(maxsize=64)
def moment_text(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, of one width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
