"""Deliveries and attempts: claim, record, settle, expire, resolve; and the letters and files that were sent.

The exact bytes of certificates, and of attachments for one person, are kept, so that a retry sends the same ones, and
so that it can be shown for years what a person was sent.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from mkwmail.addresses import address_key
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _
from mkwmail.ledger.database import (
    Database,
    Value,
    as_column,
    as_int,
    as_mapping,
    as_moment,
    as_round,
    columns,
    int_or_none,
    moment_or_none,
    records,
    text_or_none,
)
from mkwmail.ledger.journal import Journal
from mkwmail.ledger.models import (
    Attempt,
    Claim,
    Credit,
    Delivery,
    Facts,
    Result,
    Round,
    SentMail,
    Settled,
    State,
    moment_text,
)
from mkwmail.ledger.rounds import round_number


def facts_of(database: Database, event: str) -> tuple[str, ...]:
    """Return the documents of all versions of an event's facts, from 0 on.

    A claim adds to them.
    """
    return as_column(database.execute("SELECT document FROM facts WHERE event = ? ORDER BY version", (event,)))


def carry(database: Database, event: str, carried: Sequence[tuple[int, Facts]], now: datetime) -> None:
    """Record the version of the facts that each claimed message carries.

    ``carried`` has attempts with their facts. A version exists from its first claim on.

    :raises ValueError: if a version is neither known nor the next one.
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


# A person's decision about an attempt has precedence over its result; without a result it is being sent.
_REACHED = """SELECT attempts.person, carried.version, carried.method,
        coalesce(said.word, results.state, 'sending') AS state
    FROM carried JOIN attempts ON attempts.id = carried.attempt
    LEFT JOIN results ON results.attempt = attempts.id
    LEFT JOIN resolutions said ON said.attempt = attempts.id
        AND said.rowid = (SELECT max(rowid) FROM resolutions WHERE attempt = attempts.id)
    WHERE carried.event = ?
        AND coalesce(said.word, results.state, 'sending') IN ('sent', 'in doubt', 'sending')"""


def facts_told(database: Database, event: str) -> Mapping[str, tuple[int, ...]]:
    """Return person → the versions of the facts they may know.

    One of these is the version that the person was told last. The newest message comes first, and is the likeliest.
    The version is that of the last message; if this is in doubt, also that of the message before it, and so on until
    one that was certainly sent.
    """
    found: dict[str, list[int]] = {}
    certain: set[str] = set()
    for who, version, _method, state in database.execute(f"{_REACHED} ORDER BY attempts.id DESC", (event,)):
        person = str(who)
        if person in certain:
            continue
        found.setdefault(person, []).append(as_int(version))
        if state == State.SENT:
            certain.add(person)
    return {person: tuple(numbers) for person, numbers in found.items()}


def entry_method(database: Database, event: str) -> str:
    """Return the method of the first calendar entry sent; empty if none was.

    The event keeps this method.
    """
    rows = database.execute(f"{_REACHED} AND carried.method <> '' ORDER BY attempts.id LIMIT 1", (event,))
    return str(rows[0][2]) if rows else ""


Word = Literal["sent", "send-again"]
_LONGEST_REASON = 1000
_NEWEST = "SELECT max(seq) FROM sqlite_sequence WHERE name = 'attempts'"


def of_event(database: Database, event: str) -> tuple[Delivery, ...]:
    """Return the deliveries of all rounds of an event, by round and attempt.

    A person without one was never claimed. Only deliveries that can be sent again have their values: those of a
    hundred thousand sent ones are not read.
    """
    rounds: dict[Value, Round] = {}
    letters: dict[Value, str] = {}
    found = []
    for row in database.execute(
        """SELECT d.round, mailing, edition, d.person, d.address, state, since, not_before, d.tries, code, reason,
                  last.approval, letter, "values", message_id, date, carried.version
           FROM deliveries d JOIN rounds ON rounds.id = d.round
           LEFT JOIN (SELECT id, approval FROM attempts) last ON last.id = d.attempt
           LEFT JOIN attempts again ON again.id = d.attempt AND state IN ('planned', 'deferred')
           LEFT JOIN carried ON carried.attempt = d.attempt
           WHERE rounds.event = ? ORDER BY d.round, d.attempt""",
        (event,),
    ):
        number, mailing, edition, person, address, state, since, not_before, tries, code, reason = row[:11]
        approval, letter, values, message_id, date, version = row[11:]
        if number not in rounds:
            rounds[number] = as_round(event, mailing, edition)
        found.append(
            Delivery(
                rounds[number],
                str(person),
                str(address),
                State(str(state)),
                as_moment(since),
                moment_or_none(not_before),
                as_int(tries),
                int_or_none(code),
                str(reason),
                int_or_none(approval),
                letters.setdefault(letter, str(letter)) if letter else None,
                as_mapping(values),
                str(message_id) if message_id else None,
                moment_or_none(date),
                int_or_none(version),
            )
        )
    return tuple(found)


def attempts(database: Database, of: Round, person: str) -> tuple[Attempt, ...]:
    """Return the attempts for one person in one round, oldest first.

    They give the sent messages, to the byte.
    """
    rows = database.execute(
        """SELECT a.id, event, mailing, edition, a.person, a.address, letter, "values", message_id, date, sha256, tries,
                  approval, claimed, coalesce(results.state, 'sending'), code, coalesce(reason, ''), results.at
           FROM attempts a JOIN rounds ON rounds.id = a.round LEFT JOIN results ON results.attempt = a.id
           WHERE (event, mailing, edition, a.person) = (?, ?, ?, ?) ORDER BY a.id""",
        (of.event, of.mailing, of.edition, person),
    )
    return records(Attempt, rows)


def claim(
    database: Database, of: Round, claims: Sequence[Claim], now: datetime, run: int, journal: str | None
) -> tuple[int, ...]:
    """Make the claims durable, all or none; return the attempts' numbers.

    The database refuses a person who was mailed, is being mailed or is in doubt, and a second mail for an address.
    """
    at = moment_text(now)
    with database.transaction():
        number, approval, newest = _for_claims(database, of)
        numbered = tuple(enumerate(claims, newest + 1))
        database.together(
            """INSERT INTO attempts (id, round, person, address, tries, letter, "values", message_id, date,
               sha256, approval, run, journal, claimed) {rows}""",
            [
                (
                    *(attempt, number, each.person, each.address, each.tries, each.letter),
                    *(json.dumps(dict(each.values)), each.message_id),
                    *(moment_text(each.date), each.digest),
                    *(approval, run, journal, at),
                )
                for attempt, each in numbered
            ],
        )
        carry(database, of.event, [(attempt, each.facts) for attempt, each in numbered if each.facts], now)
        database.together(
            """INSERT INTO deliveries (round, person, address, address_key, state, since, attempt) {rows}
               ON CONFLICT (round, person) DO UPDATE SET address = excluded.address,
               address_key = excluded.address_key, state = excluded.state, since = excluded.since,
               attempt = excluded.attempt, not_before = NULL, code = NULL, reason = ''""",
            [
                (number, each.person, each.address, address_key(each.address), State.SENDING.value, at, attempt)
                for attempt, each in numbered
            ],
        )
    return tuple(attempt for attempt, _each in numbered)


def _for_claims(database: Database, of: Round) -> tuple[int, int | None, int]:
    """Return the numbers of the round, the approval and the newest attempt.

    The approval is the one in force. One statement, because it is run often.
    """
    ((number, approval, newest),) = database.execute(
        f"""SELECT (SELECT id FROM rounds WHERE (event, mailing, edition) = (?, ?, ?)),
            (SELECT max(id) FROM approvals WHERE event = ? AND mailing = ?), ({_NEWEST})""",
        (of.event, of.mailing, of.edition, of.event, of.mailing),
    )
    return as_int(number) or round_number(database, of), int_or_none(approval), as_int(newest)


def record(database: Database, results: Iterable[Result], now: datetime) -> None:
    """Make the ends of attempts durable, all or none.

    :raises UserError: code LEDGER_FAULT if an attempt is not being sent; nothing is recorded then.
    """
    at = moment_text(now)
    ended = [(each.attempt, *_ended(each, now), at) for each in results]
    with database.transaction():
        changed = database.together(
            """UPDATE deliveries SET state = ended.column2, code = ended.column3, reason = ended.column4,
               not_before = ended.column5, since = ended.column6, tries = tries + (ended.column2 <> 'planned')
               FROM ({rows}) AS ended WHERE attempt = ended.column1 AND deliveries.state = 'sending'""",
            ended,
        )
        if changed != len(ended):
            raise _settled_by_another(database)
        database.together("INSERT INTO results (attempt, state, code, reason, not_before, at) {rows}", ended)


def _ended(result: Result, now: datetime) -> tuple[str, int | None, str, str | None]:
    # Only a deferred message waits; without a moment it may be sent at once.
    wait = moment_text(result.not_before or now) if result.state is State.DEFERRED else None
    return result.state.value, result.code, _plain(result.reason), wait


def _settled_by_another(database: Database) -> UserError:
    fault = _("another run has decided about messages in %(file)s that this one still had under way")
    remedy = _("run the same command again; what is in doubt then is settled with mkwmail resolve")
    return user_error(str(database.path), fault, remedy, code=ExitCode.LEDGER_FAULT, file=database.path.name)


def settle(
    database: Database, journal: Journal | None, boot: str, now: datetime, is_newest: Callable[[str | None], bool]
) -> Settled:
    """Settle the messages of an interrupted run.

    The lock proves that the run has ended. ``is_newest`` checks whether the journal is the last one of the run with
    this token, and not an older one that was put back.
    """
    ends: list[Result] = []
    replied = 0
    with database.transaction():
        rows = database.execute(
            "SELECT attempt, journal, token FROM deliveries JOIN attempts ON attempts.id = deliveries.attempt"
            " LEFT JOIN runs ON runs.id = attempts.run WHERE state = 'sending'"
        )
        for attempt, nonce, token in ((as_int(row[0]), text_or_none(row[1]), text_or_none(row[2])) for row in rows):
            reply = journal.reply_to(attempt, nonce) if journal else None
            if reply is not None:
                replied += 1
                ends.append(reply)
            elif journal is not None and is_newest(token) and journal.proves_unbegun(attempt, nonce, boot):
                ends.append(Result(attempt, State.PLANNED))
            else:
                reason = _("the program was stopped before the server's answer was recorded")
                ends.append(Result(attempt, State.IN_DOUBT, reason=reason))
        record(database, ends, now)
    released = sum(end.state is State.PLANNED for end in ends)
    doubtful = sum(end.state is State.IN_DOUBT for end in ends)
    return Settled(replied, released, doubtful)


def put_in_doubt(database: Database, of: Round, claims: Sequence[Claim], reason: str, now: datetime, run: int) -> int:
    """Record that these people may have had a mailing already; return how many.

    ``claims`` are of messages that the ledger does not have. People who had the mailing, are in doubt or were refused
    are left as they are.
    """
    with database.transaction():
        number = round_number(database, of)
        rows = database.execute("SELECT person, address_key, state FROM deliveries WHERE round = ?", (number,))
        open_states = (State.PLANNED, State.DEFERRED, State.EXPIRED)
        decided = {str(person) for person, _key, state in rows if state not in open_states}
        used = {str(key) for _person, key, state in rows if state in (State.SENT, State.IN_DOUBT, State.SENDING)}
        chosen = []
        for each in claims:
            key = address_key(each.address)
            if each.person not in decided and key not in used:
                used.add(key)
                decided.add(each.person)
                chosen.append(each)
        if not chosen:
            return 0
        attempts = claim(database, of, chosen, now, run, None)
        record(database, [Result(attempt, State.IN_DOUBT, reason=reason) for attempt in attempts], now)
    return len(chosen)


def continue_above(database: Database, number: int) -> None:
    """Give later attempts numbers above this one."""
    with database.transaction():
        if newest_attempt(database) < number:
            database.execute("DELETE FROM sqlite_sequence WHERE name = 'attempts'")
            database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('attempts', ?)", (number,))


def newest_attempt(database: Database) -> int:
    """Return the highest number that an attempt ever had, even a removed one."""
    return database.number(_NEWEST)


def last_claim(database: Database) -> datetime | None:
    """Return when the newest message of all events was claimed."""
    ((claimed,),) = database.execute("SELECT max(claimed) FROM attempts")
    return moment_or_none(claimed)


def expire(database: Database, of: Round, persons: Iterable[str], now: datetime) -> None:
    """Record that the mailing's latest moment passed for these persons.

    Deliveries that were sent, are in doubt or were refused do not change.
    """
    with database.transaction():
        number, at = round_number(database, of), moment_text(now)
        database.each(
            """INSERT INTO deliveries (round, person, address, address_key, state, since)
               SELECT ?, key, address, address, 'expired', ? FROM persons WHERE key = ?
               ON CONFLICT (round, person) DO UPDATE SET state = 'expired', since = excluded.since,
               not_before = NULL WHERE state IN ('planned', 'deferred')""",
            [(number, at, person) for person in persons],
        )


_LAST_WORD = "(SELECT word FROM resolutions WHERE attempt = deliveries.attempt ORDER BY rowid DESC LIMIT 1)"


def words_said(database: Database, event: str) -> Mapping[tuple[Round, str], Word]:
    """Return (round, person) → the word that decided about the message.

    Only of messages that nothing has happened to since: the word can be taken back by the other one.
    """
    rows = database.execute(
        f"SELECT mailing, edition, person, {_LAST_WORD} AS word FROM deliveries JOIN rounds ON rounds.id = round"
        " WHERE event = ? AND ((state, word) = ('sent', 'sent') OR (state, word) = ('planned', 'send-again'))",
        (event,),
    )
    return {
        (as_round(event, mailing, edition), str(person)): "sent" if word == "sent" else "send-again"
        for mailing, edition, person, word in rows
    }


def resolve(database: Database, of: Round, person: str, word: Word, now: datetime) -> None:
    """Apply a person's decision about a message in doubt or refused.

    ``word`` is ``sent`` or ``send-again``. A later decision takes an earlier one back, until the message is sent again.

    :raises UserError: code USAGE if there is no such message.
    """
    with database.transaction():
        rows = database.execute(
            f"SELECT attempt, round, state, {_LAST_WORD} AS said FROM deliveries JOIN rounds ON rounds.id = round"
            " WHERE (event, mailing, edition, person) = (?1, ?2, ?3, ?4) AND (state IN ('in doubt', 'refused')"
            " OR (state, said, ?5) IN (VALUES ('sent', 'sent', 'send-again'), ('planned', 'send-again', 'sent')))",
            (of.event, of.mailing, of.edition, person, word),
        )
        if not rows:
            fault = _("nothing of %(mailing)s is in doubt or refused for this member")
            raise user_error(
                "", fault, _("see: mkwmail status %(event)s"), code=ExitCode.USAGE, mailing=of.mailing, event=of.event
            )
        attempt, number, *_rest = rows[0]
        at = moment_text(now)
        database.execute(
            'INSERT INTO resolutions (attempt, word, at, "user") VALUES (?, ?, ?, ?)',
            (attempt, word, at, database.user),
        )
        state = State.SENT if word == "sent" else State.PLANNED
        database.execute(
            "UPDATE deliveries SET state = ?, since = ? WHERE round = ? AND person = ?",
            (state.value, at, number, person),
        )


def sent_times(database: Database, since: datetime) -> tuple[datetime, ...]:
    """Return when messages were sent, or may have been, since a moment.

    Oldest first, of all events.
    """
    rows = database.execute(
        "SELECT at FROM results WHERE at >= ? AND state IN ('sent', 'in doubt') ORDER BY at", (moment_text(since),)
    )
    return tuple(as_moment(at) for (at,) in rows)


def _plain(reason: str) -> str:
    """Return a server's reply for storage: UTF-8, printable, not too long."""
    if reason.isascii() and reason.isprintable():
        return reason[:_LONGEST_REASON]
    text = reason.encode("utf-8", "replace").decode("utf-8")
    return "".join(char if char.isprintable() else " " for char in text)[:_LONGEST_REASON]


def sent_mails(database: Database) -> tuple[SentMail, ...]:
    """Return every message that was sent, or may have been, of all events.

    They are in the order of the attempts.
    """
    rows = database.execute(
        """SELECT a.id, event, mailing, edition, a.person, a.address, message_id, claimed
           FROM attempts a JOIN rounds ON rounds.id = a.round JOIN results ON results.attempt = a.id
           WHERE results.state IN ('sent', 'in doubt') ORDER BY a.id"""
    )
    return records(SentMail, rows)


def keep_letter(database: Database, dump: bytes) -> str:
    """Store a letter, compressed and once, and return its name.

    The name is its SHA-256 in hex.
    """
    name = hashlib.sha256(dump).hexdigest()
    if not database.number("SELECT count(*) FROM letters WHERE hash = ?", (name,)):
        database.execute("INSERT OR IGNORE INTO letters VALUES (?, ?)", (name, zlib.compress(dump)))
    return name


def letter(database: Database, name: str) -> bytes:
    """Return the letter with this name.

    :raises KeyError: if there is none.
    """
    for (body,) in database.execute("SELECT body FROM letters WHERE hash = ?", (name,)):
        if isinstance(body, bytes):
            return zlib.decompress(body)
    raise KeyError(name)


_QUICKLY = 1_000_000  # octets; such a file is compressed already as a rule


class KeptCertificate(NamedTuple):
    """A certificate that was made for a person.

    ``content`` is what it says, ``sha256`` the SHA-256 of the PDF.
    """

    person: str
    number: str
    content: Mapping[str, object]
    sha256: str
    at: datetime


def keep_file(database: Database, event: str, person: str, data: bytes) -> str:
    """Keep a person's file, compressed, and each content once; return its SHA-256 in hex."""
    name = hashlib.sha256(data).hexdigest()
    with database.transaction():
        if not database.number("SELECT count(*) FROM files WHERE sha256 = ?", (name,)):
            body = zlib.compress(data, 1 if len(data) > _QUICKLY else 6)
            database.execute("INSERT OR IGNORE INTO files VALUES (?, ?)", (name, body))
        database.execute("INSERT OR IGNORE INTO files_of VALUES (?, ?, ?)", (event, person, name))
    return name


def has_file(database: Database, event: str, person: str, sha256: str) -> bool:
    """Check whether a person's file is kept."""
    values = (event, person, sha256)
    return bool(database.number("SELECT count(*) FROM files_of WHERE (event, person, sha256) = (?, ?, ?)", values))


def file(database: Database, sha256: str) -> bytes:
    """Return a file by its SHA-256.

    :raises UserError: code LEDGER_FAULT if the ledger's copy is not that file.
    """
    for (body,) in database.execute("SELECT body FROM files WHERE sha256 = ?", (sha256,)):
        if isinstance(body, bytes):
            data = zlib.decompress(body)
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
    fault = _("the ledger's copy of a personal file is not what was sent")
    raise user_error(str(database.path), fault, _("restore the ledger from a backup"), code=ExitCode.LEDGER_FAULT)


def certificates(database: Database, event: str) -> dict[str, KeptCertificate]:
    """Return person → the newest certificate that was made for them."""
    rows = database.execute(
        "SELECT person, number, content, sha256, at FROM certificates WHERE event = ? ORDER BY id", (event,)
    )
    return {each.person: each for each in records(KeptCertificate, rows)}


def certificates_of_person(database: Database, person: str) -> int:
    """Return for how many events a certificate was made for a person."""
    return database.number("SELECT count(DISTINCT event) FROM certificates WHERE person = ?", (person,))


def keep_certificates(database: Database, event: str, made: Iterable[tuple[KeptCertificate, bytes]]) -> None:
    """Keep certificates with their PDFs, all or none."""
    with database.transaction():
        for each, data in made:
            keep_file(database, event, each.person, data)
            database.execute(
                "INSERT INTO certificates (event, person, number, content, sha256, at) VALUES (?, ?, ?, ?, ?, ?)",
                (event, *columns(each)),
            )


def credits_of(database: Database, event: str) -> dict[str, Credit]:
    """Return person → their own hours and points."""
    rows = database.execute("SELECT person, hours, points FROM credits WHERE event = ?", (event,))
    return {str(person): Credit(str(hours), str(points)) for person, hours, points in rows}
