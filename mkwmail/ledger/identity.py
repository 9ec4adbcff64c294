"""Identification: which person of the register is each row of the member list? Pure.

The address decides, unless it has another person's name now. A person whose address has left the list is found by the
name with the organisation or the number. Where more than one answer is possible, a person must choose.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mkwmail.addresses import address_key
from mkwmail.i18n import _
from mkwmail.ledger.people import (
    NEW,
    Identified,
    Listed,
    Person,
    folded,
    is_mark,
    mark,
    name_trait,
    person_key,
    traits_of,
)
from mkwmail.members.name_changes import NameChange, name_changes
from mkwmail.members.same_name import same_person


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
    changes: Mapping[str, NameChange] = field(init=False)
    # Persons whose address is in the list, with their name.
    here: frozenset[str] = field(init=False)
    forgotten: bool = field(init=False)
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
        known = {address: forgotten[each] for address, each in met.items() if each in forgotten} | living
        self.by_address = {address: person for address, person in known.items() if address in self.groups}
        self.changes = self._changed()
        self.here = frozenset(p.key for address, p in self.by_address.items() if address not in self.changes)
        slipped = {self.by_address[address].key for address, each in self.changes.items() if each.slipped}
        self.gone = {}
        self.moved = {}
        for person in self.persons:
            if person.key in self.here or person.key in slipped:
                for address in person.former:
                    self.moved.setdefault(address, []).append(person)
            else:
                own = (person.address,) if person.address in self.groups else ()
                for trait in traits_of(person.name, person.organisation, person.number, (*person.former, *own)):
                    self.gone.setdefault(trait, []).append(person)
                for each in person.marks:
                    self.gone.setdefault(_marked(each), []).append(person)

    def _changed(self) -> dict[str, NameChange]:
        names = {address: [row.name for row in rows] for address, rows in self.groups.items()}
        found = dict(name_changes({address: person.name for address, person in self.by_address.items()}, names))
        for address, person in self.by_address.items():
            if is_mark(person.address) and any(names[address]):
                marks = {mark(self.secret, *name_trait(name)) for name in names[address]}
                if not marks & person.marks:
                    found[address] = NameChange("", names[address][0])
        return found

    def all(self) -> dict[str, Identified]:
        known = {address: each for address, each in self.by_address.items() if address not in self.changes}
        # In a new list hardly anybody has candidates: empty ones are not stored.
        candidates = {
            address: some
            for address, rows in self.groups.items()
            if address not in known and (some := self.candidates(address, rows))
        }
        claimed: dict[str, int] = {}
        for persons in candidates.values():
            for person in persons:
                claimed[person.key] = claimed.get(person.key, 0) + 1
        found = {address: Identified(person.key, False) for address, person in known.items()}
        replacing = self.replacing([each for each in self.groups if each not in self.by_address | candidates])
        for address, rows in self.groups.items():
            if address not in self.by_address:
                persons = candidates.get(address) or replacing.get(address, ())
                found[address] = self.judge(address, rows, persons, claimed, address in replacing)
        placed = {who.key for who in found.values() if who.doubt is None}
        for address, change in self.changes.items():
            before = self.by_address[address]
            if before.key in placed and not change.slipped:
                # The person has another address now, in this list: nobody can be meant but somebody else.
                found[address] = self.judge(address, self.groups[address], candidates.get(address, ()), claimed)
            else:
                found[address] = self.judge_change(address, change, before, candidates.get(address, ()))
        return self.unique({address: found[address] for address in self.groups})

    def candidates(self, address: str, rows: Sequence[Listed]) -> tuple[Person, ...]:
        """Return the persons that a row may be, each once, in register order."""
        if not self.gone and not self.moved:
            return ()
        traits = [trait for row in rows for trait in traits_of(row.name, row.organisation, row.number, (address,))]
        traits += [_marked(mark(self.secret, *trait)) for trait in traits if self.forgotten]
        matches = {person.key: person for trait in traits for person in self.gone.get(trait, ())}
        names = {folded(row.name) for row in rows}
        for person in self.moved.get(address, ()):
            if folded(person.name) in names:
                matches[person.key] = person
        return tuple(matches.values())

    def replacing(self, unknown: Sequence[str]) -> Mapping[str, tuple[Person, ...]]:
        """Return whom the rows with unknown addresses may be, under another name or spelling.

        They are those who have left of the same organisation or number: who has nearly the same name, or the only one
        if the row is the only new one there.
        """
        left: dict[tuple[str, str], dict[str, Person]] = {}
        for person in self.persons:
            gone = person.key not in self.here and person.address not in self.by_address
            if gone and person.address and person.name and not person.successor and not person.guest:
                for place in _places(person.organisation, person.number):
                    left.setdefault(place, {})[person.key] = person
        if not left:
            return {}
        come: dict[tuple[str, str], dict[str, str]] = {}
        for address in unknown:
            for row in self.groups[address]:
                for place in _places(row.organisation, row.number) if row.name else ():
                    come.setdefault(place, {})[address] = row.name
        found: dict[str, dict[str, Person]] = {}
        for place, names in come.items():
            persons = left.get(place, {})
            for address, name in names.items():
                near = {key: person for key, person in persons.items() if same_person(name, person.name)}
                only = persons if len(persons) == len(names) == 1 else {}
                if near or only:
                    found.setdefault(address, {}).update(near or only)
        return {address: tuple(persons.values()) for address, persons in found.items()}

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

    def judge_change(self, address: str, change: NameChange, before: Person, persons: tuple[Person, ...]) -> Identified:
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
        words = {"name": rows[0].name, "address": address, "old": person.last_address}
        if len(persons) > 1:
            words["others"] = ", ".join(other.last_address for other in persons)
            return _("%(name)s <%(address)s> may be one of several whose address has left the list: %(others)s") % words
        if person.key in self.here:
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
        while (key := person_key(self.secret, address, n)) in self.by_key:
            n += 1
        return key


def _doubt_of_change(change: NameChange, address: str) -> str:
    words = {"name": change.now, "address": address, "before": change.before, "homes": ", ".join(change.homes)}
    if change.homes:
        return _("%(name)s <%(address)s> was %(before)s; %(name)s was at %(homes)s") % words
    if not change.before:
        return _("%(name)s has the address %(address)s of somebody who was forgotten") % words
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
