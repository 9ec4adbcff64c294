"""What those who come answered to the form's further questions, counted as a caterer asks for it. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mkwmail.ledger.records import COMING, KeptSignup
from mkwmail.replies.answer_words import Answered, folded_words, read_answer

_MOST_VALUES = 12  # different answers to a question that has a choice; more are texts that people wrote
_LONGEST_VALUE = 60
# Texts of people's own, however few and short: remarks, and what tells who they are.
_OWN_WORDS = re.compile(r"opmerking|toelichting|vragen\b|remark|comment|telefoon|\bmobiel|phone|functie|\bfunction\b")
_OF_ONE = re.compile(r"\S@\S|(?:\d[ ()-]*){6}")
_NOTHING = frozenset(("-", "geen", "nee", "neen", "n.v.t.", "nvt", "none", "no", "niet van toepassing", "geen."))


@dataclass(frozen=True, slots=True)
class Question:
    """A question asked beside. ``counts``: answer → how many gave it; empty where people wrote texts of their own.

    ``filled``: how many answered it at all; ``dietary``: about food, which is told in totals only.
    """

    question: str
    counts: Mapping[str, int]
    filled: int
    dietary: bool = False


def questions(signups: Iterable[KeptSignup], answers: Mapping[str, str]) -> tuple[Question, ...]:
    """The questions of the form in its order, counted over those who come; the last sign-up of each person."""
    last = {each.person: each for each in signups if each.person and each.gone is None}
    coming = [each for person, each in last.items() if answers.get(person or "") in COMING]
    asked = _counted([each.asked for each in coming], dietary=False)
    return (*asked, *_counted([each.dietary for each in coming], dietary=True))


def _counted(given: list[Mapping[str, str]], dietary: bool) -> tuple[Question, ...]:
    found: dict[str, list[str]] = {}
    for each in given:
        for question, text in each.items():
            if not (dietary and folded_words(text) in _NOTHING):
                found.setdefault(question, []).append(text)
    return tuple(_question(question, texts, dietary) for question, texts in found.items())


def _question(question: str, texts: list[str], dietary: bool) -> Question:
    spelled: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for text in texts:
        for value in dict.fromkeys(folded_words(each) for each in _choices(text)):
            counts[value] += 1
        for each in _choices(text):
            spelled.setdefault(folded_words(each), each)
    # A wish about food is counted however long its list: it is told in no other way.
    chosen = dietary or (
        len(counts) <= _MOST_VALUES
        and not _OWN_WORDS.search(folded_words(question))
        and all(len(value) <= _LONGEST_VALUE and not _OF_ONE.search(value) for value in counts)
    )
    told = {_spelled(spelled[value]): count for value, count in counts.most_common()} if chosen else {}
    return Question(question, told, len(texts), dietary)


def _choices(text: str) -> list[str]:
    """The choices of a question with several: ``Lunch;Buffet;`` as Microsoft writes it, ``Lunch, Buffet`` as Google."""
    return [each.strip() for each in re.split(r";|\||,(?=\s)|\n", text) if each.strip()]


def _spelled(value: str) -> str:
    """A tick or ``x`` says yes."""
    ticked = value.casefold() in ("x", "1", "true", "waar", "✓", "✔", "on")
    return "ja" if ticked and read_answer(value) is Answered.ATTENDING else value
