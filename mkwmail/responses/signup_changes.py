"""Whose the sign-ups of an export are, and what it changes. Pure.

A sign-up is matched by the link's code, then by the address, then by name and organisation, then by the number. Only
the new content of an export is recorded, and it never replaces a person's later answer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from mkwmail.addresses import address_key
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.models import EXPECTED, Answer, KeptSignup
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


#: The source of an answer: a form's export, or the secretary, in a command or in our own edited list.
SOURCE = "sign-up"
SAID = "said"
#: The decision that a doubtful row is to be ignored: a test, or a mistake.
IGNORED = "-"
#: Prefix of the key of a row that is no export's, but what somebody said by telephone.
BY_TELEPHONE = "telephone "
#: Begins the key of what somebody wrote in a mail that a button opened.
BY_MAIL = "mail "
_AFTERWARDS = frozenset({Answered.PRESENT, Answered.ABSENT})


@dataclass(frozen=True, slots=True)
class Stands:
    """A row that changes nothing, because the person's later answer holds."""

    match: Match
    held: Answer


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows of an export, by the action that each needs.

    ``news`` change an answer; ``same`` repeat a known answer (their further questions may be new); ``stands`` leave
    a person's later answer as it is; ``guests`` are people who are not in the list; the secretary must decide about
    ``doubtful``; ``missing`` were in an earlier export and are not in this one. ``superseded`` counts the rows of
    people who filled in the form again. ``earlier`` has the present answer of each person, by their key.
    ``ignored``: rows that the secretary says are to be ignored.
    """

    news: tuple[Match, ...] = ()
    same: tuple[Match, ...] = ()
    stands: tuple[Stands, ...] = ()
    guests: tuple[Match, ...] = ()
    doubtful: tuple[Match, ...] = ()
    missing: tuple[KeptSignup, ...] = ()
    superseded: int = 0
    earlier: Mapping[str, Answer] = field(default_factory=dict)
    ignored: tuple[Match, ...] = ()

    @property
    def new(self) -> tuple[Match, ...]:
        """The rows of members who had not answered."""
        return tuple(each for each in self.news if each.person and each.person.key not in self.earlier)

    @property
    def changed(self) -> tuple[tuple[Match, Answer], ...]:
        """The rows that change an answer, with the present one."""
        return tuple(
            (each, self.earlier[each.person.key])
            for each in self.news
            if each.person and each.person.key in self.earlier
        )

    @property
    def recorded(self) -> int:
        """How many answers are recorded."""
        return len(self.news) + len(self.guests)

    @property
    def seen(self) -> frozenset[str]:
        """The persons (keys) who have a row, or may have one."""
        rows = (*self.news, *self.same, *self.guests, *self.doubtful, *(each.match for each in self.stands))
        found = {each.person.key for each in rows if each.person}
        return frozenset(found | {person.key for each in self.doubtful for person in each.candidates})


def changes(
    matches: Iterable[Match],
    kept: Sequence[KeptSignup],
    held: Mapping[str, Answer],
    people: Mapping[str, Invited],
    settled: Mapping[str, str] | None = None,
    answered: Mapping[str, Answered] | None = None,
) -> Changes:
    """Return the changes that an export brings.

    :param kept: the rows of earlier exports.
    :param held: the present answer of each person, by their key.
    :param people: everybody by their key.
    :param settled: the secretary's decisions about doubtful rows: the row's key → a person's key, empty for a guest,
        or :data:`IGNORED`.
    :param answered: the answers that the secretary gave for rows without one, by the row's key.
    """
    last, superseded = _last_of_each(_with_answers(matches, answered or {}))
    sorting = _Sorting({each.key: each for each in kept}, held, people, settled or {})
    for match in last:
        sorting.sort(match)
    seen = {match.signup.key for match in last}
    here = {match.person.key for match in (*sorting.news, *sorting.same) if match.person}
    here |= {each.match.person.key for each in sorting.stands if each.match.person}
    # A row that is asked about may be theirs.
    here |= {person.key for each in sorting.doubtful for person in each.candidates}
    ours = all(match.signup.was is not None for match in last)
    missing = [
        each
        for each in kept
        if each.key not in seen
        and each.gone is None
        and not each.key.startswith((BY_TELEPHONE, BY_MAIL))
        and each.answer in EXPECTED
        and each.person not in here
        and not _is_settled(each, held)
        and not ours
    ]
    return Changes(
        tuple(sorting.news),
        tuple(sorting.same),
        tuple(sorting.stands),
        tuple(sorting.guests),
        tuple(sorting.doubtful),
        tuple(missing),
        superseded,
        held,
        tuple(sorting.ignored),
    )


def _with_answers(matches: Iterable[Match], answered: Mapping[str, Answered]) -> Iterator[Match]:
    for match in matches:
        given = answered.get(match.signup.key) if match.signup.answer is None else None
        yield replace(match, signup=replace(match.signup, answer=given)) if given else match


def _is_settled(row: KeptSignup, held: Mapping[str, Answer]) -> bool:
    """Return whether it is known already why a row is missing.

    It is if the person does not come, or answered by other means after the row was last seen.
    """
    answer = held.get(row.person or "")
    if answer is None:
        return False
    spoke = answer.source != SOURCE and row.at is not None and answer.given > row.at
    return answer.answer not in EXPECTED or spoke


def _last_of_each(matches: Iterable[Match]) -> tuple[list[Match], int]:
    """Return each person's last row and the number of other rows.

    The row that was filled in last counts, so a later cancellation does.
    """
    last: dict[str, Match] = {}
    superseded = 0
    unordered: set[str] = set()
    for match in matches:
        name = match.person.key if match.person else f"row {match.signup.key}"
        before = last.get(name)
        if before is None:
            last[name] = match
            continue
        superseded += 1
        moments = {before.signup.moment, match.signup.moment}
        if before.signup.answer != match.signup.answer and (None in moments or len(moments) == 1):
            unordered.add(name)
        if _turn(before.signup) <= _turn(match.signup):
            last[name] = match
    for name in unordered:
        last[name] = _unordered(last[name])
    return sorted(last.values(), key=lambda match: match.signup.row), superseded


def _unordered(match: Match) -> Match:
    """Return a row as doubtful: the person has others, and it cannot be told which was filled in last."""
    doubt = _("answered more than once, differently, and the moments do not show which answer is the last")
    signup = replace(match.signup, answer=None, doubt=match.signup.doubt or doubt)
    return replace(match, signup=signup)


def _turn(signup: Signup) -> tuple[float, int]:
    # Of rows with one answer and without moments the last counts: forms add new rows at the end.
    return (signup.moment.timestamp() if signup.moment else 0.0, signup.row)


class _Sorting:
    """The rows of an export, sorted by the action that each needs."""

    def __init__(
        self,
        kept: Mapping[str, KeptSignup],
        held: Mapping[str, Answer],
        people: Mapping[str, Invited],
        settled: Mapping[str, str],
    ) -> None:
        self.news: list[Match] = []
        self.same: list[Match] = []
        self.stands: list[Stands] = []
        self.guests: list[Match] = []
        self.doubtful: list[Match] = []
        self.ignored: list[Match] = []
        self._kept = kept
        self._held = held
        self._people = people
        self._settled = settled

    def sort(self, match: Match) -> None:
        match = self._as_settled(match)
        signup, kept = match.signup, self._kept.get(match.signup.key)
        if signup.was is not None and (signup.answer is None or signup.answer == signup.was) and not signup.doubt:
            self.same.append(match)  # our own list, in which this row was not edited
        elif self._settled.get(signup.key) == IGNORED:
            self.ignored.append(match)
        elif kept is not None and is_removed(kept) and kept.digest == signup.digest:
            self.same.append(replace(match, person=None))
        elif kept is not None and kept.person and not kept.doubt and kept.digest == signup.digest:
            self.same.append(replace(match, person=self._people.get(kept.person, match.person)))
        elif match.by is By.DOUBTFUL:
            self.doubtful.append(match)
        elif signup.answer is None:
            candidates = (match.person,) if match.person else ()
            self.doubtful.append(Match(signup, By.DOUBTFUL, None, candidates, signup.doubt))
        elif match.person is None:
            self.guests.append(match)
        else:
            self._compare(match, match.person, signup.answer, kept)

    def _as_settled(self, match: Match) -> Match:
        """Apply a decision about a doubtful row, made now or earlier."""
        if match.by is not By.DOUBTFUL:
            return match
        kept = self._kept.get(match.signup.key)
        chosen = self._settled.get(match.signup.key, kept.person if kept else None)
        if chosen == "":
            return replace(match, by=By.GUEST, doubt="")
        person = self._people.get(chosen or "")
        return replace(match, by=By.NAME, person=person, doubt="") if person else match

    def _compare(self, match: Match, person: Invited, answer: Answered, kept: KeptSignup | None) -> None:
        held = self._held.get(person.key)
        if held is None:
            self.news.append(match)
        elif held.answer == answer:
            self.same.append(match)
        elif held.answer in _AFTERWARDS and answer not in _AFTERWARDS:
            self.stands.append(Stands(match, held))
        elif match.signup.was is not None:
            self._edited(match, held)
        elif answer in _AFTERWARDS or (match.signup.moment is not None and held.given <= match.signup.moment):
            self.news.append(match)
        elif match.signup.moment is not None and not _is_edited(match.signup, kept):
            self.stands.append(Stands(match, held))
        elif held.source == SOURCE or (kept is not None and not kept.doubt and _before(held.given, kept.at)):
            self.news.append(match)
        else:
            self._ask(
                match, held, _("the export says %(answer)s now, and does not show since when; %(held)s was recorded")
            )

    def _edited(self, match: Match, held: Answer) -> None:
        """Sort an edited row of our own list.

        It counts unless the person's answer changed after the list was made.
        """
        if held.answer == match.signup.was:
            self.news.append(match)
        else:
            self._ask(match, held, _("the list says %(answer)s, and since it was made %(held)s was recorded"))

    def _ask(self, match: Match, held: Answer, doubt: str) -> None:
        if self._settled.get(match.signup.key) == (match.person.key if match.person else None):
            self.news.append(match)
            return
        words = {"answer": match.signup.answer, "held": held.answer}
        candidates = (match.person,) if match.person else ()
        self.doubtful.append(Match(match.signup, By.DOUBTFUL, None, candidates, doubt % words))


def _is_edited(signup: Signup, kept: KeptSignup | None) -> bool:
    """Return whether a row has another answer now than before, and still the moment at which it was made.

    A ticket that was cancelled keeps the date of its order.
    """
    if kept is None or kept.moment != signup.moment:
        return False
    return bool(kept.doubt) or kept.answer not in ("", signup.answer)


def _before(moment: datetime, noted: datetime | None) -> bool:
    return noted is not None and moment <= noted


def is_removed(row: KeptSignup) -> bool:
    """Return whether the secretary said that a row is to be ignored: a test, or a mistake."""
    return row.gone is not None and row.person is None and not row.doubt


def kept_signup(match: Match, person: str | None, doubt: str = "", holder: str | None = None) -> KeptSignup:
    """Return a row as the ledger keeps it.

    :param holder: of a row that is not settled, the person at its own address.
    """
    signup = match.signup
    return KeptSignup(
        key=signup.key,
        person=person,
        digest=signup.digest,
        answer=signup.answer or "",
        name=signup.name,
        address=signup.address,
        organisation=signup.organisation,
        number=signup.number,
        moment=signup.moment,
        asked=signup.beside,
        dietary=signup.dietary,
        doubt=doubt,
        companions=signup.companions,
        maybe=tuple(each.key for each in match.candidates) if doubt else (),
        holder=holder,
    )
