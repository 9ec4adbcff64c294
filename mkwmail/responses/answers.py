"""Answers as people and forms write them, and the totals of questions.

Answers are recognised in Dutch and English.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mkwmail.ledger.models import COMING, KeptSignup


class Answered(StrEnum):
    """An answer to an invitation, or afterwards a person's presence."""

    ATTENDING = "attending"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    PRESENT = "present"
    ABSENT = "absent"


# Tried in this order: "weet ik nog niet" is not a refusal, and "niet aanwezig" is not an acceptance.
_PATTERNS: tuple[tuple[Answered, re.Pattern[str]], ...] = tuple(
    (answer, re.compile(rf"(?:{pattern})\b"))
    for answer, pattern in (
        (Answered.ABSENT, r"^absent|.*\bno[- ]?show|.*\bniet (?:verschenen|op komen dagen|geweest|ingecheckt)"),
        (Answered.PRESENT, r"^present|^(?:is |was )?(?:ingecheckt|verschenen|geweest)|^checked in|^aanwezig geweest"),
        (
            Answered.TENTATIVE,
            r".*\b(?:misschien|onder voorbehoud|tentative|maybe|nog niet|onzeker|twijfel|wellicht|mogelijk)",
        ),
        (
            Answered.DECLINED,
            r"^(?:nee|neen|n|no|0|onwaar|false|helaas|afwezig|decline[ds]?|refunded|terugbetaald)"
            r"|.*\b(?:niet|not|geen|verhinderd|afgemeld|afmelding|geannuleerd|annulering|cancell?ed|uitgeschreven|"
            r"ingetrokken|verwijderd|geweigerd|vervallen)",
        ),
        (
            Answered.ATTENDING,
            r"^(?:ja|j|yes|y|x|1|waar|true|graag|zeker|natuurlijk|kom|going|ok|akkoord|paid|betaald|completed|voltooid)"
            r"|^✓|^✔|.*\b(?:ik kom|komt|ik ben erbij|aanwezig|aangemeld|aanmelding|ingeschreven|bevestigd|definitief|"
            r"attending|attend|accepted|geaccepteerd|confirmed|goedgekeurd|actief|active|deelnemer)",
        ),
    )
)


# The words that the secretary types, in a command or in our own list. There "aanwezig" means that somebody was
# present; in a form it means that somebody will attend.
_SAID = {
    **dict.fromkeys(("attending", "ja", "yes"), Answered.ATTENDING),
    **dict.fromkeys(("declined", "nee", "no"), Answered.DECLINED),
    **dict.fromkeys(("tentative", "misschien", "maybe"), Answered.TENTATIVE),
    **dict.fromkeys(("present", "aanwezig"), Answered.PRESENT),
    **dict.fromkeys(("absent", "afwezig"), Answered.ABSENT),
}


def folded_words(text: str) -> str:
    """Return a text in lower case, without accents, with single spaces.

    Answers are searched in this form.
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def read_answer(text: str) -> Answered | None:
    """Return the answer that a text gives; None if it is not a known one.

    >>> read_answer("Nee, helaas"), read_answer("Ja, ik kom graag")
    (<Answered.DECLINED: 'declined'>, <Answered.ATTENDING: 'attending'>)
    """
    words = folded_words(text)
    if words in ("✓", "✔"):
        return Answered.ATTENDING
    return next((answer for answer, pattern in _PATTERNS if pattern.match(words)), None)


def said_answer(text: str) -> Answered | None:
    """Return the answer that the secretary means by one word.

    None if the word is not one of hers.

    >>> said_answer("aanwezig"), read_answer("aanwezig")
    (<Answered.PRESENT: 'present'>, <Answered.ATTENDING: 'attending'>)
    """
    return _SAID.get(folded_words(text))


_MOST_VALUES = 12  # different answers to a multiple-choice question; if there are more, people typed their own text
_LONGEST_VALUE = 60
# These questions get people's own text, however few and short the answers are: remarks and personal details.
_OWN_WORDS = re.compile(r"opmerking|toelichting|vragen\b|remark|comment|telefoon|\bmobiel|phone|functie|\bfunction\b")
_OF_ONE = re.compile(r"\S@\S|(?:\d[ ()-]*){6}")
_NOTHING = frozenset(("-", "geen", "nee", "neen", "n.v.t.", "nvt", "none", "no", "niet van toepassing", "geen."))


@dataclass(frozen=True, slots=True)
class Question:
    """A further question of the form, with the totals of its answers.

    ``counts``: answer → how many people gave it; empty if people wrote their own text. ``filled``: how many
    people answered the question. ``dietary``: the question is about food, and only totals are reported.
    """

    question: str
    counts: Mapping[str, int]
    filled: int
    dietary: bool = False


def questions(signups: Iterable[KeptSignup], answers: Mapping[str, str]) -> tuple[Question, ...]:
    """Return the form's further questions with totals, in its order.

    Dietary questions come last. Only people who come are counted, each with their last sign-up.
    """
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
    # Dietary wishes are counted however many there are, because they are reported only as totals.
    chosen = dietary or (
        len(counts) <= _MOST_VALUES
        and not _OWN_WORDS.search(folded_words(question))
        and all(len(value) <= _LONGEST_VALUE and not _OF_ONE.search(value) for value in counts)
    )
    told = {_spelled(spelled[value]): count for value, count in counts.most_common()} if chosen else {}
    return Question(question, told, len(texts), dietary)


def _choices(text: str) -> list[str]:
    """Return the choices of an answer with several choices.

    Microsoft writes ``Lunch;Buffet;``, Google writes ``Lunch, Buffet``.
    """
    return [each.strip() for each in re.split(r";|\||,(?=\s)|\n", text) if each.strip()]


def _spelled(value: str) -> str:
    """Return the answer as it is shown: ``ja`` for a tick or an ``x``."""
    ticked = value.casefold() in ("x", "1", "true", "waar", "✓", "✔", "on")
    return "ja" if ticked and read_answer(value) is Answered.ATTENDING else value
