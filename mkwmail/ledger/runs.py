"""Runs that held the ledger, the matters that they reported, who did what, and handovers."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from mkwmail.clock import day_and_time
from mkwmail.errors import ExitCode, Fault, UserError, fault_at
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, Row, as_column, as_int, as_moment, moment_or_none, read_only
from mkwmail.ledger.models import Reported, Run, moment_text

#: The name of the notice about a refused login, which cannot be mailed.
LOGIN_FAILS = f"stopped:{int(ExitCode.LOGIN)}"


def begin(database: Database, command: str, now: datetime) -> int:
    """Record a run that holds the ledger; return its number."""
    return database.insert(
        "INSERT INTO runs (command, pid, started) VALUES (?, ?, ?)", (command, os.getpid(), moment_text(now))
    )


def give_token(database: Database, run: int, token: str) -> None:
    """Give a run the token that identifies it outside the working folder, and record its user.

    It is durable on return.
    """
    database.execute('UPDATE runs SET token = ?, "user" = ? WHERE id = ?', (token, database.user, run))


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


class Deed(NamedTuple):
    """Something that a user did for an event: the last time, and how often.

    ``what`` is approved, sent, answered, resolved or skipped; ``mailing`` is empty if it is about none.
    """

    what: str
    mailing: str
    user: str
    at: datetime
    times: int


_DEEDS = """
    SELECT 'approved' AS what, mailing, "user", at FROM go_aheads WHERE event = ?1 AND approval IS NOT NULL
    UNION ALL SELECT 'approved', mailing, "user", at FROM approvals WHERE event = ?1
        AND id NOT IN (SELECT approval FROM go_aheads WHERE approval IS NOT NULL)
    UNION ALL SELECT 'sent', mailing, "user", claimed FROM attempts JOIN rounds ON rounds.id = round
        JOIN runs ON runs.id = run WHERE event = ?1
    UNION ALL SELECT 'answered', '', "user", at FROM answers WHERE event = ?1
    UNION ALL SELECT 'resolved', mailing, "user", resolutions.at FROM resolutions
        JOIN attempts ON attempts.id = attempt JOIN rounds ON rounds.id = round WHERE event = ?1
    UNION ALL SELECT 'skipped', '', "user", at FROM left_out WHERE event IN (?1, '')"""


def deeds(database: Database, event: str) -> tuple[Deed, ...]:
    """Return who approved, sent, answered, resolved or skipped, the newest last."""
    rows = database.execute(
        f"""SELECT what, mailing, "user", max(at) AS newest, count(*) FROM ({_DEEDS})
            WHERE "user" <> '' GROUP BY what, mailing, "user" ORDER BY newest, what, mailing""",
        (event,),
    )
    return tuple(
        Deed(str(what), str(mailing), str(user), as_moment(at), as_int(count))
        for what, mailing, user, at, count in rows
    )


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


# Handovers: the ledger is closed here, and opened on another computer

Way = Literal["out", "in", "undone"]

#: How the token begins that the note outside the folder gets at a handover: no older backup takes its place then.
HANDED_OVER = "handed-over-"


class Handover(NamedTuple):
    """A handover: the file that it wrote or was opened from, who did it, and when."""

    way: Way
    file: Path
    user: str
    at: datetime


def record_handover(database: Database, way: Way, file: Path, now: datetime) -> None:
    """Record a step of a handover; durable on return."""
    database.execute(
        'INSERT INTO handovers (way, file, "user", at) VALUES (?, ?, ?, ?)',
        (way, str(file), database.user, moment_text(now)),
    )


_HANDOVER = 'SELECT way, file, "user", at FROM handovers ORDER BY id DESC LIMIT 1'


def last_handover(database: Database) -> Handover | None:
    """Return the newest step of a handover, or None."""
    return _handover(database.execute(_HANDOVER))


def handovers(database: Database) -> tuple[Handover, ...]:
    """Return all steps of handovers, oldest first."""
    rows = database.execute('SELECT way, file, "user", at FROM handovers ORDER BY id')
    return tuple(each for row in rows if (each := _handover([row])) is not None)


def last_handover_in(file: Path) -> Handover | None:
    """Return the newest step of a handover in another ledger's file, or None."""
    return _handover(read_only(file, _HANDOVER) or ())


def _handover(rows: Iterable[Row]) -> Handover | None:
    for way, file, user, at in rows:
        known: Way = "out" if way == "out" else "in" if way == "in" else "undone"
        return Handover(known, Path(str(file)), str(user), as_moment(at))
    return None


def refuse_closed(database: Database) -> None:
    """Check that this ledger was not handed over.

    :raises UserError: code SETTINGS if it was: mail is sent from another folder now.
    """
    found = last_handover(database)
    if found is not None and found.way == "out":
        raise UserError(closed_fault(found), code=ExitCode.SETTINGS)


def closed_fault(found: Handover) -> Fault:
    """Return the fault for a ledger that was handed over."""
    fault = _("this folder was handed over on %(moment)s, and nothing is sent from it any more")
    remedy = _(
        "send where it was taken over (mkwmail takeover %(file)s); if nobody took it over, and nobody will: "
        "mkwmail handover --undo"
    )
    return fault_at("", fault, remedy, moment=day_and_time(found.at), file=found.file)


class Doubtful(NamedTuple):
    """A message in doubt."""

    event: str
    mailing: str
    name: str
    address: str


_DOUBTFUL = """SELECT event, mailing, name, deliveries.address FROM deliveries JOIN rounds ON rounds.id = round
    JOIN persons ON persons.key = person WHERE state = 'in doubt' ORDER BY event, mailing, name"""


def in_doubt(database: Database) -> tuple[Doubtful, ...]:
    """Return the messages in doubt, of all events."""
    return tuple(Doubtful(*map(str, row)) for row in database.execute(_DOUBTFUL))
