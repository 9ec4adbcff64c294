"""Everything that the ledger keeps of a person, for that person (GDPR, article 15)."""

import json
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from mkwmail.ledger import erasure
from mkwmail.ledger.database import Database, Row, Value, moment_or_none
from mkwmail.ledger.people import Person, is_mark


class What(StrEnum):
    """The kind of a record."""

    REGISTER = "register"
    MAIL = "mail"
    LEFT_OUT = "left out"  # of one mailing, by its audience or the list
    ANSWER = "answer"
    SIGN_UP = "sign-up"
    GUEST = "guest"
    CALENDAR = "calendar"  # an answer of a calendar that does not say by itself who comes
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
    own = erasure.own_addresses(database, person)
    for loose in erasure.loose_signups(database):
        if loose.holder != person.key and erasure.is_theirs(person, own, loose):
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
        return ", ".join(f"{key}: {part}" for key, part in said.items())
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
