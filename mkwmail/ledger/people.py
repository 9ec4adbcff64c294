"""The register of persons: who is in the list, and who must not be mailed."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.hmac_keys import keyed
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, moment_or_none
from mkwmail.ledger.models import LeftOut, moment_text
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
