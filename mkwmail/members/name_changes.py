"""Changes of names between two lists: which addresses have another person's name now? Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mkwmail.members.same_name import name_key, parts_of, same_person


class NameChange(NamedTuple):
    """An address that is known, and has another person's name now.

    ``before`` is the name so far. If names have ``slipped`` against the addresses, ``homes`` are the other addresses of
    the list whose name this was; there are none if only its first names or only its surname came from elsewhere.
    """

    before: str
    now: str
    slipped: bool = False
    homes: tuple[str, ...] = ()


def name_changes(known: Mapping[str, str], rows: Mapping[str, Sequence[str]]) -> Mapping[str, NameChange]:
    """Return the addresses of the list that have another person's name, with the change.

    A name that is known from another address of the list has slipped: a column was sorted on its own, or two rows were
    swapped. Any other name is a successor's, or a person's new name: only somebody who knows them can tell. Spelling,
    titles, initials and a double name are no change (:func:`mkwmail.members.same_name.same_person`).

    :param known: address key → the name so far; "" if none is known.
    :param rows: address key → the names in the rows with this address.
    """
    differing = {
        address: filled[0]
        for address, names in rows.items()
        if known.get(address) and (filled := [name for name in names if name]) and known[address] not in filled
    }
    if not differing:
        return {}
    keys = {address: frozenset(map(name_key, filter(None, rows[address]))) for address in rows}
    homes: dict[str, list[str]] = {}
    for address, name in known.items():
        if address in rows:
            homes.setdefault(name_key(name), []).append(address)
    found: dict[str, NameChange] = {}
    for address, name in differing.items():
        before, key = known[address], name_key(name)
        if name_key(before) in keys[address]:
            continue
        elsewhere = tuple(home for home in homes.get(key, ()) if home != address)
        # "J. Jansen" may become "Jan Jansen", unless the Jan Jansen of another address has lost his name.
        deserted = any(key not in keys[home] for home in elsewhere)
        if any(same_person(before, each) for each in rows[address]) and not deserted:
            continue
        found[address] = NameChange(before, name, bool(elsewhere), elsewhere)
    for slipped in (_respelt(found), _mixed(found)):
        found |= slipped if len(slipped) >= _FEWEST else {}
    return found


# One such name may be a coincidence: a son has his father's surname.
_FEWEST = 2


def _respelt(changes: Mapping[str, NameChange]) -> dict[str, NameChange]:
    """Return the names that were another changed address's, spelt otherwise: a new export, with initials."""
    found = {}
    for address, each in changes.items():
        homes = (home for home, other in changes.items() if home != address and same_person(other.before, each.now))
        if not each.slipped and (home := next(homes, None)):
            found[address] = each._replace(slipped=True, homes=(home,))
    return found


def _mixed(changes: Mapping[str, NameChange]) -> dict[str, NameChange]:
    """Return the changes after a sort of the first names or the surnames alone.

    The names are then new, but the one half is still the address's own, and the other half is from another address
    whose name has changed too.
    """
    before = {address: parts_of(each.before) for address, each in changes.items()}
    halves = [{half[place] for half in before.values()} for place in (0, 1)]
    found = {}
    for address, each in changes.items():
        old, now = before[address], parts_of(each.now)
        for own, other in ((0, 1), (1, 0)):
            moved = now[other] and now[other] != old[other] and now[other] in halves[other]
            if not each.slipped and now[own] == old[own] and moved:
                found[address] = each._replace(slipped=True)
    return found
