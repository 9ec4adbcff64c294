"""The register of persons, and what was noted about rounds: lists, skips, approvals, letters, runs."""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from mkwmail.addresses import address_key
from mkwmail.ledger.database import Database
from mkwmail.ledger.persons import Identified, Listed, Person, is_mark
from mkwmail.ledger.records import Approval, ListSeen, Round, Run, Skipped, moment_text, read_moment_text


def persons(database: Database) -> tuple[Person, ...]:
    """Everybody in the register, in the order in which they came."""
    former: dict[str, list[str]] = {}
    for key, address in database.execute("SELECT person, address FROM former_addresses"):
        former.setdefault(str(key), []).append(str(address))
    marks: dict[str, set[str]] = {}
    for key, mark in database.execute("SELECT person, mark FROM forgotten"):
        marks.setdefault(str(key), set()).add(str(mark))
    return tuple(
        Person(
            *(str(key), str(address), str(name), str(organisation), str(number)),
            tuple(former.get(str(key), ())),
            frozenset(marks.get(str(key), ())),
        )
        for key, address, name, organisation, number in database.execute(
            "SELECT key, address, name, organisation, number FROM persons ORDER BY id"
        )
    )


def enlist(
    database: Database,
    rows: Sequence[Listed],
    now: datetime,
    who_of: Callable[[Collection[Person]], Sequence[Identified]],
) -> tuple[Identified, ...]:
    """Record who the rows are, as ``who_of`` the register says; the doubtful are left out."""
    with database.transaction():
        known = {person.key: person for person in persons(database)}
        found = tuple(who_of(known.values()))
        new: dict[str, Listed] = {}
        done: set[str] = set()
        for row, who in zip(rows, found, strict=True):
            if who.doubt is not None or who.key in done:
                continue
            done.add(who.key)
            if who.key in known:
                _renew(database, known[who.key], row, now)
            else:
                new[who.key] = row
        database.together(
            "INSERT INTO persons (key, address, name, organisation, number, since) {rows}",
            (
                (key, address_key(row.address), row.name, row.organisation, row.number, moment_text(now))
                for key, row in new.items()
            ),
        )
        return found


def _renew(database: Database, known: Person, row: Listed, now: datetime) -> None:
    address = address_key(row.address)
    if is_mark(known.address):
        # The row that was to be deleted is still there: what was forgotten is not written down again.
        return
    if known.address != address:
        database.execute(
            "INSERT OR REPLACE INTO former_addresses VALUES (?, ?, ?)", (known.key, known.address, moment_text(now))
        )
    # An export without a column does not make us forget what an earlier one said.
    now_known = (row.name or known.name, row.organisation or known.organisation, row.number or known.number)
    if (address, *now_known) != (known.address, known.name, known.organisation, known.number):
        database.execute(
            "UPDATE persons SET address = ?, name = ?, organisation = ?, number = ? WHERE key = ?",
            (address, *now_known, known.key),
        )


def begin_run(database: Database, command: str, now: datetime) -> int:
    """Note that a command holds the ledger from now on; the run's number."""
    return database.insert(
        "INSERT INTO runs (command, pid, started) VALUES (?, ?, ?)", (command, os.getpid(), moment_text(now))
    )


def give_token(database: Database, run: int, token: str) -> None:
    """Give a run the token by which its mailing is known outside the working folder; durable on return."""
    database.execute("UPDATE runs SET token = ? WHERE id = ?", (token, run))


def tokens(database: Database) -> frozenset[str]:
    """Return the tokens of all runs that mailed."""
    return frozenset(str(token) for (token,) in database.execute("SELECT token FROM runs WHERE token IS NOT NULL"))


def last_run(database: Database, command: str) -> Run | None:
    """The newest run of a command."""
    rows = database.execute(
        "SELECT id, command, pid, started FROM runs WHERE command = ? ORDER BY id DESC LIMIT 1", (command,)
    )
    for number, name, pid, started in rows:
        return Run(int(number or 0), str(name), int(pid or 0), read_moment_text(str(started)))
    return None


def round_number(database: Database, of: Round) -> int:
    """The number of a round, given to it at its first mention."""
    key = (of.event, of.mailing, of.edition)
    database.execute("INSERT OR IGNORE INTO rounds (event, mailing, edition) VALUES (?, ?, ?)", key)
    return database.number("SELECT id FROM rounds WHERE (event, mailing, edition) = (?, ?, ?)", key)


def keep_letter(database: Database, dump: bytes) -> str:
    """Keep a letter, compressed, once; its SHA-256 in hex."""
    name = hashlib.sha256(dump).hexdigest()
    if not database.number("SELECT count(*) FROM letters WHERE hash = ?", (name,)):
        database.execute("INSERT OR IGNORE INTO letters VALUES (?, ?)", (name, zlib.compress(dump)))
    return name


def letter(database: Database, name: str) -> bytes | None:
    """The letter that was kept under this hash."""
    for (body,) in database.execute("SELECT body FROM letters WHERE hash = ?", (name,)):
        if isinstance(body, bytes):
            return zlib.decompress(body)
    return None


def record_skips(database: Database, of: Round, skips: Iterable[tuple[str, str]], now: datetime) -> None:
    """Note who of the register was left out and why; what was noted last and is still so is not noted again."""
    with database.transaction():
        number = round_number(database, of)
        noted = {
            str(person): str(reason)
            for person, reason in database.execute(
                "SELECT person, reason FROM skips WHERE round = ? ORDER BY id", (number,)
            )
        }
        fresh = [(person, reason) for person, reason in skips if noted.get(person) != reason]
        # Who is in doubt is not in the register: nothing can be noted of them.
        database.together(
            "INSERT INTO skips (round, person, reason, at) SELECT column1, column2, column3, column4 FROM ({rows})"
            " WHERE column2 IN (SELECT key FROM persons)",
            [(number, person, reason, moment_text(now)) for person, reason in fresh],
        )


def skips(database: Database, event: str) -> tuple[Skipped, ...]:
    """Every skip that was noted, oldest first."""
    return tuple(
        Skipped(
            Round(event, str(mailing), int(edition or 0)),
            str(person),
            str(reason),
            read_moment_text(str(at)),
        )
        for mailing, edition, person, reason, at in database.execute(
            "SELECT mailing, edition, person, reason, at FROM skips JOIN rounds ON rounds.id = skips.round"
            " WHERE event = ? ORDER BY skips.id",
            (event,),
        )
    )


def approve(database: Database, event: str, mailing: str, sources: Mapping[str, str], now: datetime) -> None:
    """Note that a person approved these sources; nothing new where they are the ones approved last."""
    with database.transaction():
        given = approvals(database, event, mailing)
        if not given or given[-1].sources != sources:
            database.execute(
                "INSERT INTO approvals (event, mailing, sources, at) VALUES (?, ?, ?, ?)",
                (event, mailing, json.dumps(dict(sources)), moment_text(now)),
            )


def approvals(database: Database, event: str, mailing: str) -> tuple[Approval, ...]:
    """Every approval of a mailing, oldest first; the last one is in force."""
    return tuple(
        Approval(int(number or 0), json.loads(str(sources)), read_moment_text(str(at)))
        for number, sources, at in database.execute(
            "SELECT id, sources, at FROM approvals WHERE event = ? AND mailing = ? ORDER BY id", (event, mailing)
        )
    )


def remember_list(database: Database, of: Round, size: int, now: datetime) -> None:
    """Note how many members the list had when the round was sent."""
    with database.transaction():
        number = round_number(database, of)
        database.execute("INSERT INTO lists (round, size, at) VALUES (?, ?, ?)", (number, size, moment_text(now)))


def last_list(database: Database) -> ListSeen | None:
    """The list at the last mailing of any event."""
    rows = database.execute(
        "SELECT event, mailing, edition, size, at FROM lists JOIN rounds ON rounds.id = lists.round"
        " ORDER BY lists.id DESC LIMIT 1"
    )
    for event, mailing, edition, size, at in rows:
        of = Round(str(event), str(mailing), int(edition or 0))
        return ListSeen(of, int(size or 0), read_moment_text(str(at)))
    return None
