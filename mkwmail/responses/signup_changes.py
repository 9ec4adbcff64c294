"""The changes that an export brings. Pure.

Only its new content is recorded, and it never replaces a person's later answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mkwmail.i18n import _
from mkwmail.ledger.models import EXPECTED, Answer, KeptSignup
from mkwmail.responses.answers import Answered
from mkwmail.responses.signup_matching import By, Invited, Match
from mkwmail.responses.signups import Signup

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
