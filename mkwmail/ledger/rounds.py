"""Rounds: their skips and lists, and the events that look alike."""

from collections.abc import Iterable
from datetime import datetime

from mkwmail.ledger.database import Database, as_column, as_int, as_moment, as_round, as_texts
from mkwmail.ledger.models import Apart, ListSeen, Round, Skipped, moment_text


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
    return tuple(
        Skipped(
            as_round(event, mailing, edition),
            str(person),
            str(reason),
            as_moment(at),
        )
        for mailing, edition, person, reason, at in database.execute(
            "SELECT mailing, edition, person, reason, at FROM skips JOIN rounds ON rounds.id = skips.round"
            " WHERE event = ? ORDER BY skips.id",
            (event,),
        )
    )


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
    for event, mailing, edition, size, at in rows:
        of = as_round(event, mailing, edition)
        return ListSeen(of, as_int(size), as_moment(at))
    return None


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
    return frozenset(Apart(*as_texts(row)) for row in rows)
