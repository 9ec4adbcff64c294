"""How far the mailbox was read, and which of its mails were counted. No text of a mail is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mkwmail.ledger.database import Database, as_column, as_moment, columns, records
from mkwmail.ledger.models import Round, moment_text


@dataclass(frozen=True, slots=True)
class Position:
    """The last UID that was read in a folder, under its UIDVALIDITY."""

    validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail of the mailbox that was counted.

    ``digest`` identifies it; ``kind`` is what it is. ``person`` is empty if the mail is not about one person.
    ``message_id`` finds it in its folder again.
    """

    digest: str
    kind: str
    event: str
    person: str
    folder: str
    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A message that is in doubt, by its Message-ID without angle brackets."""

    attempt: int
    round: Round
    person: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The evidence that settled a message in doubt: ``sent`` (the folder), ``report`` or ``reply``."""

    round: Round
    person: str
    how: str
    at: datetime


def position(database: Database, account: str, folder: str) -> Position | None:
    """Return how far a folder was read, or None."""
    rows = database.execute(
        "SELECT validity, uid FROM mailbox_positions WHERE account = ? AND folder = ?", (account, folder)
    )
    return next(iter(records(Position, rows)), None)


def advance(database: Database, account: str, folder: str, to: Position, now: datetime) -> None:
    """Record how far a folder was read."""
    database.execute(
        "INSERT OR REPLACE INTO mailbox_positions VALUES (?, ?, ?, ?, ?)",
        (account, folder, to.validity, to.uid, moment_text(now)),
    )


def known(database: Database) -> frozenset[str]:
    """Return the digests of the mails that were counted."""
    return frozenset(as_column(database.execute("SELECT digest FROM mailbox_mails")))


def keep(database: Database, mails: Iterable[KeptMail]) -> None:
    """Record mails as counted."""
    database.each(
        "INSERT OR IGNORE INTO mailbox_mails (digest, kind, event, person, folder, message_id, at)"
        " VALUES (?, ?, ?, nullif(?, ''), ?, ?, ?)",
        map(columns, mails),
    )


def waiting(database: Database) -> tuple[KeptMail, ...]:
    """Return the unsettled replies by people, oldest first."""
    rows = database.execute(
        "SELECT digest, kind, event, coalesce(person, ''), folder, message_id, at FROM mailbox_mails"
        " WHERE kind IN ('reply', 'opt-out') AND settled IS NULL ORDER BY at, digest"
    )
    return records(KeptMail, rows)


def settle(database: Database, digest: str, now: datetime) -> None:
    """Record that a person dealt with a reply."""
    database.execute("UPDATE mailbox_mails SET settled = ? WHERE digest = ?", (moment_text(now), digest))


def in_doubt(database: Database) -> tuple[InDoubt, ...]:
    """Return the messages that are in doubt, of all events."""
    rows = database.execute(
        """SELECT a.id, event, mailing, edition, d.person, trim(a.message_id, '<>') FROM deliveries d
           JOIN rounds ON rounds.id = d.round JOIN attempts a ON a.id = d.attempt WHERE d.state = 'in doubt'"""
    )
    return records(InDoubt, rows)


def record_finding(database: Database, doubt: InDoubt, how: str, now: datetime) -> None:
    """Record what settled a message that was in doubt."""
    database.execute("INSERT OR IGNORE INTO findings VALUES (?, ?, ?)", (doubt.attempt, how, moment_text(now)))


def findings(database: Database, event: str) -> tuple[Finding, ...]:
    """Return what settled the messages of an event that were in doubt, oldest first."""
    rows = database.execute(
        """SELECT event, mailing, edition, a.person, how, f.at FROM findings f JOIN attempts a ON a.id = f.attempt
           JOIN rounds ON rounds.id = a.round WHERE event = ? ORDER BY f.at, a.id""",
        (event,),
    )
    return records(Finding, rows)


def note_read(database: Database, now: datetime, *, failed: bool, until: datetime | None = None) -> None:
    """Record that the mailbox was read, or could not be read.

    :param until: the server asked not to be asked before.
    """
    if not failed:
        database.execute("DELETE FROM mailbox_failing")
        return
    if failing_since(database) is None:
        database.execute("INSERT INTO mailbox_failing (since) VALUES (?)", (moment_text(now),))
    database.execute("UPDATE mailbox_failing SET until = ?", (moment_text(until) if until else None,))


def wait_until(database: Database) -> datetime | None:
    """Return the moment before which the server does not want to be asked; None if it did not say so."""
    return next((as_moment(at) for (at,) in database.execute("SELECT until FROM mailbox_failing") if at), None)


def failing_since(database: Database) -> datetime | None:
    """Return since when the mailbox cannot be read; None if it was read."""
    return next((as_moment(at) for (at,) in database.execute("SELECT since FROM mailbox_failing")), None)
