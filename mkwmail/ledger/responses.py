"""Responses: sign-ups, guests, bounces and answers."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from mkwmail.ledger.database import (
    Database,
    as_column,
    as_mapping,
    as_moment,
    as_texts,
    int_or_none,
    moment_or_none,
    text_or_none,
)
from mkwmail.ledger.models import (
    Answer,
    Bounce,
    Guest,
    KeptSignup,
    RefusedMail,
    Stray,
    moment_text,
)

#: The verdict that is not a bounce: the server is still trying.
DELAYED = "delayed"


def keep_signups(database: Database, event: str, rows: Iterable[KeptSignup], now: datetime) -> None:
    """Record the rows of an export, replacing their earlier versions."""
    with database.transaction():
        database.each(
            "INSERT OR REPLACE INTO signups (event, key, person, digest, answer, name, address, organisation, number,"
            " moment, asked, dietary, doubt, gone, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(event, each.key, each.person, each.digest, each.answer),
                    *(each.name, each.address, each.organisation, each.number),
                    moment_text(each.moment) if each.moment else None,
                    *(json.dumps(dict(each.asked)), json.dumps(dict(each.dietary)), each.doubt),
                    moment_text(each.gone) if each.gone else None,
                    moment_text(each.at or now),
                )
                for each in rows
            ],
        )


def signups(database: Database, event: str) -> tuple[KeptSignup, ...]:
    """Return the newest version of each row of the exports, oldest first."""
    rows = database.execute(
        "SELECT key, person, digest, answer, name, address, organisation, number, moment, gone, at, asked,"
        " dietary, doubt FROM signups WHERE event = ? ORDER BY at, key",
        (event,),
    )
    found = []
    for *texts, moment, gone, at, asked, dietary, doubt in rows:
        key, person, digest, answer, name, address, organisation, number = texts
        found.append(
            KeptSignup(
                key=str(key),
                person=text_or_none(person),
                digest=str(digest),
                answer=str(answer),
                name=str(name),
                address=str(address),
                organisation=str(organisation),
                number=str(number),
                moment=moment_or_none(moment),
                asked=as_mapping(asked),
                dietary=as_mapping(dietary),
                doubt=str(doubt),
                gone=moment_or_none(gone),
                at=moment_or_none(at),
            )
        )
    return tuple(found)


def add_guests(database: Database, event: str, guests: Iterable[Guest], now: datetime) -> None:
    """Record guests, who are not members; known guests are updated.

    They must be enlisted (:func:`mkwmail.ledger.people.enlist`).
    """
    database.each(
        "INSERT OR REPLACE INTO guests (event, person, name, address, organisation, at) VALUES (?, ?, ?, ?, ?, ?)",
        [(event, each.person, each.name, each.address, each.organisation, moment_text(now)) for each in guests],
    )


def guests(database: Database, event: str) -> tuple[Guest, ...]:
    """Return the people who signed up for an event and are not members."""
    rows = database.execute(
        "SELECT person, name, address, organisation FROM guests WHERE event = ? ORDER BY at, person", (event,)
    )
    return tuple(Guest(*as_texts(row)) for row in rows)


def guest_keys(database: Database) -> frozenset[str]:
    """Return the keys of the guests of all events.

    A guest is not in the member list, but has not left it.
    """
    return frozenset(as_column(database.execute("SELECT DISTINCT person FROM guests")))


def record_bounces(database: Database, bounces: Sequence[Bounce]) -> tuple[Bounce, ...]:
    """Record bounces; return those that are new.

    A delivery whose last message bounced counts as refused from then on. A report that was recorded before changes
    nothing, whatever was decided about its message since.
    """
    news = []
    with database.transaction():
        for each in bounces:
            fresh = database.change(
                "INSERT OR IGNORE INTO bounces (attempt, verdict, reply, said, digest, at) VALUES (?, ?, ?, ?, ?, ?)",
                (each.attempt, each.verdict, each.reply, int(each.said), each.digest, moment_text(each.at)),
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


def refused_mails(database: Database) -> tuple[RefusedMail, ...]:
    """Return the refused and bounced messages of all events.

    Messages about which a person decided otherwise since are left out.
    """
    rows = database.execute(
        """SELECT rounds.event, d.person, d.address, d.since, coalesce(d.code, ''), d.reason, b.verdict, b.said
           FROM deliveries d JOIN rounds ON rounds.id = d.round
           LEFT JOIN bounces b ON b.id = (
               SELECT max(id) FROM bounces WHERE attempt = d.attempt AND verdict <> 'delayed')
           WHERE d.state = 'refused' ORDER BY d.since"""
    )
    return tuple(
        RefusedMail(
            event=str(event),
            person=str(person),
            address=str(address),
            at=as_moment(since),
            reply=_words_of(str(code), str(reason)),
            verdict=text_or_none(verdict),
            said=bool(said),
        )
        for event, person, address, since, code, reason, verdict, said in rows
    )


def _words_of(code: str, reason: str) -> str:
    """Return a server's reply with its code once."""
    return reason if reason.startswith(code) else f"{code} {reason}"


def record_answers(database: Database, event: str, answers: Iterable[Answer], now: datetime) -> None:
    """Record answers, all or none; a person's last answer counts."""
    with database.transaction():
        database.each(
            "INSERT INTO answers (event, person, answer, source, given, sequence, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (event, each.person, each.answer, each.source, moment_text(each.given), each.sequence, moment_text(now))
                for each in answers
            ],
        )


def answers(database: Database, event: str) -> tuple[Answer, ...]:
    """Return every answer, in the order in which they were recorded.

    A person's last answer counts.
    """
    rows = database.execute(
        "SELECT person, answer, source, given, sequence FROM answers WHERE event = ? ORDER BY id", (event,)
    )
    return tuple(
        Answer(
            str(person),
            str(answer),
            str(source),
            as_moment(given),
            int_or_none(sequence),
        )
        for person, answer, source, given, sequence in rows
    )


def record_strays(database: Database, event: str, strays: Iterable[Stray], now: datetime) -> None:
    """Record answers for which the secretary must decide whose they are.

    Answers that were recorded before are not recorded again.
    """
    with database.transaction():
        database.each(
            "INSERT OR IGNORE INTO stray_answers (event, person, address, answer, given, at) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (event, each.person, each.address, each.answer, moment_text(each.given), moment_text(now))
                for each in strays
            ],
        )


def strays(database: Database, event: str) -> tuple[Stray, ...]:
    """Return the answers that the secretary must look at, oldest first."""
    rows = database.execute(
        "SELECT person, address, answer, given FROM stray_answers WHERE event = ? ORDER BY id", (event,)
    )
    return tuple(
        Stray(text_or_none(person), str(address), str(answer), as_moment(given))
        for person, address, answer, given in rows
    )
