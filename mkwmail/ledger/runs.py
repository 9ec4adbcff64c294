"""Runs that held the ledger, and the matters that they reported."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime

from mkwmail.ledger.database import Database, as_column, as_int, as_moment, moment_or_none
from mkwmail.ledger.models import Reported, Run, moment_text


def begin(database: Database, command: str, now: datetime) -> int:
    """Record a run that holds the ledger; return its number."""
    return database.insert(
        'INSERT INTO runs (command, pid, started, "user") VALUES (?, ?, ?, ?)',
        (command, os.getpid(), moment_text(now), database.user),
    )


def give_token(database: Database, run: int, token: str) -> None:
    """Give a run the token that identifies it outside the working folder.

    It is durable on return.
    """
    database.execute("UPDATE runs SET token = ? WHERE id = ?", (token, run))


def tokens(database: Database) -> frozenset[str]:
    """Return the tokens of all runs that mailed."""
    return frozenset(as_column(database.execute("SELECT token FROM runs WHERE token IS NOT NULL")))


def last(database: Database, command: str) -> Run | None:
    """Return the newest run of a command that held the ledger, or None."""
    rows = database.execute(
        "SELECT id, command, pid, started FROM runs WHERE command = ? ORDER BY id DESC LIMIT 1", (command,)
    )
    for number, name, pid, started in rows:
        return Run(as_int(number), str(name), as_int(pid), as_moment(started))
    return None


def reported(database: Database) -> Mapping[str, Reported]:
    """Return name → when each matter that still exists was reported."""
    return {
        str(name): Reported(moment_or_none(first), moment_or_none(said), moment_or_none(mailed))
        for name, first, said, mailed in database.execute("SELECT name, first, said, mailed FROM reported")
    }


def note_reported(database: Database, names: Iterable[str], now: datetime, *, mailed: bool = False) -> None:
    """Record that these matters were printed on standard error.

    ``mailed``: they were sent by mail instead.
    """
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
