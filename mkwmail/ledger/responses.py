"""Responses: sign-ups, guests, bounces and answers; and what was read of the mailbox.

Of the mailbox is kept how far it was read, and which of its mails were counted. No text of a mail is kept.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mkwmail.ledger.database import Database, Value, as_column, as_int, as_mapping, as_moment, columns, records
from mkwmail.ledger.models import (
    Answer,
    Batch,
    Bounce,
    Call,
    Credit,
    Guest,
    KeptSignup,
    RefusedMail,
    Round,
    Stray,
    Undone,
    moment_text,
)

#: The verdict that is not a bounce: the server is still trying.
DELAYED = "delayed"


_SIGNUP = ", ".join(KeptSignup.__dataclass_fields__)


def keep_signups(database: Database, event: str, rows: Iterable[KeptSignup], now: datetime) -> None:
    """Record the rows of an export, replacing their earlier versions."""
    places = ", ".join("?" * (1 + len(_SIGNUP.split(","))))
    with database.transaction():
        database.each(
            f"INSERT OR REPLACE INTO signups (event, {_SIGNUP}) VALUES ({places})",
            [(event, *columns(replace(each, at=each.at or now))) for each in rows],
        )


def signups(database: Database, event: str) -> tuple[KeptSignup, ...]:
    """Return the newest version of each row of the exports, oldest first."""
    rows = database.execute(f"SELECT {_SIGNUP} FROM signups WHERE event = ? ORDER BY at, key", (event,))
    return records(KeptSignup, rows)


def add_guests(database: Database, event: str, guests: Iterable[Guest], now: datetime) -> None:
    """Record guests, who are not members; known guests are updated.

    They must be enlisted (:func:`mkwmail.ledger.people.record_persons`).
    """
    database.each(
        "INSERT OR REPLACE INTO guests (event, person, name, address, organisation, at) VALUES (?, ?, ?, ?, ?, ?)",
        [(event, *columns(each), moment_text(now)) for each in guests],
    )


def guests(database: Database, event: str) -> tuple[Guest, ...]:
    """Return the people who signed up for an event and are not members."""
    rows = database.execute(
        "SELECT person, name, address, organisation FROM guests WHERE event = ? ORDER BY at, person", (event,)
    )
    return records(Guest, rows)


def guest_keys(database: Database) -> frozenset[str]:
    """Return the keys of the guests of all events, and of those who may become one.

    A guest is not in the member list, but has not left it.
    """
    rows = database.execute("SELECT person FROM guests UNION SELECT holder FROM signups WHERE holder IS NOT NULL")
    return frozenset(as_column(rows))


# Batches: answers that are recorded and undone together


def record_batch(database: Database, event: str, batch: Batch, now: datetime) -> None:
    """Record answers, rows and guests together, and what they replace."""
    with database.transaction():
        keys = {each.key for each in batch.signups}
        people = {each.person for each in batch.guests} | set(batch.dropped)
        answers = "SELECT id, person, answer, source, given, sequence, at FROM answers WHERE event = ? AND person = ?"
        earlier: dict[str, object] = {
            "rows": _stored(database, "signups", event, "key", sorted(keys)),
            "guests": _stored(database, "guests", event, "person", sorted(people)),
            "credits": _stored(database, "credits", event, "person", sorted(batch.credits)),
            "answers": [row for key in batch.dropped for row in database.execute(answers, (event, key))],
        }
        add_guests(database, event, batch.guests, now)
        keep_signups(database, event, batch.signups, now)
        _keep_credits(database, event, batch.credits, now)
        for table in ("guests", "answers"):
            database.each(
                f"DELETE FROM {table} WHERE event = ? AND person = ?", [(event, key) for key in batch.dropped]
            )
        last = database.number("SELECT coalesce(max(id), 0) FROM answers")
        record_answers(database, event, batch.answers, now)
        earlier["recorded"] = [
            as_int(number) for (number,) in database.execute("SELECT id FROM answers WHERE id > ?", (last,))
        ]
        database.execute(
            'INSERT INTO batches (event, what, earlier, at, "user") VALUES (?, ?, ?, ?, ?)',
            (event, batch.what, json.dumps(earlier), moment_text(now), database.user),
        )


def _stored(
    database: Database, table: str, event: str, column: str, keys: Iterable[str]
) -> dict[str, dict[str, Value] | None]:
    """Return the rows with these keys as the table has them, by their columns; None if there is none."""
    names = [str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")]
    rows = database.execute(f"SELECT {', '.join(names)} FROM {table} WHERE event = ?", (event,))
    found = {str(row[names.index(column)]): dict(zip(names, row, strict=True)) for row in rows}
    return {key: found.get(key) for key in keys}


def undo_batch(database: Database, event: str) -> Undone | None:
    """Take back the last batch of an event; return what was undone, or None if there is none.

    An answer that came later stays; an answer that the batch replaced is in force again.
    """
    with database.transaction():
        rows = database.execute(
            "SELECT id, what, earlier, at FROM batches WHERE event = ? ORDER BY id DESC LIMIT 1", (event,)
        )
        if not rows:
            return None
        ((number, what, text, at),) = rows
        earlier = as_mapping(text)
        taken = [
            (str(person), str(answer))
            for one in earlier["recorded"]
            for person, answer in database.execute("SELECT person, answer FROM answers WHERE id = ?", (one,))
        ]
        database.each("DELETE FROM answers WHERE id = ?", [(one,) for one in earlier["recorded"]])
        database.each(
            "INSERT OR IGNORE INTO answers (id, event, person, answer, source, given, sequence, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(row[0], event, *row[1:]) for row in earlier["answers"]],
        )
        holders = [
            str(holder)
            for key in earlier["rows"]
            for (holder,) in database.execute("SELECT holder FROM signups WHERE event = ? AND key = ?", (event, key))
            if holder
        ]
        _put_back(database, event, "signups", "key", earlier["rows"])
        _put_back(database, event, "guests", "person", earlier["guests"])
        _put_back(database, event, "credits", "person", earlier.get("credits", {}))
        database.execute("DELETE FROM batches WHERE id = ?", (number,))
        no_guests = tuple(key for key, row in earlier["guests"].items() if row is None)
        _drop_unused(database, (*no_guests, *holders), str(at))
        return Undone(str(what), as_moment(at), tuple(taken), no_guests, len(earlier["rows"]))


def _drop_unused(database: Database, keys: Iterable[str], at: str) -> None:
    """Take the people out of the register who came into it with a batch, and whom nothing else concerns.

    Else they would count as members who have left, and their places as free for successors.
    """
    references = [
        (table, str(key[3]))
        for table in as_column(database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
        for key in database.execute(f"PRAGMA foreign_key_list({table})")
        if key[2] == "persons"
    ]
    unused = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = persons.key)" for table, column in references
    )
    database.each(f"DELETE FROM persons WHERE key = ? AND since = ? AND {unused}", [(key, at) for key in keys])


def _put_back(
    database: Database, event: str, table: str, column: str, rows: Mapping[str, Mapping[str, Value] | None]
) -> None:
    for key, row in rows.items():
        database.execute(f"DELETE FROM {table} WHERE event = ? AND {column} = ?", (event, key))
        if row is not None:
            places = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))


def _keep_credits(database: Database, event: str, given: Mapping[str, Credit], now: datetime) -> None:
    with database.transaction():
        database.each(
            """INSERT INTO credits VALUES (?, ?, ?, ?, ?) ON CONFLICT (event, person) DO UPDATE SET
               hours = iif(excluded.hours = '', hours, excluded.hours),
               points = iif(excluded.points = '', points, excluded.points), at = excluded.at""",
            [(event, person, each.hours, each.points, moment_text(now)) for person, each in given.items()],
        )


def keep_form_words(database: Database, event: str, kind: str, words: Mapping[str, str], now: datetime) -> None:
    """Record what a person said of a form.

    :param kind: ``column`` (heading → meaning) or ``answer`` (words → answer).
    """
    database.each(
        "INSERT OR REPLACE INTO form_words VALUES (?, ?, ?, ?, ?)",
        [(event, kind, text, meaning, moment_text(now)) for text, meaning in words.items()],
    )


def form_words(database: Database, event: str, kind: str) -> Mapping[str, str]:
    """Return what was said of an event's form: heading → meaning, or words → answer."""
    rows = database.execute("SELECT words, meaning FROM form_words WHERE event = ? AND kind = ?", (event, kind))
    return {str(words): str(meaning) for words, meaning in rows}


def record_call(database: Database, event: str, call: Call) -> None:
    """Record a telephone call."""
    database.execute(
        'INSERT INTO calls (event, person, caller, note, at, "user") VALUES (?, ?, ?, ?, ?, ?)',
        (event, *columns(call), database.user),
    )


def calls(database: Database, event: str) -> tuple[Call, ...]:
    """Return the telephone calls about an event, oldest first."""
    rows = database.execute("SELECT person, caller, note, at FROM calls WHERE event = ? ORDER BY id", (event,))
    return records(Call, rows)


def changed_at(database: Database, event: str) -> Mapping[str, datetime]:
    """Return person → when their answer, or what they chose, was last recorded."""
    rows = database.execute(
        """SELECT person, max(at) FROM (
               SELECT person, at FROM answers WHERE event = ?1
               UNION ALL SELECT person, at FROM signups WHERE event = ?1 AND person IS NOT NULL AND gone IS NULL
           ) GROUP BY person""",
        (event,),
    )
    return {str(person): as_moment(at) for person, at in rows}


def answers_at(database: Database, event: str, moment: datetime) -> Mapping[str, str]:
    """Return person → answer, as they were recorded at a moment."""
    rows = database.execute(
        "SELECT person, answer FROM answers WHERE event = ? AND at <= ? ORDER BY id", (event, moment_text(moment))
    )
    return {str(person): str(answer) for person, answer in rows}


def record_bounces(database: Database, bounces: Sequence[Bounce]) -> tuple[Bounce, ...]:
    """Record bounces; return those that are new.

    A delivery whose last message bounced counts as refused from then on. A report that was recorded before changes
    nothing, whatever was decided about its message since, and also if the message was sent again since.
    """
    news = []
    with database.transaction():
        for each in bounces:
            if _is_of_an_earlier_attempt(database, each):
                continue
            fresh = database.change(
                "INSERT OR IGNORE INTO bounces (attempt, verdict, reply, digest, at, said) VALUES (?, ?, ?, ?, ?, ?)",
                columns(each),
            )
            if not fresh:
                continue
            news.append(each)
            if each.verdict != DELAYED:
                database.change(
                    "UPDATE deliveries SET state = 'refused', since = ?, reason = ?, code = NULL"
                    " WHERE attempt = ? AND state IN ('sent', 'in doubt')",
                    (moment_text(each.at), each.reply, each.attempt),
                )
    return tuple(news)


def _is_of_an_earlier_attempt(database: Database, bounce: Bounce) -> bool:
    rows = database.execute(
        """SELECT 1 FROM bounces b JOIN attempts earlier ON earlier.id = b.attempt JOIN attempts own ON own.id = ?
           WHERE b.digest = ? AND earlier.id < own.id AND earlier.round = own.round AND earlier.person = own.person""",
        (bounce.attempt, bounce.digest),
    )
    return any(rows)


def refused_mails(database: Database) -> tuple[RefusedMail, ...]:
    """Return the refused and bounced messages of all events.

    Messages about which a person decided otherwise since are left out.
    """
    rows = database.execute(
        """SELECT rounds.event, d.person, d.address, d.since,
                  iif(d.reason LIKE coalesce(d.code, '') || '%', d.reason, d.code || ' ' || d.reason), b.verdict,
                  coalesce(b.said, 0)
           FROM deliveries d JOIN rounds ON rounds.id = d.round
           LEFT JOIN bounces b ON b.id = (
               SELECT max(id) FROM bounces WHERE attempt = d.attempt AND verdict <> 'delayed')
           WHERE d.state = 'refused' ORDER BY d.since"""
    )
    return records(RefusedMail, rows)


def record_answers(database: Database, event: str, answers: Iterable[Answer], now: datetime) -> None:
    """Record answers, all or none; a person's last answer counts."""
    with database.transaction():
        database.each(
            'INSERT INTO answers (event, person, answer, source, given, sequence, comment, at, "user")'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(event, *columns(each), moment_text(now), database.user) for each in answers],
        )


def answers(database: Database, event: str) -> tuple[Answer, ...]:
    """Return every answer, in the order in which they were recorded.

    A person's last answer counts.
    """
    rows = database.execute(
        "SELECT person, answer, source, given, sequence, comment FROM answers WHERE event = ? ORDER BY id", (event,)
    )
    return records(Answer, rows)


def record_strays(database: Database, event: str, strays: Iterable[Stray], now: datetime) -> None:
    """Record answers for which the secretary must decide whose they are.

    Answers that were recorded before are not recorded again.
    """
    with database.transaction():
        database.each(
            "INSERT OR IGNORE INTO stray_answers"
            " (event, person, address, answer, given, comment, delegate, starts, ends, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(event, *columns(each), moment_text(now)) for each in strays],
        )


def strays(database: Database, event: str) -> tuple[Stray, ...]:
    """Return the answers that the secretary must look at, oldest first."""
    rows = database.execute(
        "SELECT person, address, answer, given, comment, delegate, starts, ends FROM stray_answers"
        " WHERE event = ? ORDER BY id",
        (event,),
    )
    return records(Stray, rows)


@dataclass(frozen=True, slots=True)
class Position:
    """The last UID that was read in a folder, under its UIDVALIDITY."""

    validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail of the mailbox that was counted.

    ``digest`` identifies it; ``kind`` is what it is. ``person`` is empty if the mail is not about one person.
    ``message_id`` finds it in its folder again.
    """

    digest: str
    kind: str
    event: str
    person: str
    folder: str
    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A message that is in doubt, by its Message-ID without angle brackets."""

    attempt: int
    round: Round
    person: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The evidence that settled a message in doubt: ``sent`` (the folder), ``report`` or ``reply``."""

    round: Round
    person: str
    how: str
    at: datetime


def mailbox_position(database: Database, account: str, folder: str) -> Position | None:
    """Return how far a folder was read, or None."""
    rows = database.execute(
        "SELECT validity, uid FROM mailbox_positions WHERE account = ? AND folder = ?", (account, folder)
    )
    return next(iter(records(Position, rows)), None)


def advance_mailbox(database: Database, account: str, folder: str, to: Position, now: datetime) -> None:
    """Record how far a folder was read."""
    database.execute(
        "INSERT OR REPLACE INTO mailbox_positions VALUES (?, ?, ?, ?, ?)",
        (account, folder, to.validity, to.uid, moment_text(now)),
    )


def known_mails(database: Database) -> frozenset[str]:
    """Return the digests of the mails that were counted."""
    return frozenset(as_column(database.execute("SELECT digest FROM mailbox_mails")))


def keep_mails(database: Database, mails: Iterable[KeptMail]) -> None:
    """Record mails as counted."""
    database.each(
        "INSERT OR IGNORE INTO mailbox_mails (digest, kind, event, person, folder, message_id, at)"
        " VALUES (?, ?, ?, nullif(?, ''), ?, ?, ?)",
        map(columns, mails),
    )


def waiting_replies(database: Database) -> tuple[KeptMail, ...]:
    """Return the unsettled replies by people, oldest first."""
    rows = database.execute(
        "SELECT digest, kind, event, coalesce(person, ''), folder, message_id, at FROM mailbox_mails"
        " WHERE kind IN ('reply', 'opt-out') AND settled IS NULL ORDER BY at, digest"
    )
    return records(KeptMail, rows)


def settle_reply(database: Database, digest: str, now: datetime) -> None:
    """Record that a person dealt with a reply."""
    database.execute("UPDATE mailbox_mails SET settled = ? WHERE digest = ?", (moment_text(now), digest))


def mails_in_doubt(database: Database, *, traceable: bool = False) -> tuple[InDoubt, ...]:
    """Return the messages that are in doubt, of all events.

    :param traceable: without those that somebody said to send again: a trace of the Message-ID in the mailbox may be
        of the earlier attempt, which has the same one.
    """
    rows = database.execute(
        """SELECT a.id, event, mailing, edition, d.person, trim(a.message_id, '<>') FROM deliveries d
           JOIN rounds ON rounds.id = d.round JOIN attempts a ON a.id = d.attempt
           WHERE d.state = 'in doubt' AND NOT (? AND EXISTS (
               SELECT 1 FROM attempts earlier JOIN resolutions ON resolutions.attempt = earlier.id
               WHERE earlier.message_id = a.message_id AND earlier.id < a.id AND word = 'send-again'))""",
        (traceable,),
    )
    return records(InDoubt, rows)


def record_finding(database: Database, doubt: InDoubt, how: str, now: datetime) -> None:
    """Record what settled a message that was in doubt."""
    database.execute("INSERT OR IGNORE INTO findings VALUES (?, ?, ?)", (doubt.attempt, how, moment_text(now)))


def findings(database: Database, event: str) -> tuple[Finding, ...]:
    """Return what settled the messages of an event that were in doubt, oldest first."""
    rows = database.execute(
        """SELECT event, mailing, edition, a.person, how, f.at FROM findings f JOIN attempts a ON a.id = f.attempt
           JOIN rounds ON rounds.id = a.round WHERE event = ? ORDER BY f.at, a.id""",
        (event,),
    )
    return records(Finding, rows)


def note_mailbox_read(database: Database, now: datetime, *, failed: bool, until: datetime | None = None) -> None:
    """Record that the mailbox was read, or could not be read.

    :param until: the server asked not to be asked before.
    """
    if not failed:
        database.execute("DELETE FROM mailbox_failing")
        return
    if mailbox_failing_since(database) is None:
        database.execute("INSERT INTO mailbox_failing (since) VALUES (?)", (moment_text(now),))
    database.execute("UPDATE mailbox_failing SET until = ?", (moment_text(until) if until else None,))


def mailbox_waits_until(database: Database) -> datetime | None:
    """Return the moment before which the server does not want to be asked; None if it did not say so."""
    return next((as_moment(at) for (at,) in database.execute("SELECT until FROM mailbox_failing") if at), None)


def mailbox_failing_since(database: Database) -> datetime | None:
    """Return since when the mailbox cannot be read; None if it was read."""
    return next((as_moment(at) for (at,) in database.execute("SELECT since FROM mailbox_failing")), None)
