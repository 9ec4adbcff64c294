"""Answers as people and forms write them, in Dutch and English."""

import re
import unicodedata
from enum import StrEnum


class Answered(StrEnum):
    """Who comes, and afterwards who was there."""

    ATTENDING = "attending"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    PRESENT = "present"
    ABSENT = "absent"


# Looked for in this order: "weet ik nog niet" is no refusal, "niet aanwezig" no acceptance.
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


# What the secretary types, at the keyboard or in our own list: there "aanwezig" says that somebody was there,
# where in a form it is the answer to whether they come.
_SAID = {
    **dict.fromkeys(("attending", "ja", "yes"), Answered.ATTENDING),
    **dict.fromkeys(("declined", "nee", "no"), Answered.DECLINED),
    **dict.fromkeys(("tentative", "misschien", "maybe"), Answered.TENTATIVE),
    **dict.fromkeys(("present", "aanwezig"), Answered.PRESENT),
    **dict.fromkeys(("absent", "afwezig"), Answered.ABSENT),
}


def folded_words(text: str) -> str:
    """A text as answers are looked for in it: lower case, no accents, single spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def read_answer(text: str) -> Answered | None:
    """The answer that a text gives; None where it gives none that is known.

    >>> read_answer("Nee, helaas"), read_answer("Ja, ik kom graag")
    (<Answered.DECLINED: 'declined'>, <Answered.ATTENDING: 'attending'>)
    """
    words = folded_words(text)
    if words in ("✓", "✔"):
        return Answered.ATTENDING
    return next((answer for answer, pattern in _PATTERNS if pattern.match(words)), None)


def said_answer(text: str) -> Answered | None:
    """The answer that the secretary means by one word; None where it is none of those she has.

    >>> said_answer("aanwezig"), read_answer("aanwezig")
    (<Answered.PRESENT: 'present'>, <Answered.ATTENDING: 'attending'>)
    """
    return _SAID.get(folded_words(text))
