"""Answers: who comes, as the secretary, a calendar or an export said. Append-only; the last word holds."""

from collections.abc import Iterable
from datetime import datetime

from mkwmail.ledger.database import Database
from mkwmail.ledger.records import Answer, Stray, moment_text, read_moment_text


def record(database: Database, event: str, answers: Iterable[Answer], now: datetime) -> None:
    """Note answers, all or none."""
    with database.transaction():
        database.each(
            "INSERT INTO answers (event, person, answer, source, given, sequence, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (event, each.person, each.answer, each.source, moment_text(each.given), each.sequence, moment_text(now))
                for each in answers
            ],
        )


def answers(database: Database, event: str) -> tuple[Answer, ...]:
    """Every answer that was noted, in that order."""
    rows = database.execute(
        "SELECT person, answer, source, given, sequence FROM answers WHERE event = ? ORDER BY id", (event,)
    )
    return tuple(
        Answer(
            str(person),
            str(answer),
            str(source),
            read_moment_text(str(given)),
            None if sequence is None else int(sequence),
        )
        for person, answer, source, given, sequence in rows
    )


def record_strays(database: Database, event: str, strays: Iterable[Stray], now: datetime) -> None:
    """Note answers of which it is for the secretary to say whose they are; what is noted is not noted again."""
    with database.transaction():
        database.each(
            "INSERT OR IGNORE INTO stray_answers (event, person, address, answer, given, at) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (event, each.person, each.address, each.answer, moment_text(each.given), moment_text(now))
                for each in strays
            ],
        )


def strays(database: Database, event: str) -> tuple[Stray, ...]:
    """The answers that are for the secretary to look at, oldest first."""
    rows = database.execute(
        "SELECT person, address, answer, given FROM stray_answers WHERE event = ? ORDER BY id", (event,)
    )
    return tuple(
        Stray(None if person is None else str(person), str(address), str(answer), read_moment_text(str(given)))
        for person, address, answer, given in rows
    )
