"""Match sign-ups with people.

A sign-up is matched by the link's code, then by the address, then by name and organisation, then by the number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mkwmail.addresses import address_key
from mkwmail.i18n import _
from mkwmail.responses.answers import folded_words
from mkwmail.responses.signups import Signup


@dataclass(frozen=True, slots=True)
class Invited:
    """A person who can sign up: a member, or a guest of an earlier export.

    ``addresses``: the present address and earlier ones. ``key`` is the person's key in the ledger.
    """

    key: str
    name: str
    addresses: tuple[str, ...]
    organisation: str = ""
    number: str = ""
    code: str = ""


class By(StrEnum):
    """The way in which a sign-up was matched."""

    CODE = "code"
    ADDRESS = "address"
    NAME = "name and organisation"
    NUMBER = "number"
    GUEST = "guest"  # not in the list: kept as a guest of the event
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class Match:
    """A sign-up, and the person who signed up.

    If it is doubtful, ``candidates`` are the people who it may be, and ``doubt`` gives the reason.
    """

    signup: Signup
    by: By
    person: Invited | None = None
    candidates: tuple[Invited, ...] = ()
    doubt: str = ""


def match_signups(signups: Iterable[Signup], invited: Sequence[Invited]) -> tuple[Match, ...]:
    """Return each sign-up with the person who signed up.

    A sign-up that could be from two people is doubtful, and the secretary must decide.
    """
    search = _Search(invited)
    return tuple(search.match(each) for each in signups)


class _Search:
    def __init__(self, invited: Sequence[Invited]) -> None:
        self._invited = invited
        self._by_code = {each.code: each for each in invited if each.code}
        self._by_address: dict[str, list[Invited]] = {}
        self._by_number: dict[str, list[Invited]] = {}
        for each in invited:
            for address in each.addresses:
                self._by_address.setdefault(address_key(address), []).append(each)
            if each.number:
                self._by_number.setdefault(folded_words(each.number), []).append(each)

    def match(self, signup: Signup) -> Match:
        by_code = self._by_code.get(signup.code)
        by_address = self._by_address.get(address_key(signup.address), []) if signup.address else []
        by_name = self._named(signup)
        if by_code is not None:
            return self._judge(signup, By.CODE, by_code, by_name)
        if len(by_address) == 1:
            return self._judge(signup, By.ADDRESS, by_address[0], by_name)
        if by_address:
            return _doubtful(signup, by_address, _("several have this address"))
        if by_name:
            return self._by_its_name(signup, by_name)
        return self._by_its_number(signup)

    def _judge(self, signup: Signup, by: By, person: Invited, by_name: Sequence[Invited]) -> Match:
        """Compare the given name with the person of the link or address.

        The link may have been forwarded, and the address may be an office's: the name may be another person's.
        """
        if not signup.name or alike(signup.name, person.name) or person in by_name:
            return Match(signup, by, person)
        others = [each for each in by_name if each != person]
        words = {"name": signup.name, "person": person.name}
        if by is By.CODE:
            doubt = _("%(name)s signed up with the link of %(person)s") % words
        else:
            doubt = _("%(name)s signed up with the address of %(person)s") % words
        return _doubtful(signup, [person, *others], doubt)

    def _named(self, signup: Signup) -> list[Invited]:
        """Return the people with this name and no other organisation."""
        name, place = folded_words(signup.name), signup.organisation
        return [
            each
            for each in self._invited
            if name
            and folded_words(each.name) == name
            and (not place or not each.organisation or same_place(place, each.organisation))
        ]

    def _by_its_name(self, signup: Signup, named: Sequence[Invited]) -> Match:
        if len(named) > 1:
            return _doubtful(signup, named, _("several have this name"))
        if not signup.organisation or not named[0].organisation:
            return _doubtful(signup, named, _("the name alone is the same"))
        return Match(signup, By.NAME, named[0])

    def _by_its_number(self, signup: Signup) -> Match:
        """Match by the number, as the last resort.

        One number is often shared by a whole corporation, so a different name rules the match out.
        """
        numbered = self._by_number.get(folded_words(signup.number), []) if signup.number else []
        fitting = [each for each in numbered if not signup.name or alike(signup.name, each.name)]
        if len(fitting) == 1:
            return Match(signup, By.NUMBER, fitting[0])
        if fitting:
            return _doubtful(signup, fitting, _("several have this number"))
        near = [each for each in self._invited if signup.name and self._nearly(signup, each)]
        if near:
            return _doubtful(signup, near, _("it looks like somebody of the list"))
        if not signup.name and not signup.address:
            return _doubtful(signup, (), _("nobody has this code or number"))
        return Match(signup, By.GUEST)

    @staticmethod
    def _nearly(signup: Signup, each: Invited) -> bool:
        """Return whether initial, surname and organisation are the same.

        For example, "M. van der Velde" is nearly Marieke van der Velde.
        """
        if not signup.organisation or not same_place(signup.organisation, each.organisation):
            return False
        mine, theirs = folded_words(signup.name).split(), folded_words(each.name).split()
        same_initial = bool(mine and theirs) and mine[0][0] == theirs[0][0]
        return bool(mine and theirs) and mine[-1] == theirs[-1] and same_initial


def _doubtful(signup: Signup, candidates: Iterable[Invited], doubt: str) -> Match:
    return Match(signup, By.DOUBTFUL, candidates=tuple(candidates), doubt=doubt)


_GENERIC = frozenset(
    (
        *("stichting", "vereniging", "woningstichting", "woningcorporatie", "woningbouwvereniging", "corporatie"),
        *("wonen", "de", "het", "van", "bv"),
    )
)
_SMALL = frozenset(
    (
        *("van", "der", "den", "de", "het", "ter", "ten", "te", "en"),
        *("dhr", "mevr", "mw", "drs", "ir", "ing", "mr", "dr"),
    )
)


def alike(one: str, other: str) -> bool:
    """Return whether two names may be those of one person.

    They may if they share a word of two or more letters that is not a title or a prefix.
    """

    def words(name: str) -> set[str]:
        split = "".join(char if char.isalnum() else " " for char in folded_words(name)).split()
        return {word for word in split if len(word) > 1 and word not in _SMALL}

    mine, theirs = words(one), words(other)
    return not mine or not theirs or bool(mine & theirs)


def same_place(one: str, other: str) -> bool:
    """Return whether two names of organisations may mean the same one.

    They may if one contains all words of the other. Words that many organisations have are ignored.
    """

    def words(name: str) -> frozenset[str]:
        split = "".join(char if char.isalnum() else " " for char in folded_words(name)).split()
        return frozenset(split) - _GENERIC

    mine, theirs = words(one), words(other)
    inside = mine <= theirs or theirs <= mine
    return folded_words(one) == folded_words(other) or (bool(mine) and bool(theirs) and inside)
