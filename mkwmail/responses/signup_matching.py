"""Match sign-ups with people.

A sign-up is matched by the link's code, then by the address, then by name and organisation, then by the number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mkwmail.addresses import address_key
from mkwmail.i18n import _, ngettext
from mkwmail.members.same_name import alike, same_first_name, same_place
from mkwmail.responses.answers import Answered, folded_words
from mkwmail.responses.signups import Signup


@dataclass(frozen=True, slots=True)
class Invited:
    """A person who can sign up: a member, or a guest of an earlier export.

    ``addresses``: the present address and earlier ones. ``key`` is the person's key in the ledger. ``assistants``: the
    addresses of those who get a copy of a member's mails, and may answer for the member.
    """

    key: str
    name: str
    addresses: tuple[str, ...]
    organisation: str = ""
    number: str = ""
    code: str = ""
    assistants: tuple[str, ...] = ()


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


#: Providers whose addresses say nothing about an organisation.
_FREE = re.compile(
    r"^(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|icloud|me|ziggo|kpnmail|planet|xs4all|home|proton)"
)


class _Search:
    def __init__(self, invited: Sequence[Invited]) -> None:
        self._invited = invited
        self._by_code = {each.code: each for each in invited if each.code}
        self._by_address: dict[str, list[Invited]] = {}
        self._by_assistant: dict[str, list[Invited]] = {}
        self._by_number: dict[str, list[Invited]] = {}
        self._by_name: dict[str, list[Invited]] = {}
        self._by_word: dict[str, list[Invited]] = {}
        self._by_domain: dict[str, list[Invited]] = {}
        self._by_place: dict[str, list[Invited]] = {}
        for each in invited:
            for address in each.addresses:
                self._by_address.setdefault(address_key(address), []).append(each)
                if domain := _own_domain(address):
                    self._by_domain.setdefault(domain, []).append(each)
            for address in each.assistants:
                self._by_assistant.setdefault(address_key(address), []).append(each)
            if each.number:
                self._by_number.setdefault(folded_words(each.number), []).append(each)
            name = folded_words(each.name)
            if name:
                self._by_name.setdefault(name, []).append(each)
            for word in set(name.split()):
                self._by_word.setdefault(word, []).append(each)

    def match(self, signup: Signup) -> Match:
        by_code = self._by_code.get(signup.code) if signup.code else None
        by_address = self._with_addresses(signup)
        by_name = self._named(signup)
        if by_code is not None:
            return self._judge(signup, By.CODE, by_code, by_name)
        if len(by_address) == 1:
            if signup.also and not self._by_address.get(address_key(signup.address)) and not signup.name:
                return _doubtful(signup, by_address, _("the row has several addresses"))
            return self._judge(signup, By.ADDRESS, by_address[0], by_name)
        if by_address:
            several = signup.also and len(self._by_address.get(address_key(signup.address), ())) < len(by_address)
            doubt = _("the row has the addresses of several people") if several else _("several have this address")
            return _doubtful(signup, by_address, doubt)
        assisted = self._by_assistant.get(address_key(signup.address), []) if signup.address else []
        if assisted:
            return self._by_an_assistant(signup, assisted, by_name)
        if by_name:
            return self._by_its_name(signup, by_name)
        return self._by_its_number(signup)

    def _with_addresses(self, signup: Signup) -> list[Invited]:
        """Return the people who have one of the row's addresses."""
        found = {
            each.key: each
            for address in (signup.address, *signup.also)
            if address
            for each in self._by_address.get(address_key(address), ())
        }
        return list(found.values())

    def _judge(self, signup: Signup, by: By, person: Invited, by_name: Sequence[Invited]) -> Match:
        """Compare the given name with the person of the link or address.

        The link may have been forwarded, and the address may be an office's: the name may be another person's.
        """
        others = [each for each in by_name if each.key != person.key]
        same = alike(signup.name, person.name) and same_first_name(signup.name, person.name)
        if not signup.name or not person.name or (same and not others) or person in by_name:
            return Match(signup, by, person)
        words = {"name": signup.name, "person": person.name}
        if by is By.CODE:
            doubt = _("%(name)s signed up with the link of %(person)s") % words
        else:
            doubt = _("%(name)s signed up with the address of %(person)s") % words
        return _doubtful(signup, [person, *others], doubt)

    def _by_an_assistant(self, signup: Signup, assisted: Sequence[Invited], by_name: Sequence[Invited]) -> Match:
        """Match a sign-up from the address of one or more members' assistant.

        It counts for the member whom it names. Without a member's name, it may be the assistant's own name, or that of
        a colleague.
        """
        named = [each for each in assisted if each in by_name]
        if len(named) == 1:
            return Match(signup, By.ADDRESS, named[0])
        doubt = ngettext(
            "the assistant of %(names)s signed up",
            "the assistant of several members signed up: %(names)s",
            len(assisted),
        )
        words = {"names": ", ".join(each.name for each in assisted)}
        return _doubtful(signup, [*assisted, *(each for each in by_name if each not in assisted)], doubt % words)

    def _named(self, signup: Signup) -> list[Invited]:
        """Return the people with this name and no other organisation."""
        place = signup.organisation
        return [
            each
            for each in self._by_name.get(folded_words(signup.name), ())
            if not place or not each.organisation or same_place(place, each.organisation)
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
        near = self._near(signup)
        if near:
            return _doubtful(signup, near, _("it looks like somebody of the list"))
        if not signup.name and not signup.address:
            return _doubtful(signup, (), _("nobody has this code or number"))
        if signup.answer is Answered.DECLINED:
            return _doubtful(signup, (), _("declines, and is not in the list"))
        return Match(signup, By.GUEST)

    def _near(self, signup: Signup) -> list[Invited]:
        """Return the people who this may be, by a name that is alike.

        Somebody of the same organisation may have another spelling, a nickname or half of a double name. Somebody of
        another one, or of none, must have the same words in the name.
        """
        if not signup.name:
            return []
        name = folded_words(signup.name)
        here = [*self._at(signup.organisation), *self._by_domain.get(_own_domain(signup.address), ())]
        found = {each.key: each for each in here if alike(name, each.name)}
        for each in self._by_name.get(name, ()):
            found[each.key] = each
        if not signup.organisation:
            for word in set(name.split()):
                for each in self._by_word.get(word, ()):
                    if each.key not in found and alike(name, each.name) and same_first_name(name, each.name):
                        found[each.key] = each
        return list(found.values())

    def _at(self, place: str) -> list[Invited]:
        if not place:
            return []
        if place not in self._by_place:
            places = self._by_place[place] = []
            places += [each for each in self._invited if each.organisation and same_place(place, each.organisation)]
        return self._by_place[place]


def _own_domain(address: str) -> str:
    """Return an address's domain, if it says something about an organisation."""
    domain = address_key(address).rpartition("@")[2] if address else ""
    return "" if _FREE.match(domain) else domain


def _doubtful(signup: Signup, candidates: Iterable[Invited], doubt: str) -> Match:
    return Match(signup, By.DOUBTFUL, candidates=tuple(candidates), doubt=doubt)
