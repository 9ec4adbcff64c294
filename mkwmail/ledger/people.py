"""The register of persons: who is in the list, and who must not be mailed."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.hmac_keys import keyed
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, moment_or_none
from mkwmail.ledger.models import LeftOut, moment_text

#: Crockford's base 32, without i, l, o and u: no letter is misread over the telephone.
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for second in _LETTERS for first in _LETTERS)
CODE_LENGTH = 10

NEW = "new"

_FORGOTTEN = "forgotten:"


@dataclass(frozen=True, slots=True)
class Person:
    """A person in the register.

    ``address`` and ``former`` (earlier addresses) are address keys. A forgotten person has only ``marks``
    (:func:`mark`), one of them in place of the address.
    """

    key: str
    address: str
    name: str
    organisation: str = ""
    number: str = ""
    former: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()


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
    ``candidates`` (keys) or :data:`NEW`; ``key`` is its key as a new person.
    """

    key: str
    is_new: bool
    old_address: str | None = None
    doubt: str | None = None
    candidates: tuple[str, ...] = ()


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
    traits = _traits(name, organisation, number, ())
    return frozenset((*(mark(secret, each) for each in addresses), *(mark(secret, *trait) for trait in traits)))


def _keyed(secret: bytes, purpose: str, *parts: str) -> bytes:
    # The parts' lengths are hashed with them: ("ab", "c") and ("a", "bc") differ.
    message = "".join([f"{len(part)}:{part}" for part in (purpose, *parts)])
    return keyed(secret, message)


def identify(
    persons: Iterable[Person],
    rows: Sequence[Listed],
    secret: bytes,
    decided: Mapping[str, str] | None = None,
) -> tuple[Identified, ...]:
    """Return the person of each row, in the order of the rows.

    Rows with the same address are one person. ``decided`` has the choices for doubtful rows: address key → a
    candidate's key, or :data:`NEW`. A choice that is not a candidate (any more) is ignored: the row is doubtful again.
    """
    keys = [address_key(row.address) for row in rows]
    groups: dict[str, list[Listed]] = {}
    for key, row in zip(keys, rows, strict=True):
        groups.setdefault(key, []).append(row)
    search = _Search(tuple(persons), frozenset(groups), secret, decided or {})
    found = search.all(groups)
    return tuple(found[key] for key in keys)


def folded(text: str) -> str:
    """Return a name, organisation or number in its form for comparison."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(slots=True)
class _Search:
    persons: tuple[Person, ...]
    listed: frozenset[str]
    secret: bytes
    decided: Mapping[str, str]
    by_address: dict[str, Person] = field(init=False)
    keys: frozenset[str] = field(init=False)
    forgotten: bool = field(init=False)
    # Persons whose address is no longer in the list, by the traits that identify them.
    gone: dict[tuple[str, str, str], list[Person]] = field(init=False)
    # Persons who are in the list under another address, by each earlier address.
    moved: dict[str, list[Person]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_address = {person.address: person for person in self.persons}
        forgotten = {each: person for person in self.persons for each in person.marks}
        self.forgotten = bool(forgotten)
        if forgotten:
            met = {address: mark(self.secret, address) for address in self.listed}
            self.by_address |= {address: forgotten[each] for address, each in met.items() if each in forgotten}
        here = {person.key for address, person in self.by_address.items() if address in self.listed}
        self.keys = frozenset(person.key for person in self.persons)
        self.gone = {}
        self.moved = {}
        for person in self.persons:
            if person.key in here:
                for address in person.former:
                    self.moved.setdefault(address, []).append(person)
            else:
                for trait in _traits(person.name, person.organisation, person.number, person.former):
                    self.gone.setdefault(trait, []).append(person)
                for each in person.marks:
                    self.gone.setdefault(_marked(each), []).append(person)

    def all(self, groups: Mapping[str, Sequence[Listed]]) -> dict[str, Identified]:
        known = {address: self.by_address[address] for address in groups if address in self.by_address}
        # In a new list hardly anybody has candidates: empty ones are not stored.
        candidates = {
            address: some
            for address, rows in groups.items()
            if address not in known and (some := self.candidates(address, rows))
        }
        claimed: dict[str, int] = {}
        for persons in candidates.values():
            for person in persons:
                claimed[person.key] = claimed.get(person.key, 0) + 1
        found = {address: Identified(person.key, False) for address, person in known.items()}
        for address, rows in groups.items():
            if address not in known:
                found[address] = self.judge(address, rows, candidates.get(address, ()), claimed)
        return self.unique(found)

    def candidates(self, address: str, rows: Sequence[Listed]) -> tuple[Person, ...]:
        """Return the persons that a row may be, each once, in register order."""
        if not self.gone and not self.moved:
            return ()
        traits = [trait for row in rows for trait in _traits(row.name, row.organisation, row.number, (address,))]
        traits += [_marked(mark(self.secret, *trait)) for trait in traits if self.forgotten]
        matches = {person.key: person for trait in traits for person in self.gone.get(trait, ())}
        names = {folded(row.name) for row in rows}
        for person in self.moved.get(address, ()):
            if folded(person.name) in names:
                matches[person.key] = person
        return tuple(matches.values())

    def judge(
        self, address: str, rows: Sequence[Listed], persons: tuple[Person, ...], claimed: Mapping[str, int]
    ) -> Identified:
        new = Identified(self.new_key(address), True)
        choice = self.decided.get(address)
        if not persons or choice == NEW:
            return new
        for person in persons:
            if choice == person.key and person.address not in self.listed:
                return Identified(person.key, False, old_address=person.address)
        doubt = self.doubt(address, rows, persons, claimed)
        if doubt is None:
            old = None if is_mark(persons[0].address) else persons[0].address
            return Identified(persons[0].key, False, old_address=old)
        open_to = tuple(person.key for person in persons)
        return Identified(new.key, True, doubt=doubt, candidates=open_to)

    def doubt(
        self, address: str, rows: Sequence[Listed], persons: tuple[Person, ...], claimed: Mapping[str, int]
    ) -> str | None:
        person = persons[0]
        words = {"name": rows[0].name, "address": address, "old": person.address}
        if len(persons) > 1:
            words["others"] = ", ".join(other.address for other in persons)
            return _("%(name)s <%(address)s> may be one of several whose address has left the list: %(others)s") % words
        if person.address in self.listed:
            return _("%(name)s <%(address)s> has the earlier address of %(old)s, who is in the list too") % words
        if claimed[person.key] > 1:
            return _("%(name)s <%(address)s> and another row may both be the one who was %(old)s") % words
        numbers = {folded(row.number) for row in rows if row.number}
        same_place = any(folded(row.organisation) == folded(person.organisation) for row in rows)
        if person.number and numbers and folded(person.number) not in numbers and same_place:
            words |= {"number": rows[0].number, "old_number": person.number}
            return (
                _(
                    "%(name)s <%(address)s> has number %(number)s; the one of that name who was %(old)s "
                    "has number %(old_number)s"
                )
                % words
            )
        return None

    def unique(self, found: dict[str, Identified]) -> dict[str, Identified]:
        """Make addresses doubtful again if the choices gave two to one person."""
        if len({who.key for who in found.values()}) == len(found):
            return found
        first: dict[str, str] = {}
        for address, who in found.items():
            other = first.setdefault(who.key, address)
            if other != address:
                doubt = _("%(address)s and %(other)s cannot both be the same person") % {
                    "address": address,
                    "other": other,
                }
                found[address] = Identified(self.new_key(address), True, doubt=doubt, candidates=(who.key,))
        return found

    def new_key(self, address: str) -> str:
        n = 0
        while (key := person_key(self.secret, address, n)) in self.keys:
            n += 1
        return key


def _marked(mark: str) -> tuple[str, str, str]:
    return ("", "forgotten", mark)


def _traits(name: str, organisation: str, number: str, addresses: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
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
    """Record the persons of the rows, as ``who_of`` identifies them.

    ``who_of`` receives the register. Doubtful persons are left out.
    """
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
        # The row that had to be deleted is still in the list: forgotten data is not recorded again.
        return
    if known.address != address:
        database.execute(
            "INSERT OR REPLACE INTO former_addresses VALUES (?, ?, ?)", (known.key, known.address, moment_text(now))
        )
    # An export without a column does not delete the values of an earlier one.
    now_known = (row.name or known.name, row.organisation or known.organisation, row.number or known.number)
    if (address, *now_known) != (known.address, known.name, known.organisation, known.number):
        database.execute(
            "UPDATE persons SET address = ?, name = ?, organisation = ?, number = ? WHERE key = ?",
            (address, *now_known, known.key),
        )


def leave_out(database: Database, word: LeftOut, now: datetime) -> None:
    """Record that somebody must not be mailed, or may be mailed again.

    :raises UserError: code USAGE if the decision undoes one that does not exist.
    """
    with database.transaction():
        in_force = {(each.person, each.event) for each in left_out(database)}
        if word.undone and (word.person, word.event) not in in_force:
            fault = _("nobody said that this person is not to be mailed, so there is nothing to undo")
            raise UserError(Fault("", fault, _("see: mkwmail skip")), code=ExitCode.USAGE)
        database.execute(
            "INSERT INTO left_out (person, event, reason, undone, at) VALUES (?, ?, ?, ?, ?)",
            (word.person, word.event, word.reason, int(word.undone), moment_text(now)),
        )


def left_out(database: Database) -> tuple[LeftOut, ...]:
    """Return the decisions in force not to mail somebody.

    They are the newest of each person and event, unless it was undone.
    """
    rows = database.execute(
        "SELECT person, event, reason, at FROM left_out"
        " WHERE id IN (SELECT max(id) FROM left_out GROUP BY person, event) AND NOT undone ORDER BY id"
    )
    return tuple(
        LeftOut(str(who), str(event), str(reason), False, moment_or_none(at)) for who, event, reason, at in rows
    )
