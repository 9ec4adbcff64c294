"""What is removed when a person asks to be forgotten, or an event is long past; what stays tells nothing of anybody.

A keyed hash stays in the place of every address, so that who had a mailing is known again and never gets it twice.
"""

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from mkwmail.ledger.columns import as_int, as_mapping, as_moment
from mkwmail.ledger.database import Database
from mkwmail.ledger.models import Purged, moment_text
from mkwmail.ledger.people import Person, is_mark, mark, marks_of

#: The letter of an attempt whose letter was removed.
NO_LETTER = hashlib.sha256(b"").hexdigest()

# In the place of a reason that is kept, for there must be one.
_UNSAID = "-"


def forget(database: Database, secret: bytes, people: Iterable[Person]) -> None:
    """Remove what is known of these, in all events; their answers stay under a key that leads to nobody."""
    with database.transaction():
        for person in people:
            _forget(database, secret, person)
        _drop_letters(database)
        database.execute("INSERT OR IGNORE INTO to_wipe VALUES (1)")


def purge(database: Database, secret: bytes, event: str, now: datetime) -> None:
    """Remove what is known of people for an event's sake; counts stay, and that each had their mail."""
    with database.transaction():
        drop_dietary(database, event)
        totals = json.dumps(Counter(_last_answers(database, event).values()))
        database.execute("INSERT OR REPLACE INTO purged VALUES (?, ?, ?)", (event, totals, moment_text(now)))
        for table in ("answers", "stray_answers", "signups", "guests"):
            database.execute(f"DELETE FROM {table} WHERE event = ?", (event,))
        database.execute("DELETE FROM left_out WHERE event = ?", (event,))
        rounds = [as_int(number) for (number,) in database.execute("SELECT id FROM rounds WHERE event = ?", (event,))]
        for number in rounds:
            database.execute("DELETE FROM skips WHERE round = ?", (number,))
            _empty(database, secret, "round = ?", (number,))
        _drop_letters(database)
        database.execute("INSERT OR IGNORE INTO to_wipe VALUES (1)")


def drop_dietary(database: Database, event: str) -> None:
    """Remove what people eat or may not eat: it says something of their health or faith (GDPR, article 9)."""
    with database.transaction():
        database.execute("UPDATE signups SET dietary = '{}' WHERE event = ?", (event,))
        database.execute("INSERT OR IGNORE INTO to_wipe VALUES (1)")


def has_dietary(database: Database, event: str) -> bool:
    """Whether dietary wishes of an event are still kept."""
    return bool(database.number("SELECT count(*) FROM signups WHERE event = ? AND dietary <> '{}'", (event,)))


def has_personal(database: Database, event: str) -> bool:
    """Whether anything about people is still kept for an event's sake."""
    return bool(
        database.number(
            """SELECT EXISTS (SELECT 1 FROM attempts JOIN rounds ON rounds.id = round WHERE event = ?1 AND letter <> ?2)
               OR EXISTS (SELECT 1 FROM answers WHERE event = ?1) OR EXISTS (SELECT 1 FROM signups WHERE event = ?1)
               OR EXISTS (SELECT 1 FROM skips JOIN rounds ON rounds.id = round WHERE event = ?1)""",
            (event, NO_LETTER),
        )
    )


def needed_persons(database: Database) -> frozenset[str]:
    """Who is part of an event about which people's data is kept, or is not to be mailed by a person's word."""
    rows = database.execute(
        """SELECT person FROM attempts WHERE letter <> ? UNION SELECT person FROM answers UNION
           SELECT person FROM guests UNION SELECT person FROM skips UNION SELECT person FROM left_out
           UNION SELECT person FROM signups WHERE person IS NOT NULL""",
        (NO_LETTER,),
    )
    return frozenset(str(person) for (person,) in rows)


def purged(database: Database) -> Mapping[str, Purged]:
    """Event → when it was purged, and what was counted then."""
    return {
        str(event): Purged(as_mapping(totals), as_moment(at))
        for event, totals, at in database.execute("SELECT event, totals, at FROM purged")
    }


def wipe(database: Database) -> None:
    """Wipe what was deleted from the files, where that is still to be done."""
    if database.number("SELECT count(*) FROM to_wipe"):
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # Last: who is killed before it wipes again.
        database.execute("DELETE FROM to_wipe")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _forget(database: Database, secret: bytes, person: Person) -> None:
    key = (person.key,)
    used = {
        str(row[0]) for row in database.execute("SELECT DISTINCT address_key FROM deliveries WHERE person = ?", key)
    }
    addresses = {each for each in {person.address, *person.former, *used} if not is_mark(each)}
    marks = marks_of(secret, addresses, person.name, person.organisation, person.number)
    database.each("INSERT OR IGNORE INTO forgotten VALUES (?, ?)", [(person.key, each) for each in sorted(marks)])
    database.execute("DELETE FROM former_addresses WHERE person = ?", key)
    if not is_mark(person.address):
        database.execute(
            "UPDATE persons SET address = ?, name = '', organisation = '', number = '' WHERE key = ?",
            (mark(secret, person.address), person.key),
        )
    _empty(database, secret, "person = ?", key)
    database.execute("DELETE FROM skips WHERE person = ?", key)
    database.execute("UPDATE left_out SET reason = ? WHERE person = ?", (_UNSAID, person.key))
    for table in ("signups", "guests", "stray_answers"):
        database.execute(f"DELETE FROM {table} WHERE person = ?", key)
    for table in ("signups", "stray_answers"):
        database.each(f"DELETE FROM {table} WHERE lower(address) = ?", [(each,) for each in addresses])


def _empty(database: Database, secret: bytes, which: str, values: Collection[str | int]) -> None:
    """Leave of deliveries and attempts that they were, and how they ended."""
    given = tuple(values)
    database.execute("INSERT OR IGNORE INTO letters VALUES (?, ?)", (NO_LETTER, zlib.compress(b"")))
    rows = database.execute(
        f"SELECT address, address_key FROM deliveries WHERE {which} UNION"
        f" SELECT address, lower(address) FROM attempts WHERE {which}",
        (*given, *given),
    )
    for address, address_key in ((str(row[0]), str(row[1])) for row in rows):
        if is_mark(address):
            continue
        marked = mark(secret, address_key)
        for table in ("deliveries", "attempts"):
            database.execute(f"UPDATE {table} SET address = ? WHERE address = ? AND {which}", (marked, address, *given))
        database.execute(
            f"UPDATE deliveries SET address_key = ? WHERE address_key = ? AND {which}", (marked, address_key, *given)
        )
    database.execute(f"""UPDATE attempts SET "values" = '{{}}', letter = ? WHERE {which}""", (NO_LETTER, *given))
    database.execute(f"UPDATE deliveries SET reason = '' WHERE {which}", given)
    for table, text in (("results", "reason"), ("bounces", "reply")):
        database.execute(
            f"UPDATE {table} SET {text} = '' WHERE attempt IN (SELECT id FROM attempts WHERE {which})", given
        )


def _drop_letters(database: Database) -> None:
    """Remove letters that no attempt carries any more: one that was composed for one person is about that person."""
    database.execute("DELETE FROM letters WHERE hash NOT IN (SELECT letter FROM attempts)")


def _last_answers(database: Database, event: str) -> dict[str, str]:
    rows = database.execute("SELECT person, answer FROM answers WHERE event = ? ORDER BY id", (event,))
    return {str(person): str(answer) for person, answer in rows}
