"""A person's data in the ledger, to show or erase, and an event's personal data.

The rest does not identify anybody. A keyed hash replaces every address, so that a person who had a mailing is
recognised and never gets it twice.
"""

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.i18n import _
from mkwmail.ledger.database import (
    Database,
    Row,
    Value,
    as_column,
    as_int,
    as_mapping,
    as_moment,
    as_texts,
    moment_or_none,
    records,
)
from mkwmail.ledger.models import COPIED_PERSON, Purged, moment_text
from mkwmail.ledger.people import Person, folded, is_mark, mark, marks_of
from mkwmail.ledger.responses import answers

#: The letter of an attempt whose letter was removed.
NO_LETTER = hashlib.sha256(b"").hexdigest()

# Replaces a reason, which cannot be empty.
_UNSAID = "-"


class LooseSignup(NamedTuple):
    """A row of a sign-up export of which it is not certain whose it is.

    ``holder``: the key of the person at the row's own address; empty if that is not known.
    """

    event: str
    key: str
    name: str
    address: str
    organisation: str
    holder: str


def loose_signups(database: Database) -> tuple[LooseSignup, ...]:
    """Return the rows of sign-up exports that are not matched to a person yet, in all events."""
    rows = database.execute(
        "SELECT event, key, name, address, organisation, coalesce(holder, '') FROM signups"
        " WHERE person IS NULL ORDER BY event, at, key"
    )
    return records(LooseSignup, rows)


def addresses_of(database: Database, person: Person) -> frozenset[str]:
    """Return the keys of all addresses at which a person was known or mailed."""
    used = as_column(database.execute("SELECT DISTINCT address_key FROM deliveries WHERE person = ?", (person.key,)))
    return frozenset(each for each in {person.address, *person.former, *used} if each and not is_mark(each))


def is_theirs(person: Person, addresses: Collection[str], row: LooseSignup) -> bool:
    """Check whether a row is a person's, by its address, or by its name and organisation.

    :param addresses: the keys of the addresses that are only this person's.
    """
    if row.address and address_key(row.address) in addresses:
        return True
    places = {folded(row.organisation), folded(person.organisation)} - {""}
    return bool(row.name.strip()) and folded(row.name) == folded(person.name) and len(places) < 2


def own_addresses(database: Database, person: Person) -> frozenset[str]:
    """Return the keys of a person's addresses, except those that another person has now.

    A successor has the address now: what came from there may be theirs.
    """
    others = as_column(database.execute("SELECT address FROM persons WHERE key <> ?", (person.key,)))
    return addresses_of(database, person) - set(others)


def forget(database: Database, secret: bytes, people: Iterable[Person], signups: Iterable[LooseSignup] = ()) -> None:
    """Remove the data of these persons, in all events.

    Their answers stay, under a key that does not identify anybody. ``signups``: rows to remove besides those that are
    certainly theirs (:func:`is_theirs`).
    """
    with database.transaction():
        for person in people:
            _forget(database, secret, person)
        _drop_signups(database, signups)
        _drop_names(database, signups)
        _drop_letters(database)
        _drop_files(database)
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
        of_event = ("answers", "stray_answers", "signups", "guests", "batches", "calls", "form_words")
        for table in (*of_event, "certificates", "credits", "files_of"):
            database.execute(f"DELETE FROM {table} WHERE event = ?", (event,))
        _blank_mails(database, "event = ?", event)
        database.execute("DELETE FROM left_out WHERE event = ?", (event,))
        database.execute("DELETE FROM proofs WHERE event = ?", (event,))
        rounds = [as_int(number) for (number,) in database.execute("SELECT id FROM rounds WHERE event = ?", (event,))]
        for number in rounds:
            database.execute("DELETE FROM skips WHERE round = ?", (number,))
            _empty(database, secret, "round = ?", (number,))
        for number, sources in _approved(database, "WHERE event = ?", (event,)):
            _write_approved(database, number, {name: _FILE.sub("", text) for name, text in sources.items()}, sources)
        _drop_letters(database)
        _drop_files(database)
        database.execute("INSERT OR IGNORE INTO to_wipe VALUES (1)")


def drop_dietary(database: Database, event: str) -> None:
    """Remove an event's dietary wishes.

    They may reveal a person's health or religion (GDPR, article 9).
    """
    with database.transaction():
        database.execute("UPDATE signups SET dietary = '{}' WHERE event = ?", (event,))
        # The answers that an import replaced can hold dietary wishes too: they can no longer be restored.
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
               OR EXISTS (SELECT 1 FROM certificates WHERE event = ?1)
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
           UNION SELECT holder FROM signups WHERE holder IS NOT NULL UNION SELECT person FROM calls
           UNION SELECT person FROM certificates UNION SELECT person FROM credits UNION SELECT person FROM files_of""",
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
    addresses, own = addresses_of(database, person), own_addresses(database, person)
    loose = [each for each in loose_signups(database) if is_theirs(person, own, each)]
    marks = marks_of(secret, addresses, person.name, person.organisation, person.number)
    database.each("INSERT OR IGNORE INTO forgotten VALUES (?, ?)", [(person.key, each) for each in sorted(marks)])
    database.execute("DELETE FROM former_addresses WHERE person = ?", key)
    database.each("DELETE FROM proofs WHERE lower(address) = lower(?)", [(each,) for each in sorted(addresses)])
    if not is_mark(person.address):
        database.execute(
            "UPDATE persons SET address = ?, name = '', organisation = '', number = '' WHERE key = ?",
            (mark(secret, person.address or f"of {person.key}"), person.key),
        )
    _drop_file_names(database, person)
    _empty(database, secret, "person = ?", key)
    _empty_copies(database, person.key)
    database.execute("DELETE FROM skips WHERE person = ?", key)
    database.execute("UPDATE answers SET comment = '' WHERE person = ?", key)
    database.execute("UPDATE left_out SET reason = ? WHERE person = ?", (_UNSAID, person.key))
    for table in ("signups", "guests", "stray_answers", "calls", "certificates", "credits", "files_of"):
        database.execute(f"DELETE FROM {table} WHERE person = ?", key)
    database.execute("DELETE FROM signups WHERE holder = ?", key)
    # An answer to their invitation from another address has their name.
    maybe = "EXISTS (SELECT 1 FROM json_each(maybe) WHERE value = ?)"
    database.execute(f"DELETE FROM signups WHERE person IS NULL AND key LIKE 'mail %' AND {maybe}", key)
    _blank_mails(database, "person = ?", person.key)
    # As the register compares them: letters outside ASCII in a domain have two spellings.
    for table, name, column in (
        ("signups", "key", "address"),
        ("stray_answers", "id", "address"),
        ("stray_answers", "id", "delegate"),
    ):
        found = database.execute(f"SELECT {name}, {column} FROM {table} WHERE {column} <> ''")
        database.each(
            f"DELETE FROM {table} WHERE {name} = ?", [(row,) for row, at in found if address_key(str(at)) in own]
        )
    _drop_signups(database, loose)
    _drop_names(database, [person, *loose])


def _drop_signups(database: Database, rows: Iterable[LooseSignup]) -> None:
    database.each("DELETE FROM signups WHERE event = ? AND key = ?", [(each.event, each.key) for each in rows])


def _drop_names(database: Database, people: Iterable[Person | LooseSignup]) -> None:
    """Remove names and addresses of people from texts about other people.

    These are the doubts about other sign-ups, and the words of a form that a person explained.
    """
    # The answers that an import replaced hold names: no import can be undone any more.
    database.execute("DELETE FROM batches")
    words = {text for each in people for text in (each.name.strip(), each.address) if text and not is_mark(text)}
    for word in sorted(words, key=len, reverse=True):
        database.execute("UPDATE signups SET doubt = replace(doubt, ?, '…') WHERE instr(doubt, ?)", (word, word))
    rows: list[Row] = database.execute("SELECT event, kind, words FROM form_words")
    named = [row for row in rows if any(folded(word) in folded(str(row[2])) for word in words)]
    database.each("DELETE FROM form_words WHERE event = ? AND kind = ? AND words = ?", named)


def _blank_mails(database: Database, which: str, value: str) -> None:
    """Keep only the digests of mails, so that reading the mailbox again does not record them again."""
    database.execute(
        f"UPDATE mailbox_mails SET person = NULL, message_id = '', settled = coalesce(settled, at) WHERE {which}",
        (value,),
    )


def _empty(database: Database, secret: bytes, which: str, values: Collection[str | int]) -> None:
    """Reduce deliveries and attempts to their existence and their end."""
    given = tuple(values)
    no_letter(database)
    rows = database.execute(
        f"SELECT address, address_key FROM deliveries WHERE {which} UNION"
        f" SELECT address, lower(address) FROM attempts WHERE {which}",
        (*given, *given),
    )
    for address, compared in map(as_texts, rows):
        if is_mark(address):
            continue
        marked = mark(secret, compared)
        for table in ("deliveries", "attempts"):
            database.execute(f"UPDATE {table} SET address = ? WHERE address = ? AND {which}", (marked, address, *given))
        database.execute(
            f"UPDATE deliveries SET address_key = ? WHERE address_key = ? AND {which}", (marked, compared, *given)
        )
    database.execute(f"""UPDATE attempts SET "values" = '{{}}', letter = ? WHERE {which}""", (NO_LETTER, *given))
    database.execute(f"UPDATE deliveries SET reason = '' WHERE {which}", given)
    for table, text in (("results", "reason"), ("bounces", "reply")):
        database.execute(
            f"UPDATE {table} SET {text} = '' WHERE attempt IN (SELECT id FROM attempts WHERE {which})", given
        )


def no_letter(database: Database) -> str:
    """Return the name of the empty letter, which stands for one that is not kept."""
    database.execute("INSERT OR IGNORE INTO letters VALUES (?, ?)", (NO_LETTER, zlib.compress(b"")))
    return NO_LETTER


def _empty_copies(database: Database, person: str) -> None:
    """Remove the content of the assistants' copies that name a person; that they were sent stays."""
    database.execute(
        """UPDATE attempts SET "values" = '{}', letter = ? WHERE EXISTS
           (SELECT 1 FROM json_each("values") WHERE json_each.key LIKE ? AND json_each.value = ?)""",
        (NO_LETTER, f"{COPIED_PERSON}%", person),
    )


def _drop_letters(database: Database) -> None:
    """Remove letters that no attempt uses. A letter that was composed for one person contains that person's data."""
    database.execute("DELETE FROM letters WHERE hash NOT IN (SELECT letter FROM attempts)")


# A file of one person in what was approved: its name and its SHA-256.
_FILE = re.compile(r"^(.+) ([0-9a-f]{64})(?:\n|\Z)", re.MULTILINE)


def _drop_file_names(database: Database, person: Person) -> None:
    """Remove the names of a person's files from what was approved: a file may have the name of whose it is."""
    theirs = set(as_column(database.execute("SELECT sha256 FROM files_of WHERE person = ?", (person.key,))))
    words = [re.escape(folded(word)) for word in (person.number, person.name, person.address) if word.strip()]
    named = re.compile(rf"(?<![^\W_])(?:{'|'.join(words)})(?![^\W_])") if words else None

    def kept(found: re.Match[str]) -> str:
        is_theirs = found[2] in theirs or (named is not None and named.search(folded(found[1])) is not None)
        return "" if is_theirs else found[0]

    for number, sources in _approved(database):
        _write_approved(database, number, {name: _FILE.sub(kept, text) for name, text in sources.items()}, sources)


def _approved(
    database: Database, which: str = "", values: tuple[str, ...] = ()
) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, sources in database.execute(f"SELECT id, sources FROM approvals {which}", values):
        yield as_int(number), as_mapping(sources)


def _write_approved(database: Database, number: int, sources: Mapping[str, str], before: Mapping[str, str]) -> None:
    if sources != before:
        database.execute("UPDATE approvals SET sources = ? WHERE id = ?", (json.dumps(sources), number))


def _drop_files(database: Database) -> None:
    """Remove personal files that no delivery has any more."""
    database.execute("DELETE FROM files WHERE sha256 NOT IN (SELECT sha256 FROM files_of)")


class What(StrEnum):
    """The kind of a record."""

    REGISTER = "register"
    MAIL = "mail"
    LEFT_OUT = "left out"  # of one mailing, by its audience or the list
    ANSWER = "answer"
    SIGN_UP = "sign-up"
    GUEST = "guest"
    CALENDAR = "calendar"  # an answer of a calendar that does not itself say who comes
    CALL = "call"
    CERTIFICATE = "certificate"
    CREDIT = "credit"  # hours and points that differ from the event's
    FILE = "file"  # the content of an attachment that was this person's alone
    SKIP = "skip"  # not to be mailed, by a person's decision


class KeptRecord(NamedTuple):
    """A record about a person. ``event`` is empty if it is about no event; ``texts`` is what was recorded."""

    what: What
    event: str
    at: datetime | None
    texts: tuple[str, ...]


# Each with the event, the moment, and the texts; `?1` is the person's key. The person who made a call, and the other
# person of a doubt, are left out: they are somebody else's data.
_QUERIES = (
    (What.REGISTER, "SELECT '', since, address, name, organisation, number FROM persons WHERE key = ?1"),
    (What.REGISTER, "SELECT '', until, address FROM former_addresses WHERE person = ?1 ORDER BY until"),
    (
        What.MAIL,
        """SELECT event, coalesce(results.at, attempts.claimed), mailing, attempts.address,
                  coalesce(results.state, 'sending'), coalesce(results.reason, ''), attempts."values"
           FROM attempts JOIN rounds ON rounds.id = attempts.round LEFT JOIN results ON attempt = attempts.id
           WHERE attempts.person = ?1 ORDER BY attempts.id""",
    ),
    (
        What.MAIL,
        """SELECT event, bounces.at, mailing, verdict, reply FROM bounces
           JOIN attempts ON attempts.id = bounces.attempt JOIN rounds ON rounds.id = attempts.round
           WHERE person = ?1 ORDER BY bounces.id""",
    ),
    (
        What.LEFT_OUT,
        "SELECT event, at, mailing, reason FROM skips JOIN rounds ON rounds.id = round WHERE person = ?1 ORDER BY at",
    ),
    (What.ANSWER, "SELECT event, given, answer, source, comment FROM answers WHERE person = ?1 ORDER BY id"),
    (What.GUEST, "SELECT event, at, name, address, organisation FROM guests WHERE person = ?1 ORDER BY at"),
    (
        What.CALENDAR,
        "SELECT event, given, answer, address, delegate, comment FROM stray_answers WHERE person = ?1 ORDER BY id",
    ),
    # The words of the certificate: its text, and the facts below it.
    (
        What.CERTIFICATE,
        """SELECT event, at, number,
                  (SELECT group_concat(json_extract(words.value, '$[0]'), ' ')
                   FROM json_each(content, '$.blocks') AS block, json_each(block.value, '$[1]') AS words),
                  (SELECT group_concat(json_extract(value, '$[0]') || ': ' || json_extract(value, '$[1]'), ', ')
                   FROM json_each(content, '$.facts'))
           FROM certificates WHERE person = ?1 ORDER BY id""",
    ),
    (
        What.CREDIT,
        """SELECT event, at, iif(hours = '', '', 'uren: ' || hours), iif(points = '', '', 'punten: ' || points)
           FROM credits WHERE person = ?1 ORDER BY at""",
    ),
    (
        What.FILE,
        """SELECT event, NULL, 'SHA-256 ' || sha256 FROM files_of
           WHERE person = ?1 AND sha256 NOT IN (SELECT sha256 FROM certificates) ORDER BY event, sha256""",
    ),
    (What.CALL, "SELECT event, at, note FROM calls WHERE person = ?1 ORDER BY id"),
    (What.SKIP, "SELECT event, at, reason FROM left_out WHERE person = ?1 ORDER BY id"),
)
_SIGN_UP = (
    "SELECT event, coalesce(moment, at), name, address, organisation, number, answer, asked, dietary,"
    " iif(companions, '+' || companions, '') FROM signups"
)


def kept(database: Database, person: Person) -> tuple[KeptRecord, ...]:
    """Return every record about a person, and nothing about others.

    Sign-ups that are not settled are among them if ``forget`` would take them along.
    """
    return tuple(_records(database, person))


def _records(database: Database, person: Person) -> Iterator[KeptRecord]:
    others = _others(database, person)
    for what, query in _QUERIES:
        for row in database.execute(query, (person.key,)):
            yield _kept(what, row, others)
    for row in database.execute(f"{_SIGN_UP} WHERE person = ?1 OR holder = ?1 ORDER BY at, key", (person.key,)):
        yield _kept(What.SIGN_UP, row, others)
    own = own_addresses(database, person)
    for loose in loose_signups(database):
        if loose.holder != person.key and is_theirs(person, own, loose):
            for row in database.execute(f"{_SIGN_UP} WHERE event = ? AND key = ?", (loose.event, loose.key)):
                yield _kept(What.SIGN_UP, row, others)


def _kept(what: What, row: Row, others: tuple[str, ...]) -> KeptRecord:
    event, at, *texts = row
    plain = (_without(_plain(text), others) for text in texts)
    return KeptRecord(what, str(event), moment_or_none(at), tuple(text for text in plain if text))


def _plain(value: Value) -> str:
    """Return a column as text; of a JSON object its keys and values."""
    text = "" if value is None else str(value)
    if text.startswith("{"):
        pairs = json.loads(text)
        if "files" in pairs:  # each begins with its name
            pairs["files"] = ", ".join(file[0] for file in json.loads(pairs["files"] or "[]"))
        said = {key: part for key, part in pairs.items() if part not in ("", None) and not key.startswith("file.")}
        words = {
            "files": _("attachments"),
            "salutation": _("salutation"),
            "choices": _("optional parts"),
            "to_address": _("recipient’s address"),
            "to_name": _("name"),
            "signup_link": _("sign-up link"),
            "decline_link": _("link to decline"),
            "token": _("code"),
            "message_id": "Message-ID",
            "date": _("date of the mail"),
            "dtstamp": _("date of the calendar entry"),
        }
        return ", ".join(f"{words.get(key, key)}: {part}" for key, part in said.items())
    return "" if is_mark(text) else text


def _others(database: Database, person: Person) -> tuple[str, ...]:
    """Return names and addresses of everybody else in the register, the longest first."""
    rows = database.execute("SELECT name, address FROM persons WHERE key <> ?", (person.key,))
    own = {person.name, person.address, *person.former}
    words = {str(word) for row in rows for word in row if word and not is_mark(str(word))} - own
    # A name within the person's own is not somebody else's here.
    return tuple(sorted((word for word in words if word not in person.name), key=len, reverse=True))


def _without(text: str, others: tuple[str, ...]) -> str:
    for word in others:
        if word in text:
            text = text.replace(word, "…")
    return text
