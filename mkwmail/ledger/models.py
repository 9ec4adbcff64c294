"""The values in the ledger: rounds, deliveries, claims, results, states."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

FIRST_RETRY = timedelta(minutes=30)
_LONGEST_RETRY = timedelta(days=5)
_BLOCK = 64  # octets that SHA-256 takes at once


class State(StrEnum):
    """The state of a delivery: one (event, mailing, edition, person).

    ::

                claim (durable before the wire)         final reply
        planned ────────────────────► sending ───────────────► sent | refused (5yz)
           ▲  released: no body begun    │                     | deferred (4yz, not before T)
           └─────────────────────────────┤                          └─ latest passed ─► expired
                                         └─ no final reply, or the process died
                                            ─► in doubt ──resolve──► sent | planned

    A refused delivery can change too: to planned or sent by a person's decision, to sending if the address was
    corrected. An expired one was never mailed, so it may be claimed if the mailing's latest moment is moved.
    """

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    DEFERRED = "deferred"
    EXPIRED = "expired"
    IN_DOUBT = "in doubt"


#: The states in which an attempt can end; planned means that it was released.
ENDS = frozenset({State.SENT, State.REFUSED, State.DEFERRED, State.IN_DOUBT, State.PLANNED})

#: The states in which a message may have reached a mailbox; audiences count these people as told.
TOLD = frozenset({State.SENDING, State.SENT, State.IN_DOUBT})

#: The answers of people who will attend, or attended.
COMING = frozenset({"attending", "present"})

#: The answers of people who will not attend, or did not.
NOT_COMING = frozenset({"declined", "absent"})

#: The answers of people who may still attend: yes or perhaps, as long as presence is not recorded.
EXPECTED = frozenset({"attending", "tentative"})


class Round(NamedTuple):
    """One mailing about one event.

    ``edition`` is the version of the facts for an update, of the text for a correction, otherwise 0.
    """

    event: str
    mailing: str
    edition: int = 0


#: The beginning of the names of values that hold the persons (keys) whose mail an assistant's copy is of.
COPIED_PERSON = "copied_person."


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one round to one person.

    ``tries`` counts the attempts that were not released. ``approval`` is the id of the approval under which
    the last attempt was composed. ``letter``, ``values``, ``message_id`` and ``date`` are those of the last
    attempt, and only present if a retry may send the same bytes again (planned, deferred);
    :func:`mkwmail.ledger.deliveries.attempts` returns them for every delivery. ``facts`` is the version of the
    facts that the last attempt carried.
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


class Change(NamedTuple):
    """A fact of the event that has changed since a member was told.

    The texts are in Dutch. ``old`` is empty if the fact was not known then, ``new`` if it is not known any more.
    """

    what: str
    old: str
    new: str


class Facts(NamedTuple):
    """The version of the event's facts that a message carries.

    ``document`` is the facts as text, which the ledger stores without reading it. ``method`` is the method of the
    message's calendar entry (RFC 5546 §1.4), empty if it has none.
    """

    version: int
    document: str
    method: str = ""


class Claim(NamedTuple):
    """A message that is about to be sent.

    ``letter`` is the name that :func:`mkwmail.ledger.deliveries.keep_letter` returned. ``digest`` identifies the
    message's bytes. ``tries`` is the number of this try, 1 for the first.
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
    """The end of an attempt.

    ``state`` is sent, refused, deferred, in doubt, or planned (released). ``code`` and ``reason`` are the server's
    reply (RFC 5321 §4.2). A deferred message is not tried again before ``not_before``.
    """

    attempt: int
    state: State
    code: int | None = None
    reason: str = ""
    not_before: datetime | None = None


class Attempt(NamedTuple):
    """An attempt and its end; ``state`` is sending if no end is known."""

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


class Settled(NamedTuple):
    """The number of messages of an interrupted run, by their new state."""

    replied: int = 0  # the server's reply was in the wire journal
    released: int = 0  # no body was begun: planned again
    in_doubt: int = 0


class Skipped(NamedTuple):
    """A person who was left out of a round, the reason, and the moment."""

    round: Round
    person: str
    reason: str
    at: datetime


class Answer(NamedTuple):
    """An answer: attending, declined, tentative, present or absent.

    ``source`` says how it was received (``said``, ``calendar``), ``given`` when it was given. ``sequence`` is the
    version of the calendar entry that a calendar's reply is about, ``comment`` what the person typed with the reply.
    """

    person: str
    answer: str
    source: str
    given: datetime
    sequence: int | None = None
    comment: str = ""


class Purged(NamedTuple):
    """The removal of an event's personal data; ``totals``: answer → how many."""

    totals: Mapping[str, int]
    at: datetime


class Stray(NamedTuple):
    """A calendar's answer that does not itself say who comes.

    Somebody else answered, or sends another person, or proposes another time. ``person`` is the person whose entry it
    was; ``answer`` is also ``delegated`` (``delegate``: the address of the other person) or ``counter`` (``starts``
    and ``ends``: the time that is proposed). ``comment``: what was typed with it.
    """

    person: str | None
    address: str
    answer: str
    given: datetime
    comment: str = ""
    delegate: str = ""
    starts: datetime | None = None
    ends: datetime | None = None


class Approval(NamedTuple):
    """The sources of a mailing as a person approved them.

    See :mod:`mkwmail.planning.approval`.
    """

    id: int
    sources: Mapping[str, str]
    at: datetime


class Proof(NamedTuple):
    """The sources of a mailing as somebody saw them in a proof, and to whom it was sent."""

    addresses: tuple[str, ...]
    sources: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduledApproval:
    """A mailing that a person approved to be sent automatically (`due`).

    It is sent from ``opens`` on, under ``approval``. ``terms``: the approved time and audience. ``persons``: the keys
    of the people in the list at the approval; ``others``: whether people who joined later get it too. ``latest`` is
    the mailing's latest moment at the approval.
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


class Reported(NamedTuple):
    """When a matter was first reported, last printed and last mailed."""

    first: datetime | None
    said: datetime | None
    mailed: datetime | None


class ListSeen(NamedTuple):
    """The size of the member list when a round was sent."""

    round: Round
    size: int
    at: datetime


class Run(NamedTuple):
    """A command that held the ledger."""

    id: int
    command: str
    pid: int
    started: datetime


@dataclass(frozen=True, slots=True)
class KeptSignup:
    """The newest version of a row of a sign-up export.

    ``key`` identifies the row, ``digest`` changes with its contents. ``person`` is None as long as it is not certain
    whose row it is; ``doubt`` says why. ``moment``: when the form was filled in, according to the form; ``gone``: when
    the row was missing from an export, or removed; ``at``: when it was recorded. ``companions``: how many people come
    along. Of a row that is not settled, ``maybe`` are the persons who it may be, and ``holder`` is the person at the
    row's own address, if it is not another person's.
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
    companions: int = 0
    maybe: tuple[str, ...] = ()
    holder: str | None = None


class Guest(NamedTuple):
    """A person who signed up for an event and is not a member.

    Without an address they are counted, not mailed.
    """

    person: str
    name: str
    address: str
    organisation: str


class Credit(NamedTuple):
    """A person's own hours and points, where they differ from the event's; empty if not."""

    hours: str = ""
    points: str = ""


NO_CREDIT = Credit()


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers that are recorded and undone together: an import, or a word of the secretary.

    ``what``: the file, or the person. ``dropped``: guests (keys) who are none any more; their answers are removed.
    ``credits``: person → their own hours and points.
    """

    what: str
    answers: tuple[Answer, ...] = ()
    signups: tuple[KeptSignup, ...] = ()
    guests: tuple[Guest, ...] = ()
    dropped: tuple[str, ...] = ()
    credits: Mapping[str, Credit] = field(default_factory=dict)


class Undone(NamedTuple):
    """A batch that was undone.

    ``answers``: the answers that were taken back, as person and answer. ``guests``: persons who are no guests any
    more. ``rows``: how many rows of an export were forgotten or put back.
    """

    what: str
    at: datetime
    answers: tuple[tuple[str, str], ...]
    guests: tuple[str, ...]
    rows: int


class Call(NamedTuple):
    """A telephone call: whom, by whom, and when. ``note``: what was said, if anything must be kept of it."""

    person: str
    caller: str
    note: str
    at: datetime


class SentMail(NamedTuple):
    """A message that was sent, or may have been sent."""

    attempt: int
    round: Round
    person: str
    address: str
    message_id: str
    at: datetime


class Bounce(NamedTuple):
    """A message that bounced.

    ``digest`` identifies the report. ``said``: a person reported it, not a mail server.
    """

    attempt: int
    verdict: str
    reply: str
    digest: str
    at: datetime
    said: bool = False


class RefusedMail(NamedTuple):
    """A message that was refused or bounced.

    ``verdict`` is that of the delivery report, None if the server refused the message during the run.
    """

    event: str
    person: str
    address: str
    at: datetime
    reply: str
    verdict: str | None = None
    said: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A decision not to mail somebody.

    It is about one event, or about all events if ``event`` is empty.
    """

    person: str
    event: str
    reason: str
    undone: bool = False
    at: datetime | None = None


class Apart(NamedTuple):
    """A decision that an event or mailing differs from an earlier one.

    They look alike. Both mailings are empty if the decision is about the events.
    """

    event: str
    mailing: str
    earlier_event: str
    earlier_mailing: str


def next_try(tries: int, now: datetime) -> datetime:
    """Return when to try again after the ``tries``-th temporary refusal.

    After 30 minutes (RFC 5321 §4.5.4.1), doubling with every try, five days at most (ibid.: give up after 4-5 days;
    in mkwmail the mailing's latest moment decides that).
    """
    doublings = min(max(tries, 1) - 1, 8)
    wait = min(FIRST_RETRY * (1 << doublings), _LONGEST_RETRY)
    # Added in UTC: local arithmetic would be an hour off across a summer time change.
    return (now.astimezone(UTC) + wait).astimezone(now.tzinfo)


@lru_cache(maxsize=64)
def moment_text(moment: datetime) -> str:
    """Return a moment as the ledger stores it: in UTC, of one width.

    So the order of the texts is the order of the moments.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def keyed(secret: bytes, text: str) -> bytes:
    """Return the HMAC-SHA-256 (RFC 2104) of a text in UTF-8: 32 octets.

    Names made of it cannot be computed without the ledger's secret, and do not reveal the text.
    """
    # Copies of the prepared hashes: hmac's own copy() takes twice as long, and preparing the key for every member
    # hands Python's lock to a waiting thread.
    inner, outer = _with_key(secret)
    within, around = inner.copy(), outer.copy()
    within.update(text.encode("utf-8", "surrogatepass"))
    around.update(within.digest())
    return around.digest()


@lru_cache(maxsize=4)
def _with_key(secret: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Return the inner and the outer hash with the key in them (RFC 2104 §2)."""
    block = (secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(octet ^ pad for octet in block)) for pad in (0x36, 0x5C))
    return inner, outer


def keyed_for(secret: bytes, purpose: str, *parts: str) -> bytes:
    """Return the keyed hash (:func:`keyed`) of several texts, for one purpose."""
    # The parts' lengths are hashed with them: ("ab", "c") and ("a", "bc") differ.
    message = "".join([f"{len(part)}:{part}" for part in (purpose, *parts)])
    return keyed(secret, message)


#: Crockford's base 32, without i, l, o and u: no letter is misread over the telephone.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for second in _LETTERS for first in _LETTERS)

#: The characters of a code in a sign-up link.
CODE_LENGTH = 10


def code_for(secret: bytes, event_id: str, person: str) -> str:
    """Return the code in a member's sign-up link.

    There is one for each member and event, with 50 bits that cannot be guessed.
    """
    number = int.from_bytes(keyed_for(secret, "code", event_id, person), "big")
    return "".join([_PAIRS[(number >> 10 * place) & 1023] for place in range(CODE_LENGTH // 2)])
