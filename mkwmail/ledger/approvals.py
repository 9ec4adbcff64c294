"""Approvals of mailings, and of sending them automatically."""

import json
from collections.abc import Mapping
from datetime import datetime

from mkwmail.ledger.database import Database, as_int, as_mapping, as_moment
from mkwmail.ledger.models import Approval, ScheduledApproval, moment_text


def approve(database: Database, event: str, mailing: str, sources: Mapping[str, str], now: datetime) -> None:
    """Record that a person approved a mailing as it is now.

    An approval of the same sources as the last one is not recorded again. See :mod:`mkwmail.planning.approval`.
    """
    with database.transaction():
        given = of_mailing(database, event, mailing)
        if not given or given[-1].sources != sources:
            database.execute(
                "INSERT INTO approvals (event, mailing, sources, at) VALUES (?, ?, ?, ?)",
                (event, mailing, json.dumps(dict(sources)), moment_text(now)),
            )


def of_mailing(database: Database, event: str, mailing: str) -> tuple[Approval, ...]:
    """Return every approval of a mailing, oldest first.

    The last one is in force. ``Delivery.approval`` refers to their ids.
    """
    return tuple(
        Approval(as_int(number), as_mapping(sources), as_moment(at))
        for number, sources, at in database.execute(
            "SELECT id, sources, at FROM approvals WHERE event = ? AND mailing = ? ORDER BY id", (event, mailing)
        )
    )


def schedule(database: Database, given: ScheduledApproval, sources: Mapping[str, str], now: datetime) -> None:
    """Approve a mailing's sources and its automatic sending.

    It is sent from ``given.opens`` on.
    """
    with database.transaction():
        approve(database, given.event, given.mailing, sources, now)
        approval = of_mailing(database, given.event, given.mailing)[-1].id
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


def scheduled(database: Database) -> tuple[ScheduledApproval, ...]:
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
