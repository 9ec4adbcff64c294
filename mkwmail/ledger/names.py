"""The ids under which events were mailed, and the names that a person told apart."""

from datetime import datetime

from mkwmail.ledger.database import Database
from mkwmail.ledger.records import Apart, moment_text


def events(database: Database) -> tuple[str, ...]:
    """Return the ids of all events of which a mailing was begun."""
    return tuple(str(row[0]) for row in database.execute("SELECT DISTINCT event FROM rounds ORDER BY event"))


def tell_apart(database: Database, word: Apart, now: datetime) -> None:
    """Note that a person told two events or two mailings apart; what is noted already stays."""
    database.execute("INSERT OR IGNORE INTO told_apart VALUES (?, ?, ?, ?, ?)", (*word, moment_text(now)))


def told_apart(database: Database, event: str) -> frozenset[Apart]:
    """Return what a person told an event and its mailings apart from."""
    rows = database.execute(
        "SELECT event, mailing, earlier_event, earlier_mailing FROM told_apart WHERE event = ?", (event,)
    )
    return frozenset(Apart(*map(str, row)) for row in rows)
