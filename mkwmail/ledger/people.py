"""Persons, runs, letters, and the skips, approvals and lists of rounds."""

import hashlib
import json
import os
import unicodedata
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.hmac_keys import keyed
from mkwmail.ledger.columns import as_int, as_mapping, as_moment, as_round
from mkwmail.ledger.database import Database
from mkwmail.ledger.models import Approval, ListSeen, Round, Run, Skipped, moment_text
from mkwmail.members.name_changes import NameChange

#: Crockford's base 32, without i, l, o and u: no letter is misread over the telephone.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for second in _LETTERS for first in _LETTERS)
CODE_LENGTH = 10

NEW = "new"

_FORGOTTEN = "forgotten:"

# With their key: in place of the address of somebody whose address is another person's now.
_LEFT = "left:"


@dataclass(frozen=True, slots=True)
class Person:
    """A person in the register.

    ``address`` and ``former`` (earlier addresses) are address keys; ``address`` is empty if somebody else has it now. A
    forgotten person has only ``marks`` (:func:`mark`), one of them in place of the address. ``successor`` is the key of
    the person who took over from somebody who has left. ``guest``: signed up for an event and may be no member.
    """

    key: str
    address: str
    name: str
    organisation: str = ""
    number: str = ""
    former: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()
    successor: str = ""
    guest: bool = False

    @property
    def last_address(self) -> str:
        """The address by which people know this person, also if somebody else has it now."""
        return self.address or next(reversed(self.former), "")


class Listed(NamedTuple):
    """The fields of a row of the member list that identify a person."""

    address: str
    name: str
    organisation: str = ""
    number: str = ""


class Identified(NamedTuple):
    """The person of a row of the member list.

    ``old_address`` is the person's earlier address if it has changed. ``doubt`` is a sentence that says what is
    doubtful. The row is then not in the register and must not be mailed until a person has chosen one of the
    ``candidates`` (keys) or :data:`NEW`; ``key`` is its key as a new person. ``predecessor`` is the key of the person
    whom the row replaces, or may replace. ``change``: the name in that person's place is another one now.
    """

    key: str
    is_new: bool
    old_address: str | None = None
    doubt: str | None = None
    candidates: tuple[str, ...] = ()
    predecessor: str = ""
    change: NameChange | None = None

    @property
    def slipped(self) -> bool:
        """True if it is doubtful because names have slipped against the addresses."""
        return self.doubt is not None and self.change is not None and self.change.slipped


def person_key(secret: bytes, address: str, n: int = 0) -> str:
    """Return the permanent key of a person by their first address.

    It is the key of the ``n``-th person who was first met under this address. It is derived, so that a preview shows
    the key that is recorded later. It is a keyed hash, so that it does not reveal the address.
    """
    return _keyed(secret, "person", address_key(address), str(n)).hex()[:32]


def code_for(secret: bytes, event_id: str, person: str) -> str:
    """Return the code in a member's sign-up link.

    There is one for each member and event, with 50 bits that cannot be guessed.
    """
    number = int.from_bytes(_keyed(secret, "code", event_id, person), "big")
    return "".join([_PAIRS[(number >> 10 * place) & 1023] for place in range(CODE_LENGTH // 2)])


def mark(secret: bytes, *parts: str) -> str:
    """Return the keyed hash that replaces data about a forgotten person.

    The same data gives the same hash, so the person is recognised, but the hash does not reveal the data.
    """
    return f"{_FORGOTTEN}{_keyed(secret, 'forgotten', *parts).hex()[:32]}"


def is_mark(address: str) -> bool:
    """Check whether this is the mark of a forgotten address."""
    return address.startswith(_FORGOTTEN)


def marks_of(secret: bytes, addresses: Iterable[str], name: str, organisation: str, number: str) -> frozenset[str]:
    """Return the marks by which a forgotten person is recognised.

    ``addresses`` are address keys.
    """
    traits = (*traits_of(name, organisation, number, ()), name_trait(name))
    return frozenset((*(mark(secret, each) for each in addresses), *(mark(secret, *trait) for trait in traits)))


def _keyed(secret: bytes, purpose: str, *parts: str) -> bytes:
    # The parts' lengths are hashed with them: ("ab", "c") and ("a", "bc") differ.
    message = "".join([f"{len(part)}:{part}" for part in (purpose, *parts)])
    return keyed(secret, message)


def folded(text: str) -> str:
    """Return a name, organisation or number in its form for comparison."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def name_trait(name: str) -> tuple[str, str, str]:
    """Return the trait by which only the name of a forgotten person is recognised."""
    return (folded(name), "name", "")


def traits_of(name: str, organisation: str, number: str, addresses: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
    """Return the traits that identify a person under another address.

    Without a name there are none.
    """
    who = folded(name)
    if not who:
        return ()
    places = [("organisation", folded(organisation)), ("number", folded(number))]
    places += [("address", address) for address in addresses]
    return tuple((who, kind, value) for kind, value in places if value)


def persons(database: Database) -> tuple[Person, ...]:
    """Return the persons in the register, in the order of their first entry."""
    former: dict[str, list[str]] = {}
    for key, address in database.execute("SELECT person, address FROM former_addresses"):
        former.setdefault(str(key), []).append(str(address))
    marks: dict[str, set[str]] = {}
    for key, mark in database.execute("SELECT person, mark FROM forgotten"):
        marks.setdefault(str(key), set()).add(str(mark))
    return tuple(
        Person(
            *(str(key), "" if str(address).startswith(_LEFT) else str(address)),
            *(str(name), str(organisation), str(number)),
            tuple(former.get(str(key), ())),
            frozenset(marks.get(str(key), ())),
            str(successor),
            bool(guest),
        )
        for key, address, name, organisation, number, successor, guest in database.execute(
            "SELECT key, address, name, organisation, number, successor,"
            " EXISTS (SELECT 1 FROM guests WHERE person = persons.key) FROM persons ORDER BY id"
        )
    )


def enlist(
    database: Database,
    rows: Sequence[Listed],
    now: datetime,
    who_of: Callable[[Collection[Person]], Sequence[Identified]],
) -> tuple[Identified, ...]:
    """Record the persons of the rows, as ``who_of`` identifies them.

    ``who_of`` receives the register. Doubtful persons are left out.
    """
    with database.transaction():
        known = {person.key: person for person in persons(database)}
        found = tuple(who_of(known.values()))
        certain: dict[str, tuple[Listed, Identified]] = {}
        for row, who in zip(rows, found, strict=True):
            if who.doubt is None and (
                who.key not in certain or _is_better(row, certain[who.key][0], known.get(who.key))
            ):
                certain[who.key] = (row, who)
        _vacate(database, known, certain, now)
        new = {key: row for key, (row, _who) in certain.items() if key not in known}
        for key, (row, _who) in certain.items():
            if key in known:
                _renew(database, known[key], row)
        database.together(
            "INSERT INTO persons (key, address, name, organisation, number, since) {rows}",
            (
                (key, address_key(row.address), row.name, row.organisation, row.number, moment_text(now))
                for key, row in new.items()
            ),
        )
        database.each(
            "UPDATE persons SET successor = ? WHERE key = ?",
            [
                (key, who.predecessor)
                for key, (_row, who) in certain.items()
                if who.predecessor and who.predecessor not in certain
            ],
        )
        return found


def _is_better(row: Listed, first: Listed, known: Person | None) -> bool:
    """Check whether a later row with the address has the person's name, and the first one has another.

    Several people may share an address. The register keeps the name that it has as long as a row has it.
    """
    if known is None or not known.name or row.address != first.address:
        return False
    return row.name == known.name != first.name


def _vacate(
    database: Database, known: Mapping[str, Person], certain: Mapping[str, tuple[Listed, Identified]], now: datetime
) -> None:
    """Take the addresses from those who have another one now, and from those whose address is a successor's."""
    leaving = {
        key
        for key, (row, _who) in certain.items()
        if key in known and known[key].address != address_key(row.address) and not is_mark(known[key].address)
    }
    taken = {address_key(row.address): who.predecessor for row, who in certain.values() if who.predecessor}
    leaving |= {
        key for address, key in taken.items() if key not in certain and key in known and known[key].address == address
    }
    for key in sorted(key for key in leaving if known[key].address):
        database.execute(
            "INSERT OR REPLACE INTO former_addresses VALUES (?, ?, ?)", (key, known[key].address, moment_text(now))
        )
        database.execute("UPDATE persons SET address = ? WHERE key = ?", (f"{_LEFT}{key}", key))


def _renew(database: Database, known: Person, row: Listed) -> None:
    if is_mark(known.address):
        # The row that had to be deleted is still in the list: forgotten data is not recorded again.
        return
    # An export without a column does not delete the values of an earlier one.
    now_known = (row.name or known.name, row.organisation or known.organisation, row.number or known.number)
    values = (address_key(row.address), *now_known, "")
    if values != (known.address, known.name, known.organisation, known.number, known.successor):
        database.execute(
            "UPDATE persons SET address = ?, name = ?, organisation = ?, number = ?, successor = ? WHERE key = ?",
            (*values, known.key),
        )


def begin_run(database: Database, command: str, now: datetime) -> int:
    """Record a run that holds the ledger; return its number."""
    return database.insert(
        "INSERT INTO runs (command, pid, started) VALUES (?, ?, ?)", (command, os.getpid(), moment_text(now))
    )


def give_token(database: Database, run: int, token: str) -> None:
    """Give a run the token that identifies it outside the working folder.

    It is durable on return.
    """
    database.execute("UPDATE runs SET token = ? WHERE id = ?", (token, run))


def tokens(database: Database) -> frozenset[str]:
    """Return the tokens of all runs that mailed."""
    return frozenset(str(token) for (token,) in database.execute("SELECT token FROM runs WHERE token IS NOT NULL"))


def last_run(database: Database, command: str) -> Run | None:
    """Return the newest run of a command, or None."""
    rows = database.execute(
        "SELECT id, command, pid, started FROM runs WHERE command = ? ORDER BY id DESC LIMIT 1", (command,)
    )
    for number, name, pid, started in rows:
        return Run(as_int(number), str(name), as_int(pid), as_moment(started))
    return None


def round_number(database: Database, of: Round) -> int:
    """Return the number of a round, which it gets at its first mention."""
    key = (of.event, of.mailing, of.edition)
    database.execute("INSERT OR IGNORE INTO rounds (event, mailing, edition) VALUES (?, ?, ?)", key)
    return database.number("SELECT id FROM rounds WHERE (event, mailing, edition) = (?, ?, ?)", key)


def keep_letter(database: Database, dump: bytes) -> str:
    """Store a letter, compressed and once; return its SHA-256 in hex."""
    name = hashlib.sha256(dump).hexdigest()
    if not database.number("SELECT count(*) FROM letters WHERE hash = ?", (name,)):
        database.execute("INSERT OR IGNORE INTO letters VALUES (?, ?)", (name, zlib.compress(dump)))
    return name


def letter(database: Database, name: str) -> bytes | None:
    """Return the letter with this hash, or None."""
    for (body,) in database.execute("SELECT body FROM letters WHERE hash = ?", (name,)):
        if isinstance(body, bytes):
            return zlib.decompress(body)
    return None


def record_skips(database: Database, of: Round, skips: Iterable[tuple[str, str]], now: datetime) -> None:
    """Record the persons left out of a round, with the reasons.

    A reason that is the same as the last one of the person is not recorded again.
    """
    with database.transaction():
        number = round_number(database, of)
        noted = {
            str(person): str(reason)
            for person, reason in database.execute(
                "SELECT person, reason FROM skips WHERE round = ? ORDER BY id", (number,)
            )
        }
        fresh = [(person, reason) for person, reason in skips if noted.get(person) != reason]
        # A doubtful person is not in the register: nothing can be recorded about them.
        database.together(
            "INSERT INTO skips (round, person, reason, at) SELECT column1, column2, column3, column4 FROM ({rows})"
            " WHERE column2 IN (SELECT key FROM persons)",
            [(number, person, reason, moment_text(now)) for person, reason in fresh],
        )


def skips(database: Database, event: str) -> tuple[Skipped, ...]:
    """Return every skip, oldest first."""
    return tuple(
        Skipped(
            as_round(event, mailing, edition),
            str(person),
            str(reason),
            as_moment(at),
        )
        for mailing, edition, person, reason, at in database.execute(
            "SELECT mailing, edition, person, reason, at FROM skips JOIN rounds ON rounds.id = skips.round"
            " WHERE event = ? ORDER BY skips.id",
            (event,),
        )
    )


def approve(database: Database, event: str, mailing: str, sources: Mapping[str, str], now: datetime) -> None:
    """Record an approval, unless the last one is of the same sources."""
    with database.transaction():
        given = approvals(database, event, mailing)
        if not given or given[-1].sources != sources:
            database.execute(
                "INSERT INTO approvals (event, mailing, sources, at) VALUES (?, ?, ?, ?)",
                (event, mailing, json.dumps(dict(sources)), moment_text(now)),
            )


def approvals(database: Database, event: str, mailing: str) -> tuple[Approval, ...]:
    """Return every approval of a mailing, oldest first.

    The last one is in force.
    """
    return tuple(
        Approval(as_int(number), as_mapping(sources), as_moment(at))
        for number, sources, at in database.execute(
            "SELECT id, sources, at FROM approvals WHERE event = ? AND mailing = ? ORDER BY id", (event, mailing)
        )
    )


def remember_list(database: Database, of: Round, size: int, now: datetime) -> None:
    """Record how many members the list had when the round was sent."""
    with database.transaction():
        number = round_number(database, of)
        database.execute("INSERT INTO lists (round, size, at) VALUES (?, ?, ?)", (number, size, moment_text(now)))


def last_list(database: Database) -> ListSeen | None:
    """Return the list at the last mailing of all events, or None."""
    rows = database.execute(
        "SELECT event, mailing, edition, size, at FROM lists JOIN rounds ON rounds.id = lists.round"
        " ORDER BY lists.id DESC LIMIT 1"
    )
    for event, mailing, edition, size, at in rows:
        of = as_round(event, mailing, edition)
        return ListSeen(of, as_int(size), as_moment(at))
    return None
