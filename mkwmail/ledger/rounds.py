"""Mailings: their approvals, their rounds with skips and lists, and who must not be mailed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mkwmail.errors import ExitCode, user_error
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, as_column, as_mapping, as_moment, columns, records
from mkwmail.ledger.models import (
    Apart,
    Approval,
    LeftOut,
    ListSeen,
    Proof,
    Round,
    ScheduledApproval,
    Skipped,
    moment_text,
)


def approve(database: Database, event: str, mailing: str, sources: Mapping[str, str], now: datetime) -> None:
    """Record that a person approved a mailing as it is now.

    An approval of the same sources as the last one is not recorded again. See :mod:`mkwmail.planning.approval`.
    """
    with database.transaction():
        given = of_mailing(database, event, mailing)
        if not given or given[-1].sources != sources:
            database.execute(
                'INSERT INTO approvals (event, mailing, sources, at, "user") VALUES (?, ?, ?, ?, ?)',
                (event, mailing, json.dumps(dict(sources)), moment_text(now), database.user),
            )


def of_mailing(database: Database, event: str, mailing: str) -> tuple[Approval, ...]:
    """Return every approval of a mailing, oldest first.

    The last one is in force. ``Delivery.approval`` refers to their ids.
    """
    query = "SELECT id, sources, at FROM approvals WHERE event = ? AND mailing = ? ORDER BY id"
    return records(Approval, database.execute(query, (event, mailing)))


def record_proof(
    database: Database, event: str, mailing: str, addresses: Iterable[str], sources: Mapping[str, str], now: datetime
) -> None:
    """Record that a proof of a mailing was sent to these addresses."""
    kept = json.dumps(dict(sources))
    rows = [(event, mailing, address, kept, moment_text(now)) for address in addresses]
    with database.transaction():
        database.each("INSERT INTO proofs (event, mailing, address, sources, at) VALUES (?, ?, ?, ?, ?)", rows)


def last_proof(database: Database, event: str, mailing: str) -> Proof | None:
    """Return the last proof of a mailing, or None."""
    rows = database.execute(
        "SELECT address, sources, at FROM proofs WHERE event = ? AND mailing = ?"
        " AND at = (SELECT max(at) FROM proofs WHERE event = ? AND mailing = ?) ORDER BY id",
        (event, mailing, event, mailing),
    )
    if not rows:
        return None
    _address, sources, at = rows[-1]
    return Proof(tuple(str(row[0]) for row in rows), as_mapping(sources), as_moment(at))


_GO_AHEAD = ", ".join(ScheduledApproval.__dataclass_fields__)


def schedule(database: Database, given: ScheduledApproval, sources: Mapping[str, str], now: datetime) -> None:
    """Approve a mailing's sources and its automatic sending.

    It is sent from ``given.opens`` on.
    """
    with database.transaction():
        approve(database, given.event, given.mailing, sources, now)
        approval = of_mailing(database, given.event, given.mailing)[-1].id
        database.execute(
            f'INSERT INTO go_aheads ({_GO_AHEAD}, "user") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
            (*columns(replace(given, approval=approval, at=now)), database.user),
        )


def withdraw(database: Database, event: str, mailing: str, now: datetime) -> None:
    """Withdraw a mailing from automatic sending."""
    at = moment_text(now)
    database.execute(
        'INSERT INTO go_aheads (event, mailing, approval, opens, latest, terms, persons, others, at, "user")'
        " VALUES (?, ?, NULL, ?, ?, '{}', '[]', 0, ?, ?)",
        (event, mailing, at, at, at, database.user),
    )


def scheduled(database: Database) -> tuple[ScheduledApproval, ...]:
    """Return the mailings that may be sent automatically, by ``opens``.

    They are the newest of each mailing, unless it was withdrawn.
    """
    rows = database.execute(
        f"SELECT {_GO_AHEAD} FROM go_aheads"
        " WHERE id IN (SELECT max(id) FROM go_aheads GROUP BY event, mailing) AND approval IS NOT NULL"
        " ORDER BY opens, id"
    )
    return records(ScheduledApproval, rows)


def round_number(database: Database, of: Round) -> int:
    """Return the number of a round, which it gets at its first mention."""
    key = (of.event, of.mailing, of.edition)
    database.execute("INSERT OR IGNORE INTO rounds (event, mailing, edition) VALUES (?, ?, ?)", key)
    return database.number("SELECT id FROM rounds WHERE (event, mailing, edition) = (?, ?, ?)", key)


def record_skips(database: Database, of: Round, skips: Iterable[tuple[str, str]], now: datetime) -> None:
    """Record the persons (keys) left out of a round, with the reasons.

    A reason that is the same as the last one of the person is not recorded again.
    """
    with database.transaction():
        number = round_number(database, of)
        rows = database.execute("SELECT person, reason FROM skips WHERE round = ? ORDER BY id", (number,))
        noted = {str(person): str(reason) for person, reason in rows}
        fresh = [(person, reason) for person, reason in skips if noted.get(person) != reason]
        # A doubtful person is not in the register: nothing can be recorded about them.
        database.together(
            "INSERT INTO skips (round, person, reason, at) SELECT column1, column2, column3, column4 FROM ({rows})"
            " WHERE column2 IN (SELECT key FROM persons)",
            [(number, person, reason, moment_text(now)) for person, reason in fresh],
        )


def skips(database: Database, event: str) -> tuple[Skipped, ...]:
    """Return every skip, oldest first.

    The last one of a person in a round counts.
    """
    rows = database.execute(
        "SELECT event, mailing, edition, person, reason, at FROM skips JOIN rounds ON rounds.id = skips.round"
        " WHERE event = ? ORDER BY skips.id",
        (event,),
    )
    return records(Skipped, rows)


def remember_list(database: Database, of: Round, size: int, now: datetime) -> None:
    """Record how many members the list had when the round was sent."""
    with database.transaction():
        number = round_number(database, of)
        database.execute("INSERT INTO lists (round, size, at) VALUES (?, ?, ?)", (number, size, moment_text(now)))


def last_list(database: Database) -> ListSeen | None:
    """Return the list at the last mailing of all events, or None."""
    rows = database.execute(
        "SELECT event, mailing, edition, size, at FROM lists JOIN rounds ON rounds.id = lists.round"
        " ORDER BY lists.id DESC LIMIT 1"
    )
    return next(iter(records(ListSeen, rows)), None)


def events(database: Database) -> tuple[str, ...]:
    """Return the ids of all events of which a mailing was begun.

    An event may no longer have a file.
    """
    return as_column(database.execute("SELECT DISTINCT event FROM rounds ORDER BY event"))


def tell_apart(database: Database, word: Apart, now: datetime) -> None:
    """Record that an event or mailing differs from a similar earlier one.

    A decision that is already recorded stays.
    """
    database.execute("INSERT OR IGNORE INTO told_apart VALUES (?, ?, ?, ?, ?)", (*word, moment_text(now)))


def told_apart(database: Database, event: str) -> frozenset[Apart]:
    """Return the decisions that an event differs from earlier ones."""
    rows = database.execute(
        "SELECT event, mailing, earlier_event, earlier_mailing FROM told_apart WHERE event = ?", (event,)
    )
    return frozenset(records(Apart, rows))


class Unsure(NamedTuple):
    """A mailing that may have been sent between two moments that a restored backup knows nothing of."""

    event: str
    mailing: str
    since: datetime
    until: datetime


def record_unsure(database: Database, mailings: Iterable[Unsure]) -> None:
    """Record mailings of which a person must say whether they were sent."""
    # An earlier backup that was put back before is the longer time.
    database.each(
        "INSERT INTO unsure VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET since = min(since, excluded.since),"
        " until = max(until, excluded.until)",
        map(columns, mailings),
    )


def unsure(database: Database, event: str, mailing: str) -> Unsure | None:
    """Return until when a mailing may have been sent unnoticed, or None."""
    query = "SELECT event, mailing, since, until FROM unsure WHERE (event, mailing) = (?, ?)"
    return next(iter(records(Unsure, database.execute(query, (event, mailing)))), None)


def make_sure(database: Database, event: str, mailing: str) -> None:
    """Record that a person said whether a mailing was sent."""
    database.execute("DELETE FROM unsure WHERE (event, mailing) = (?, ?)", (event, mailing))


def leave_out(database: Database, word: LeftOut, now: datetime) -> None:
    """Record that somebody must not be mailed, or may be mailed again.

    :raises UserError: code USAGE if the decision undoes one that does not exist.
    """
    with database.transaction():
        in_force = {(each.person, each.event) for each in left_out(database)}
        if word.undone and (word.person, word.event) not in in_force:
            fault = _("this person is not skipped, so there is nothing to undo")
            raise user_error("", fault, _("see: mkwmail skip"), code=ExitCode.USAGE)
        database.execute(
            'INSERT INTO left_out (person, event, reason, undone, at, "user") VALUES (?, ?, ?, ?, ?, ?)',
            (*columns(replace(word, at=now)), database.user),
        )


def left_out(database: Database) -> tuple[LeftOut, ...]:
    """Return the decisions in force not to mail somebody.

    They are the newest of each person and event, unless it was undone.
    """
    rows = database.execute(
        "SELECT person, event, reason, undone, at FROM left_out"
        " WHERE id IN (SELECT max(id) FROM left_out GROUP BY person, event) AND NOT undone ORDER BY id"
    )
    return records(LeftOut, rows)
