"""Erasure of a person's data on request, and of an event's personal data.

The rest does not identify anybody. A keyed hash replaces every address, so that a person who had a mailing is
recognised and never gets it twice.
"""

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from mkwmail.ledger.database import Database, as_column, as_int, as_mapping, as_moment, as_texts
from mkwmail.ledger.models import COPIED_PERSON, Purged, moment_text
from mkwmail.ledger.people import Person, is_mark, mark, marks_of
from mkwmail.ledger.responses import answers

#: The letter of an attempt whose letter was removed.
NO_LETTER = hashlib.sha256(b"").hexdigest()

# Replaces a reason, which cannot be empty.
_UNSAID = "-"


def forget(database: Database, secret: bytes, people: Iterable[Person]) -> None:
    """Remove the data of these persons, in all events.

    Their answers stay, under a key that does not identify anybody.
    """
    with database.transaction():
        for person in people:
            _forget(database, secret, person)
        _drop_letters(database)
        database.execute("INSERT OR IGNORE INTO to_wipe VALUES (1)")


def purge(database: Database, secret: bytes, event: str, now: datetime) -> None:
    """Remove an event's personal data.

    The counts stay, and the fact that each person had their mail.
    """
    with database.transaction():
        drop_dietary(database, event)
        last = {each.person: each.answer for each in answers(database, event)}
        totals = json.dumps(Counter(last.values()))
        database.execute("INSERT OR REPLACE INTO purged VALUES (?, ?, ?)", (event, totals, moment_text(now)))
        for table in ("answers", "stray_answers", "signups", "guests", "batches", "calls", "form_words"):
            database.execute(f"DELETE FROM {table} WHERE event = ?", (event,))
        _blank_mails(database, "event = ?", event)
        database.execute("DELETE FROM left_out WHERE event = ?", (event,))
        database.execute("DELETE FROM proofs WHERE event = ?", (event,))
        rounds = [as_int(number) for (number,) in database.execute("SELECT id FROM rounds WHERE event = ?", (event,))]
        for number in rounds:
            database.execute("DELETE FROM skips WHERE round = ?", (number,))
            _empty(database, secret, "round = ?", (number,))
        _drop_letters(database)
        database.execute("INSERT OR IGNORE INTO to_wipe VALUES (1)")


def drop_dietary(database: Database, event: str) -> None:
    """Remove an event's dietary wishes.

    They may reveal a person's health or religion (GDPR, article 9).
    """
    with database.transaction():
        database.execute("UPDATE signups SET dietary = '{}' WHERE event = ?", (event,))
        # What an import replaced can hold dietary wishes too: it cannot be undone any more.
        database.execute("DELETE FROM batches WHERE event = ?", (event,))
        database.execute("INSERT OR IGNORE INTO to_wipe VALUES (1)")


def has_dietary(database: Database, event: str) -> bool:
    """Check whether the ledger still has dietary wishes for an event."""
    return bool(database.number("SELECT count(*) FROM signups WHERE event = ? AND dietary <> '{}'", (event,)))


def has_personal(database: Database, event: str) -> bool:
    """Check whether the ledger still has personal data for an event."""
    return bool(
        database.number(
            """SELECT EXISTS (SELECT 1 FROM attempts JOIN rounds ON rounds.id = round WHERE event = ?1 AND letter <> ?2)
               OR EXISTS (SELECT 1 FROM answers WHERE event = ?1) OR EXISTS (SELECT 1 FROM signups WHERE event = ?1)
               OR EXISTS (SELECT 1 FROM skips JOIN rounds ON rounds.id = round WHERE event = ?1)""",
            (event, NO_LETTER),
        )
    )


def needed_persons(database: Database) -> frozenset[str]:
    """Return the keys of persons whose data is still needed.

    They are part of an event that has personal data, or a decision not to mail them exists.
    """
    rows = database.execute(
        """SELECT person FROM attempts WHERE letter <> ? UNION SELECT person FROM answers UNION
           SELECT person FROM guests UNION SELECT person FROM skips UNION SELECT person FROM left_out
           UNION SELECT person FROM signups WHERE person IS NOT NULL
           UNION SELECT holder FROM signups WHERE holder IS NOT NULL UNION SELECT person FROM calls""",
        (NO_LETTER,),
    )
    return frozenset(as_column(rows))


def purged(database: Database) -> Mapping[str, Purged]:
    """Return event → when it was purged, with the counts of its answers."""
    return {
        str(event): Purged(as_mapping(totals), as_moment(at))
        for event, totals, at in database.execute("SELECT event, totals, at FROM purged")
    }


def _forget(database: Database, secret: bytes, person: Person) -> None:
    key = (person.key,)
    used = as_column(database.execute("SELECT DISTINCT address_key FROM deliveries WHERE person = ?", key))
    addresses = {each for each in {person.address, *person.former, *used} if each and not is_mark(each)}
    marks = marks_of(secret, addresses, person.name, person.organisation, person.number)
    database.each("INSERT OR IGNORE INTO forgotten VALUES (?, ?)", [(person.key, each) for each in sorted(marks)])
    database.execute("DELETE FROM former_addresses WHERE person = ?", key)
    database.each("DELETE FROM proofs WHERE lower(address) = lower(?)", [(each,) for each in sorted(addresses)])
    if not is_mark(person.address):
        database.execute(
            "UPDATE persons SET address = ?, name = '', organisation = '', number = '' WHERE key = ?",
            (mark(secret, person.address or f"of {person.key}"), person.key),
        )
    _empty(database, secret, "person = ?", key)
    _empty_copies(database, person.key)
    database.execute("DELETE FROM skips WHERE person = ?", key)
    database.execute("UPDATE answers SET comment = '' WHERE person = ?", key)
    database.execute("UPDATE left_out SET reason = ? WHERE person = ?", (_UNSAID, person.key))
    for table in ("signups", "guests", "stray_answers", "calls"):
        database.execute(f"DELETE FROM {table} WHERE person = ?", key)
    database.execute("DELETE FROM signups WHERE holder = ?", key)
    # An answer to their invitation from another address has their name.
    maybe = "EXISTS (SELECT 1 FROM json_each(maybe) WHERE value = ?)"
    database.execute(f"DELETE FROM signups WHERE person IS NULL AND key LIKE 'mail %' AND {maybe}", key)
    _blank_mails(database, "person = ?", person.key)
    # What an import replaced holds names: none of them can be undone any more.
    database.execute("DELETE FROM batches")
    # A successor has the address now: what came from there may be theirs.
    others = {str(row[0]) for row in database.execute("SELECT address FROM persons WHERE key <> ?", key)}
    for table, column in (("signups", "address"), ("stray_answers", "address"), ("stray_answers", "delegate")):
        database.each(f"DELETE FROM {table} WHERE lower({column}) = ?", [(each,) for each in addresses - others])


def _blank_mails(database: Database, which: str, value: str) -> None:
    """Keep only the digests of mails, so that reading the mailbox again does not record them again."""
    database.execute(
        f"UPDATE mailbox_mails SET person = NULL, message_id = '', settled = coalesce(settled, at) WHERE {which}",
        (value,),
    )


def _empty(database: Database, secret: bytes, which: str, values: Collection[str | int]) -> None:
    """Reduce deliveries and attempts to their existence and their end."""
    given = tuple(values)
    database.execute("INSERT OR IGNORE INTO letters VALUES (?, ?)", (NO_LETTER, zlib.compress(b"")))
    rows = database.execute(
        f"SELECT address, address_key FROM deliveries WHERE {which} UNION"
        f" SELECT address, lower(address) FROM attempts WHERE {which}",
        (*given, *given),
    )
    for address, address_key in map(as_texts, rows):
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


def _empty_copies(database: Database, person: str) -> None:
    """Remove the content of the assistants' copies that name a person; that they were sent stays."""
    database.execute(
        """UPDATE attempts SET "values" = '{}', letter = ? WHERE EXISTS
           (SELECT 1 FROM json_each("values") WHERE json_each.key LIKE ? AND json_each.value = ?)""",
        (NO_LETTER, f"{COPIED_PERSON}%", person),
    )


def _drop_letters(database: Database) -> None:
    """Remove letters that no attempt uses.

    A letter that was composed for one person contains that person's data.
    """
    database.execute("DELETE FROM letters WHERE hash NOT IN (SELECT letter FROM attempts)")
