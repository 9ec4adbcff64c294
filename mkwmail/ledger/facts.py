"""The versions of an event's facts, and which one each person was last told."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from mkwmail.ledger.database import Database
from mkwmail.ledger.records import Facts, State, moment_text


def versions(database: Database, event: str) -> tuple[str, ...]:
    """The documents of all versions of an event's facts, by number: the first is version 0."""
    rows = database.execute("SELECT document FROM facts WHERE event = ? ORDER BY version", (event,))
    return tuple(str(row[0]) for row in rows)


def carry(database: Database, event: str, carried: Sequence[tuple[int, Facts]], now: datetime) -> None:
    """Note which version each claimed message carries; a version is there from its first claim on.

    ``carried`` are attempts with their facts.

    :raises ValueError: where a version is neither known nor the next one.
    """
    known = database.number("SELECT count(*) FROM facts WHERE event = ?", (event,))
    for version, document in sorted({facts.version: facts.document for _attempt, facts in carried}.items()):
        if version > known:
            raise ValueError(f"version {version} of the facts does not follow {known - 1}")
        if version == known:
            database.execute("INSERT INTO facts VALUES (?, ?, ?, ?)", (event, known, document, moment_text(now)))
            known += 1
    rows = [(attempt, event, facts.version, facts.method) for attempt, facts in carried]
    database.together("INSERT INTO carried {rows}", rows)


# What a person said of an attempt comes before how it ended; without an end it is under way.
_REACHED = """SELECT attempts.id AS attempt, attempts.person, carried.version, carried.method,
        coalesce(said.word, results.state, 'sending') AS state
    FROM carried JOIN attempts ON attempts.id = carried.attempt
    LEFT JOIN results ON results.attempt = attempts.id
    LEFT JOIN resolutions said ON said.attempt = attempts.id
        AND said.rowid = (SELECT max(rowid) FROM resolutions WHERE attempt = attempts.id)
    WHERE carried.event = ?
        AND coalesce(said.word, results.state, 'sending') IN ('sent', 'in doubt', 'sending')"""


def told(database: Database, event: str) -> Mapping[str, tuple[int, ...]]:
    """Person → the versions that may be the last one they were told, the newest message first.

    That is the version of their last message; where it is in doubt, also of the one before, and so on until one
    that went for certain.
    """
    found: dict[str, list[int]] = {}
    certain: set[str] = set()
    for row in database.execute(f"{_REACHED} ORDER BY attempts.id DESC", (event,)):
        person, version, state = str(row[1]), int(row[2] or 0), str(row[4])
        if person in certain:
            continue
        found.setdefault(person, []).append(version)
        if state == State.SENT:
            certain.add(person)
    return {person: tuple(numbers) for person, numbers in found.items()}


def entry_method(database: Database, event: str) -> str:
    """The method of the first calendar entry that went out; empty where none did."""
    rows = database.execute(f"{_REACHED} AND carried.method <> '' ORDER BY attempts.id LIMIT 1", (event,))
    return str(rows[0][3]) if rows else ""
