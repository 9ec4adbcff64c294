"""The register of persons: who is in the list."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mkwmail.addresses import address_key
from mkwmail.i18n import _
from mkwmail.ledger.database import Database
from mkwmail.ledger.models import keyed_for, moment_text

if TYPE_CHECKING:
    from mkwmail.members.name_changes import NameChange

NEW = "new"

#: Domain of a guest without an address in the register: no mail can reach it (RFC 2606 §2).
NO_ADDRESS = "guest.invalid"

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
    def mailed_at(self) -> str:
        """The address, empty for a guest without one."""
        return "" if self.address.endswith(f"@{NO_ADDRESS}") else self.address

    @property
    def known_by(self) -> str:
        """The words by which a question names this person: the last address, if it is still known."""
        return _("somebody whose data were removed") if is_mark(self.last_address) else self.last_address

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
    whom the row may replace. ``change``: the name in that person's place is another one now. ``before``: organisation
    and number of a known person so far; ``name``: the name so far, if several rows have the address. ``mark``: what
    the ledger has in place of the address, if it was a forgotten person's.
    """

    key: str
    is_new: bool
    old_address: str | None = None
    doubt: str | None = None
    candidates: tuple[str, ...] = ()
    predecessor: str = ""
    change: "NameChange | None" = None
    before: tuple[str, str] = ("", "")
    name: str = ""
    mark: str = ""

    @property
    def slipped(self) -> bool:
        """True if it is doubtful because names have slipped against the addresses."""
        return self.doubt is not None and self.change is not None and self.change.slipped


def person_key(secret: bytes, address: str, n: int = 0) -> str:
    """Return the permanent key of a person by their first address.

    It is the key of the ``n``-th person who was first met under this address. It is derived, so that a preview shows
    the key that is recorded later. It is a keyed hash, so that it does not reveal the address.
    """
    return keyed_for(secret, "person", address_key(address), str(n)).hex()[:32]


def mark(secret: bytes, *parts: str) -> str:
    """Return the keyed hash that replaces data about a forgotten person.

    The same data gives the same hash, so the person is recognised, but the hash does not reveal the data.
    """
    return f"{_FORGOTTEN}{keyed_for(secret, 'forgotten', *parts).hex()[:32]}"


def is_mark(address: str) -> bool:
    """Check whether this is the mark of a forgotten address."""
    return address.startswith(_FORGOTTEN)


def marks_of(secret: bytes, addresses: Iterable[str], name: str, organisation: str, number: str) -> frozenset[str]:
    """Return the marks by which a forgotten person is recognised.

    ``addresses`` are address keys.
    """
    traits = (*traits_of(name, organisation, number, ()), name_trait(name))
    return frozenset((*(mark(secret, each) for each in addresses), *(mark(secret, *trait) for trait in traits)))


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


def record_persons(
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
        _record(database, known, zip(rows, found, strict=True), now)
        return found


def record_persons_as(database: Database, pairs: Iterable[tuple[Listed, Identified]], now: datetime) -> None:
    """Record the persons of rows that are identified already, but the doubtful ones."""
    with database.transaction():
        _record(database, {person.key: person for person in persons(database)}, pairs, now)


def _record(
    database: Database, known: Mapping[str, Person], pairs: Iterable[tuple[Listed, Identified]], now: datetime
) -> None:
    certain: dict[str, Listed] = {}
    succeeded: dict[str, str] = {}  # who replaces somebody → whom
    for row, who in pairs:
        if who.doubt is None and (who.key not in certain or _is_better(row, certain[who.key], known.get(who.key))):
            certain[who.key] = row
            if who.predecessor:
                succeeded[who.key] = who.predecessor
    _vacate(database, known, certain, succeeded, now)
    for key, row in certain.items():
        if key in known:
            _renew(database, known[key], row)
    database.together(
        "INSERT INTO persons (key, address, name, organisation, number, since) {rows}",
        (
            (key, address_key(row.address), row.name, row.organisation, row.number, moment_text(now))
            for key, row in certain.items()
            if key not in known
        ),
    )
    database.each(
        "UPDATE persons SET successor = ? WHERE key = ?",
        [(key, predecessor) for key, predecessor in succeeded.items() if predecessor not in certain],
    )


def _is_better(row: Listed, first: Listed, known: Person | None) -> bool:
    """Check whether a later row with the address has the person's name, and the first one has another.

    Several people may share an address. The register keeps the name that it has as long as a row has it.
    """
    if known is None or not known.name or row.address != first.address:
        return False
    return row.name == known.name != first.name


def _vacate(
    database: Database,
    known: Mapping[str, Person],
    certain: Mapping[str, Listed],
    succeeded: Mapping[str, str],
    now: datetime,
) -> None:
    """Take the addresses from those who have another one now, and from those whose address is a successor's."""
    leaving = {
        key
        for key, row in certain.items()
        if key in known and known[key].address != address_key(row.address) and not is_mark(known[key].address)
    }
    leaving |= {
        left
        for key, left in succeeded.items()
        if left not in certain and left in known and known[left].address == address_key(certain[key].address)
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


def identify(
    persons: Iterable[Person], rows: Sequence[Listed], secret: bytes, decided: Mapping[str, str] | None = None
) -> tuple[Identified, ...]:
    """Return the person of each row, in the order of the rows.

    Rows with the same address are one person. ``decided`` has the choices for doubtful rows: address key → a
    candidate's key, or :data:`NEW`. A choice that is not a candidate (any more) is ignored: the row is doubtful again.
    """
    keys = [address_key(row.address) for row in rows]
    groups: dict[str, list[Listed]] = {}
    for key, row in zip(keys, rows, strict=True):
        groups.setdefault(key, []).append(row)
    found = _Search(tuple(persons), groups, secret, decided or {}).all()
    return tuple(found[key] for key in keys)


@dataclass(slots=True)
class _Search:
    persons: tuple[Person, ...]
    groups: Mapping[str, Sequence[Listed]]
    secret: bytes
    decided: Mapping[str, str]
    by_address: dict[str, Person] = field(init=False)
    by_key: dict[str, Person] = field(init=False)
    # The known addresses that have another person's name now.
    changes: "Mapping[str, NameChange]" = field(init=False)
    # Addresses of people with a name that are in the list without one: an assistant's, as a rule.
    nameless: frozenset[str] = field(init=False)
    # Persons whose address is in the list, with their name.
    here: frozenset[str] = field(init=False)
    forgotten: bool = field(init=False)
    # Address in the list that was a forgotten person's → its mark in the ledger.
    marks: Mapping[str, str] = field(init=False)
    # Persons whose address is no longer in the list, by the traits that identify them.
    gone: dict[tuple[str, str, str], list[Person]] = field(init=False)
    # Persons who are in the list under another address, by each earlier address.
    moved: dict[str, list[Person]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_key = {person.key: person for person in self.persons}
        living = {person.address: person for person in self.persons if person.address}
        forgotten = {each: person for person in self.persons for each in person.marks}
        self.forgotten = bool(forgotten)
        met = {address: mark(self.secret, address) for address in self.groups} if forgotten else {}
        self.marks = {address: each for address, each in met.items() if each in forgotten}
        known = {address: forgotten[each] for address, each in self.marks.items()} | living
        self.by_address = {address: person for address, person in known.items() if address in self.groups}
        self.changes = self._changed()
        self.nameless = frozenset(
            address
            for address, person in self.by_address.items()
            if person.name and not any(row.name for row in self.groups[address])
        )
        elsewhere = self.nameless.union(self.changes)
        self.here = frozenset(p.key for address, p in self.by_address.items() if address not in elsewhere)
        slipped = {self.by_address[address].key for address, each in self.changes.items() if each.slipped}
        self.gone = {}
        self.moved = {}
        for person in self.persons:
            if person.key in self.here or person.key in slipped:
                for address in person.former:
                    self.moved.setdefault(address, []).append(person)
            else:
                own = (person.address,) if person.address in self.groups else ()
                traits = _comparable(person.name, person.organisation, person.number, (*person.former, *own))
                for trait in (*traits, *_full_name(person.name)):
                    self.gone.setdefault(trait, []).append(person)
                for each in person.marks:
                    self.gone.setdefault(_marked(each), []).append(person)

    def _changed(self) -> "dict[str, NameChange]":
        names = {address: [row.name for row in rows] for address, rows in self.groups.items()}
        if all(person.name in names[address] for address, person in self.by_address.items()):
            return {}
        # Loaded only if a name differs: most runs need none of it.
        from mkwmail.members.name_changes import NameChange, name_changes

        found = dict(name_changes({address: person.name for address, person in self.by_address.items()}, names))
        for address, person in self.by_address.items():
            if is_mark(person.address) and any(names[address]):
                marks = {mark(self.secret, *name_trait(name)) for name in names[address]}
                if not marks & person.marks:
                    found[address] = NameChange("", names[address][0])
        return found

    def all(self) -> dict[str, Identified]:
        known = {address: each for address, each in self.by_address.items() if address not in self.changes}
        unknown = {address: rows for address, rows in self.groups.items() if address not in known}
        # In a new list hardly anybody has candidates: empty ones are not stored.
        alike = {address: some for address, rows in unknown.items() if (some := self.candidates(address, rows))}
        replacing = self.replacing([each for each in unknown if each not in self.by_address and each not in alike])
        candidates = alike | {
            address: some
            for address, rows in unknown.items()
            if address not in alike and (some := self.namesakes(rows, replacing.get(address, ())))
        }
        claimed = Counter(person.key for persons in candidates.values() for person in persons)
        found = {
            address: Identified(who.key, False, before=(who.organisation, who.number)) for address, who in known.items()
        }
        for address, who in known.items():
            if len(self.groups[address]) > 1:
                found[address] = found[address]._replace(name=who.name)
        for address, rows in unknown.items():
            if address not in self.by_address:
                persons = candidates.get(address, ())
                found[address] = self.judge(address, rows, persons, claimed, address in replacing)
        placed = {who.key for who in found.values() if who.doubt is None} if self.changes else frozenset[str]()
        for address, change in self.changes.items():
            before = self.by_address[address]
            if before.key in placed and not change.slipped:
                # The person has another address now, in this list: somebody else must be meant.
                found[address] = self.judge(address, self.groups[address], candidates.get(address, ()), claimed)
            else:
                found[address] = self.judge_change(address, change, before, candidates.get(address, ()))
        rows_of = Counter(who.key for who in found.values()) if self.nameless else Counter[str]()
        for address in self.nameless:
            if rows_of[found[address].key] > 1:
                # The person has another address now, in this list: only the address is still an assistant's.
                found[address] = Identified(self.new_key(address), True)
        for address, each in self.marks.items():
            found[address] = found[address]._replace(mark=each)
        return self.unique({address: found[address] for address in self.groups})

    def candidates(self, address: str, rows: Sequence[Listed]) -> tuple[Person, ...]:
        """Return the persons that a row may be, each once, in register order."""
        if not self.gone and not self.moved:
            return ()
        own = [(row.name, row.organisation, row.number, (address,)) for row in rows]
        traits = [trait for each in own for trait in _comparable(*each)]
        if self.forgotten:
            traits += [_marked(mark(self.secret, *trait)) for each in own for trait in traits_of(*each)]
        matches = {person.key: person for trait in traits for person in self.gone.get(trait, ())}
        for person in self.moved.get(address, ()):
            if _name_key(person.name) in {_name_key(row.name) for row in rows}:
                matches[person.key] = person
        return tuple(matches.values())

    def namesakes(self, rows: Sequence[Listed], replaced: Sequence[Person]) -> tuple[Person, ...]:
        """Return those whom the rows may replace, and then those of the same name elsewhere.

        Organisation and address have changed together, as after a merger, or it is the name of a sign-up: only a person
        can tell.
        """
        # A whole new list has nobody who has left.
        names = (trait for row in rows for trait in _full_name(row.name)) if self.gone else ()
        same = [person for trait in names for person in self.gone.get(trait, ())]
        return tuple({person.key: person for person in (*replaced, *same)}.values())

    def replacing(self, unknown: Sequence[str]) -> Mapping[str, tuple[Person, ...]]:
        """Return whom the rows with unknown addresses may be, under another name or spelling.

        They are those who have left of the same organisation or number: who has nearly the same name, or the only one
        if the row is the only new one there.
        """
        left: dict[tuple[str, str], dict[str, Person]] = {}
        for person in self.persons:
            named = person.address in self.by_address and person.address not in self.nameless
            gone = person.key not in self.here and not named
            if gone and person.address and person.name and not person.successor:
                for place in _places(person.organisation, person.number):
                    left.setdefault(place, {})[person.key] = person
        if not left:
            return {}
        come: dict[tuple[str, str], dict[str, str]] = {}
        for address in unknown:
            for row in self.groups[address]:
                for place in _places(row.organisation, row.number) if row.name else ():
                    come.setdefault(place, {})[address] = row.name
        from mkwmail.members.same_name import may_be_renamed

        found: dict[str, dict[str, Person]] = {}
        for place, names in come.items():
            persons = left.get(place, {})
            for address, name in names.items():
                near = {key: each for key, each in persons.items() if may_be_renamed(name, each.name)}
                # A guest was perhaps never a member, and is succeeded by nobody. But a member who signs up while
                # the address is missing in the list is a guest too.
                members = {key: each for key, each in persons.items() if not each.guest}
                only = members if len(members) == len(names) == 1 else {}
                found.setdefault(address, {}).update(near or only)
        return {address: tuple(persons.values()) for address, persons in found.items() if persons}

    def judge(
        self,
        address: str,
        rows: Sequence[Listed],
        persons: tuple[Person, ...],
        claimed: Mapping[str, int],
        replaces: bool = False,
    ) -> Identified:
        new = Identified(self.new_key(address), True)
        if replaces and len(persons) == 1:
            from mkwmail.members.name_changes import NameChange

            change = NameChange(persons[0].name, rows[0].name)
            new = new._replace(predecessor=persons[0].key, change=change)
        choice = self.decided.get(address)
        if not persons or choice == NEW:
            return new
        for person in persons:
            if choice == person.key and person.key not in self.here:
                return Identified(person.key, False, old_address=person.address or None)
        doubt = _replacing(rows[0], persons) if replaces else self.doubt(address, rows, persons, claimed)
        if doubt is None:
            old = None if is_mark(persons[0].address) else persons[0].address or None
            return Identified(persons[0].key, False, old_address=old)
        return new._replace(doubt=doubt, candidates=tuple(person.key for person in persons))

    def judge_change(
        self, address: str, change: "NameChange", before: Person, persons: tuple[Person, ...]
    ) -> Identified:
        """Return who has a known address under another name: by a person's word only."""
        homes = tuple(self.by_address[home] for home in change.homes)
        known = {person.key: person for person in (before, *persons, *homes)}
        new = Identified(self.new_key(address), True, predecessor=before.key, change=change)
        choice = self.decided.get(address, "")
        if choice == NEW:
            return new
        if choice == before.key:
            return Identified(before.key, False)
        if choice in known:
            old = known[choice].address or None
            return Identified(choice, False, old_address=old, predecessor=before.key, change=change)
        return new._replace(doubt=_doubt_of_change(change, address), candidates=tuple(known))

    def doubt(
        self, address: str, rows: Sequence[Listed], persons: tuple[Person, ...], claimed: Mapping[str, int]
    ) -> str | None:
        person = persons[0]
        words = {"name": rows[0].name, "address": address, "old": person.known_by}
        if len(persons) > 1:
            words["others"] = ", ".join(other.known_by for other in persons)
            return _("%(name)s <%(address)s> may be one of several whose address has left the list: %(others)s") % words
        if person.key in self.here:
            return _("%(name)s <%(address)s> has the earlier address of %(old)s, who is in the list too") % words
        if claimed[person.key] > 1:
            return _("%(name)s <%(address)s> and another row may both be the one who was %(old)s") % words
        numbers = {folded(row.number) for row in rows if row.number}
        same_place = any(folded(row.organisation) == folded(person.organisation) for row in rows)
        if person.number and numbers and folded(person.number) not in numbers and same_place:
            words |= {"number": rows[0].number, "old_number": person.number}
            sentence = _(
                "%(name)s <%(address)s> has number %(number)s; the one of that name who was %(old)s "
                "has number %(old_number)s"
            )
            return sentence % words
        elsewhere = not (person.organisation and same_place) and folded(person.number) not in numbers
        if person.marks or not elsewhere or address in (*person.former, person.address):
            return None
        return _replacing(rows[0], persons)

    def unique(self, found: dict[str, Identified]) -> dict[str, Identified]:
        """Make addresses doubtful again if the choices gave two to one person."""
        if len({who.key for who in found.values()}) == len(found):
            return found
        first: dict[str, str] = {}
        for address, who in found.items():
            other = first.setdefault(who.key, address)
            if other != address:
                words = {"address": address, "other": other}
                doubt = _("%(address)s and %(other)s cannot both be the same person") % words
                found[address] = Identified(self.new_key(address), True, doubt=doubt, candidates=(who.key,))
        return found

    def new_key(self, address: str) -> str:
        n = 0
        while (key := person_key(self.secret, address, n)) in self.by_key:
            n += 1
        return key


def _name_key(name: str) -> str:
    """Return a name in the form in which "Vries, Karin de" and "Karin de Vries" are equal."""
    from mkwmail.members.same_name import name_key

    return name_key(name) or folded(name)


def _comparable(
    name: str, organisation: str, number: str, addresses: Iterable[str]
) -> tuple[tuple[str, str, str], ...]:
    """Return the traits of somebody who is known by name; marks of forgotten people are of the name as written."""
    who = _name_key(name)
    return tuple((who, kind, value) for _name, kind, value in traits_of(name, organisation, number, addresses))


def _full_name(name: str) -> tuple[tuple[str, str, str], ...]:
    who = _name_key(name)
    return ((who, "name", ""),) if " " in who else ()  # a surname alone tells nothing


def _doubt_of_change(change: "NameChange", address: str) -> str:
    words = {"name": change.now, "address": address, "before": change.before, "homes": ", ".join(change.homes)}
    if change.homes:
        return _("%(name)s <%(address)s> was %(before)s; %(name)s was at %(homes)s") % words
    if not change.before:
        return _("%(name)s has the address %(address)s of somebody whose data were removed") % words
    return _("%(name)s <%(address)s> was %(before)s") % words


def _replacing(row: Listed, persons: Sequence[Person]) -> str:
    words = {"name": row.name, "address": row.address}
    words["others"] = ", ".join(f"{person.name} <{person.address}>" for person in persons)
    return _("%(name)s <%(address)s> may be %(others)s, whose address has left the list") % words


def _places(organisation: str, number: str) -> tuple[tuple[str, str], ...]:
    places = (("organisation", folded(organisation)), ("number", folded(number)))
    return tuple(place for place in places if place[1])


def _marked(mark: str) -> tuple[str, str, str]:
    return ("", "forgotten", mark)
