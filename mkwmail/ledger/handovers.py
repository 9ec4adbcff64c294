"""Handovers: the ledger is closed here, and opened on another computer."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from mkwmail.clock import day_and_time
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, Row, as_moment, read_only
from mkwmail.ledger.models import moment_text

Way = Literal["out", "in", "undone"]

#: How the token begins that the note outside the folder gets at a handover: no older backup takes its place then.
MARK = "handed-over-"


class Handover(NamedTuple):
    """A handover: the file that it wrote or was opened from, who did it, and when."""

    way: Way
    file: Path
    user: str
    at: datetime


def record(database: Database, way: Way, file: Path, now: datetime) -> None:
    """Record a step of a handover; durable on return."""
    database.execute(
        'INSERT INTO handovers (way, file, "user", at) VALUES (?, ?, ?, ?)',
        (way, str(file), database.user, moment_text(now)),
    )


_NEWEST = 'SELECT way, file, "user", at FROM handovers ORDER BY id DESC LIMIT 1'


def newest(database: Database) -> Handover | None:
    """Return the newest step of a handover, or None."""
    return _first(database.execute(_NEWEST))


def newest_in(file: Path) -> Handover | None:
    """Return the newest step of a handover in another ledger's file, or None."""
    return _first(read_only(file, _NEWEST) or ())


def _first(rows: Iterable[Row]) -> Handover | None:
    for way, file, user, at in rows:
        known: Way = "out" if way == "out" else "in" if way == "in" else "undone"
        return Handover(known, Path(str(file)), str(user), as_moment(at))
    return None


def refuse_closed(database: Database) -> None:
    """Check that this ledger was not handed over.

    :raises UserError: code SETTINGS if it was: mail is sent from another folder now.
    """
    found = newest(database)
    if found is not None and found.way == "out":
        raise UserError(closed(found), code=ExitCode.SETTINGS)


def closed(found: Handover) -> Fault:
    """Return the fault for a ledger that was handed over."""
    words = {"moment": day_and_time(found.at), "file": found.file}
    fault = _("this folder was handed over on %(moment)s, and nothing is sent from it any more")
    remedy = _(
        "send where it was taken over (mkwmail takeover %(file)s); if nobody took it over, and nobody will: "
        "mkwmail handover --undo"
    )
    return Fault("", fault % words, remedy % words)


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
