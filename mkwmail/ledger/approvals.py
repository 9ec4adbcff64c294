"""Mailings approved to be sent automatically, and reports about them."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from mkwmail.ledger import people as register
from mkwmail.ledger.columns import as_int, as_mapping, as_moment, moment_or_none
from mkwmail.ledger.database import Database
from mkwmail.ledger.models import Reported, ScheduledApproval, moment_text


def go_ahead(database: Database, given: ScheduledApproval, sources: Mapping[str, str], now: datetime) -> None:
    """Approve a mailing's sources and its automatic sending.

    It is sent from ``given.opens`` on.
    """
    with database.transaction():
        register.approve(database, given.event, given.mailing, sources, now)
        approval = register.approvals(database, given.event, given.mailing)[-1].id
        database.execute(
            "INSERT INTO go_aheads (event, mailing, approval, opens, latest, terms, persons, others, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(given.event, given.mailing, approval, moment_text(given.opens), moment_text(given.latest)),
                *(json.dumps(dict(given.terms)), json.dumps(sorted(given.persons)), int(given.others)),
                moment_text(now),
            ),
        )


def withdraw(database: Database, event: str, mailing: str, now: datetime) -> None:
    """Withdraw a mailing from automatic sending."""
    at = moment_text(now)
    database.execute(
        "INSERT INTO go_aheads (event, mailing, approval, opens, latest, terms, persons, others, at)"
        " VALUES (?, ?, NULL, ?, ?, '{}', '[]', 0, ?)",
        (event, mailing, at, at, at),
    )


def go_aheads(database: Database) -> tuple[ScheduledApproval, ...]:
    """Return the mailings that may be sent automatically, by ``opens``.

    They are the newest of each mailing, unless it was withdrawn.
    """
    rows = database.execute(
        "SELECT event, mailing, approval, opens, latest, terms, persons, others, at FROM go_aheads"
        " WHERE id IN (SELECT max(id) FROM go_aheads GROUP BY event, mailing) AND approval IS NOT NULL"
        " ORDER BY opens, id"
    )
    return tuple(
        ScheduledApproval(
            event=str(event),
            mailing=str(mailing),
            opens=as_moment(opens),
            latest=as_moment(latest),
            terms=as_mapping(terms),
            persons=frozenset(json.loads(str(persons))),
            others=bool(others),
            approval=as_int(approval),
            at=as_moment(at),
        )
        for event, mailing, approval, opens, latest, terms, persons, others, at in rows
    )


def reported(database: Database) -> Mapping[str, Reported]:
    """Return name → when each matter that still exists was reported."""
    return {
        str(name): Reported(moment_or_none(first), moment_or_none(said), moment_or_none(mailed))
        for name, first, said, mailed in database.execute("SELECT name, first, said, mailed FROM reported")
    }


def note_reported(database: Database, names: Iterable[str], mailed: bool, now: datetime) -> None:
    """Record that these matters were printed, or mailed."""
    at = moment_text(now)
    column = "mailed" if mailed else "said"
    database.each(
        f"INSERT INTO reported (name, first, {column}) VALUES (?, ?, ?)"
        f" ON CONFLICT (name) DO UPDATE SET {column} = excluded.{column}",
        [(name, at, at) for name in names],
    )


def forget_reported(database: Database, names: Iterable[str]) -> None:
    """Forget matters that no longer exist.

    If one returns, it is reported as new.
    """
    database.each("DELETE FROM reported WHERE name = ?", [(name,) for name in names])
