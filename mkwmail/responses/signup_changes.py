"""What an export changes: only what is new in it, and never a later word of somebody. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mkwmail.i18n import _
from mkwmail.ledger.models import EXPECTED, Answer, KeptSignup
from mkwmail.responses.answers import Answered
from mkwmail.responses.signup_matching import By, Invited, Match
from mkwmail.responses.signups import Signup

#: How an answer came: by a form's export, or as the secretary says, at the keyboard or in our own edited list.
SOURCE = "sign-up"
SAID = "said"
_AFTERWARDS = frozenset({Answered.PRESENT, Answered.ABSENT})


@dataclass(frozen=True, slots=True)
class Stands:
    """A row that changes nothing, because a later word of the same person stands."""

    match: Match
    held: Answer


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done with each row of an export.

    ``news`` change an answer; ``same`` say what is known (their questions beside may be news); ``stands`` came
    before a later word; ``guests`` are nobody of the list; ``doubtful`` are for a person to say; ``missing`` were
    in an earlier export and are not in this one. ``superseded`` are rows of somebody who filled the form in again.
    """

    news: tuple[Match, ...] = ()
    same: tuple[Match, ...] = ()
    stands: tuple[Stands, ...] = ()
    guests: tuple[Match, ...] = ()
    doubtful: tuple[Match, ...] = ()
    missing: tuple[KeptSignup, ...] = ()
    superseded: int = 0


def changes(
    matches: Iterable[Match],
    kept: Sequence[KeptSignup],
    held: Mapping[str, Answer],
    people: Mapping[str, Invited],
    settled: Mapping[str, str] | None = None,
) -> Changes:
    """What an export changes.

    :param kept: what earlier exports said of their rows.
    :param held: the answer of each person that holds now.
    :param people: everybody by their key.
    :param settled: what a person said now of doubtful rows: the row's key → a person's key, or empty for a guest.
    """
    last, superseded = _last_of_each(matches)
    sorting = _Sorting({each.key: each for each in kept}, held, people, settled or {})
    for match in last:
        sorting.sort(match)
    seen = {match.signup.key for match in last}
    here = {match.person.key for match in (*sorting.news, *sorting.same) if match.person}
    here |= {each.match.person.key for each in sorting.stands if each.match.person}
    ours = all(match.signup.was is not None for match in last)
    missing = [
        each
        for each in kept
        if each.key not in seen
        and each.gone is None
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
    )


def _is_settled(row: KeptSignup, held: Mapping[str, Answer]) -> bool:
    """Whether it is known already what a missing row means: the person does not come, or spoke since it was seen."""
    answer = held.get(row.person or "")
    if answer is None:
        return False
    spoke = answer.source != SOURCE and row.at is not None and answer.given > row.at
    return answer.answer not in EXPECTED or spoke


def _last_of_each(matches: Iterable[Match]) -> tuple[list[Match], int]:
    """Of several rows of one person the one that was filled in last: a later cancellation counts."""
    last: dict[str, Match] = {}
    superseded = 0
    for match in matches:
        name = match.person.key if match.person else f"row {match.signup.key}"
        before = last.get(name)
        if before is None:
            last[name] = match
            continue
        superseded += 1
        if _turn(before.signup) <= _turn(match.signup):
            last[name] = match
    return sorted(last.values(), key=lambda match: match.signup.row), superseded


def _turn(signup: Signup) -> tuple[float, int]:
    # Without moments the order of the rows decides: forms add below.
    return (signup.moment.timestamp() if signup.moment else 0.0, signup.row)


class _Sorting:
    """Puts each row in its place."""

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
        self._kept = kept
        self._held = held
        self._people = people
        self._settled = settled

    def sort(self, match: Match) -> None:
        match = self._as_settled(match)
        signup, kept = match.signup, self._kept.get(match.signup.key)
        if signup.was is not None and (signup.answer is None or signup.answer == signup.was) and not signup.doubt:
            self.same.append(match)  # our own list, not edited here
        elif kept is not None and kept.person and not kept.doubt and kept.digest == signup.digest:
            self.same.append(self._of(match, kept.person))
        elif match.by is By.DOUBTFUL:
            self.doubtful.append(match)
        elif signup.answer is None:
            self.doubtful.append(replace(match, by=By.DOUBTFUL, doubt=signup.doubt))
        elif match.person is None:
            self.guests.append(match)
        else:
            self._compare(match, match.person, signup.answer, kept)

    def _of(self, match: Match, person: str) -> Match:
        return replace(match, person=self._people.get(person, match.person))

    def _as_settled(self, match: Match) -> Match:
        """A doubtful row that a person decided about, now or at an earlier import."""
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
        elif answer in _AFTERWARDS:
            self.news.append(match)
        elif match.signup.moment is not None:
            if held.given > match.signup.moment:
                self.stands.append(Stands(match, held))
            else:
                self.news.append(match)
        elif held.source == SOURCE or (kept is not None and _before(held.given, kept.at)):
            self.news.append(match)
        else:
            self._ask(
                match, held, _("the export says %(answer)s without a date, and %(held)s was recorded by other means")
            )

    def _edited(self, match: Match, held: Answer) -> None:
        """A row of our own list that was edited: it counts unless the answer changed since the list was made."""
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


def _before(moment: datetime, noted: datetime | None) -> bool:
    return noted is not None and moment <= noted


def kept_signup(match: Match, person: str | None, doubt: str = "") -> KeptSignup:
    """What the ledger keeps of a row."""
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
    )
