"""Answers as people and forms write them, and the totals of questions.

Answers are recognised in Dutch and English. A sentence is read from its beginning; an answer that is not understood
is never guessed.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mkwmail.ledger.models import COMING, KeptSignup


class Answered(StrEnum):
    """An answer to an invitation, or afterwards a person's presence."""

    ATTENDING = "attending"
    DECLINED = "declined"
    TENTATIVE = "tentative"
    PRESENT = "present"
    ABSENT = "absent"


# Whole answers: ticks, words, and the statuses of form and ticket services, without case and punctuation.
_WHOLE = {
    **dict.fromkeys(
        (
            *(
                "x",
                "j",
                "y",
                "1",
                "waar",
                "true",
                "on",
                "kom",
                "komt",
                "ik kom",
                "ik kom graag",
                "wij komen",
                "we komen",
                "erbij",
            ),
            *("ik ben erbij", "ben erbij", "we zijn erbij", "wij zijn erbij", "ik doe mee", "ik neem deel", "graag"),
            *("aanwezig", "ik ben aanwezig", "aangemeld", "aanmelden", "aanmelding", "ingeschreven", "inschrijven"),
            *("ik meld me aan", "ik meld mij aan", "ik ben er", "ik ben er bij", "bevestigd", "definitief", "actief"),
            *("deelnemer", "deelname", "geaccepteerd", "accepteren", "goedgekeurd", "voltooid", "betaald", "going"),
            *("attending", "attend", "will attend", "i will attend", "accepted", "accept", "accepts", "approved"),
            *("confirmed", "confirm", "registered", "active", "completed", "complete", "paid", "valid", "coming"),
            *("i am coming", "im coming", "i will be there", "ill be there", "count me in", "i am in", "im in"),
            *("see you there", "wil komen", "ik wil komen", "ik wil graag komen", "ik kom zeker", "tot dan", "joining"),
            *("graag aanwezig", "ik schuif graag aan", "hierbij meld ik mij aan", "hierbij meld ik me aan"),
            *("ik wil me graag aanmelden", "ik wil mij graag aanmelden", "ik geef me op", "ik ben van de partij"),
            *("je kunt op mij rekenen", "daar ben ik graag bij", "geen probleem ik kom", "👍"),
            *("checked", "aangevinkt", "geldig", "gaat", "rsvp yes", "yes rsvp"),
            *("ik zal er zijn", "ik zal aanwezig zijn", "wel aanwezig", "komt wel", "ik kom wel", "neemt deel"),
        ),
        Answered.ATTENDING,
    ),
    **dict.fromkeys(
        (
            *(
                "0",
                "n",
                "onwaar",
                "false",
                "off",
                "afwezig",
                "verhinderd",
                "afgemeld",
                "afmelden",
                "afmelding",
                "annulering",
            ),
            *("geannuleerd", "uitgeschreven", "ingetrokken", "verwijderd", "geweigerd", "vervallen", "afgezegd"),
            *("terugbetaald", "afgewezen", "decline", "declined", "declines", "rejected", "cancelled", "canceled"),
            *("cancel", "refunded", "void", "voided", "deleted", "revoked", "withdrawn", "helaas", "regrets"),
            *("not going", "not attending", "not coming", "will not attend", "i will not attend", "wont attend"),
            *("i wont attend", "cant come", "i cant come", "cannot come", "i cannot come", "cant make it"),
            *("i cant make it", "cannot attend", "i cannot attend", "unable to attend", "not able to attend"),
            *("i am not coming", "im not coming", "i am not able to attend", "i am unable to attend", "unavailable"),
            *("kom niet", "komt niet", "kan niet", "niet", "niet aanwezig", "neemt niet deel", "doet niet mee"),
            *(
                "niet komen",
                "geen deelname",
                "zegt af",
                "ik zeg af",
                "ik meld me af",
                "ik meld mij af",
                "ik moet afzeggen",
            ),
            *(
                "ik ben verhinderd",
                "ik ben helaas verhinderd",
                "helaas verhinderd",
                "ik ben afwezig",
                "wij zijn verhinderd",
            ),
            *("hierbij meld ik mij af", "hierbij meld ik me af", "ik moet me afmelden", "ik moet mij afmelden"),
            *("ik ben die dag verhinderd", "ik ben dan verhinderd", "dan kan ik niet", "die dag kan ik niet"),
            *("dit keer niet", "deze keer niet", "dat lukt niet", "dat lukt me niet", "dat gaat niet lukken"),
            *("ik moet verstek laten gaan", "ik moet helaas passen", "ik ben dan op vakantie", "👎"),
            *("sorry i cant", "i cant", "i decline", "wij komen niet", "we komen niet", "niet beschikbaar"),
            *("ongeldig", "invalid", "unchecked", "gaat niet", "cant go", "rsvp no"),
        ),
        Answered.DECLINED,
    ),
    **dict.fromkeys(
        (
            *("misschien", "wellicht", "mogelijk", "onder voorbehoud", "voorlopig", "maybe", "perhaps", "possibly"),
            *("tentative", "tentatively", "not sure", "not sure yet", "unsure", "onzeker", "twijfel", "ik twijfel"),
            *("weet ik nog niet", "ik weet het nog niet", "weet het nog niet", "weet nog niet", "nog niet zeker"),
            *("nog niet bekend", "nog onbekend", "ik weet nog niet", "i dont know yet", "dont know yet", "nog onzeker"),
            *("ik kom misschien", "misschien wel", "misschien kom ik", "waarschijnlijk", "waarschijnlijk wel"),
            *("probably", "ik twijfel nog", "waarschijnlijk niet", "probably not", "interested", "geinteresseerd"),
        ),
        Answered.TENTATIVE,
    ),
    **dict.fromkeys(
        (
            *("present", "ingecheckt", "is ingecheckt", "verschenen", "is verschenen", "geweest", "is geweest"),
            *("checked in", "was aanwezig", "aanwezig geweest", "is aanwezig geweest", "attended", "was present"),
        ),
        Answered.PRESENT,
    ),
    **dict.fromkeys(
        (
            *("absent", "no show", "noshow", "niet verschenen", "niet op komen dagen", "niet geweest"),
            *(
                "niet ingecheckt",
                "is niet verschenen",
                "is niet geweest",
                "did not attend",
                "was afwezig",
                "was absent",
            ),
        ),
        Answered.ABSENT,
    ),
}
_YES = (
    r"(?:ja|jazeker|jawel|jep|yes|yep|yeah|yup|sure|certainly|of course|zeker|natuurlijk|uiteraard|jaa+|oui|✓|✔|☑|✅)"
)
_NO = r"(?:nee|neen|nope|no|nee+|nah|helaas|nein|non)"
# Words that make an answer depend on something: "als het lukt", "if I can".
_CONDITION = (
    r"mits|indien|tenzij|zodra|zolang|behoudens|afhankelijk|voorlopig|unless|provided|depend\w*|if|"
    r"als (?:ik|het|dat|er|de|mijn|we|wij|alles|niets|niks|iemand|u|je)"
)
_CONDITIONAL = re.compile(rf"\b(?:{_CONDITION})\b")
# Words after "ja" that take it back, or make it another's answer. "Nee" may be about a part: "nee voor de lunch".
_TAKEN_BACK = re.compile(
    r"^(?:nee|neen|no|not|niet|helaas|misschien|wellicht|maybe|perhaps)\b|^(?:of|or) (?:nee|no)\b|"
    r"\b(?:nee|neen)\b(?! (?:voor|bij|tegen|op|aan|tijdens)\b)|"
    rf"\b(?:onder voorbehoud|waarschijnlijk|probably|misschien|maybe|{_CONDITION}|"
    r"(?:niet|not|on)(?: \w+)? ?(?:zeker|sure)|onzeker|unsure|twijfel\w*|"
    r"kom(?:en|t)?(?: \w+)? niet|kan(?: \w+){0,2} niet|kunnen(?: \w+){0,2} niet|zal(?: \w+)? niet|"
    r"(?:ben|zijn)(?: \w+)? (?:niet|afwezig)|verhinderd|afmeld\w*|afzeg\w*|afgemeld|can ?not|cant|wont|will not|"
    r"not (?:be )?(?:able|attending|coming|come|going|there)|decline)\b"
)
_ANOTHER = re.compile(
    r"\b(?:in mijn plaats|in plaats van|namens mij|vervang\w*|plaatsvervang\w*|iemand anders|someone else|instead|"
    r"on (?:my )?behalf|opvolg\w*|(?:ik|wij|we) (?:stuur|sturen|zend)|(?:am|are|will be) sending|i (?:will )?send|"
    r"(?:collega|colleague|partner)(?: \w+){0,2} (?:komt|gaat|neemt|is coming|will)|"
    r"(?:komt|gaat) (?:mijn|een) (?:collega|partner))\b"
)
_MYSELF = re.compile(
    r"\b(?:ik kom(?! (?:\w+ )?niet)|(?:wij|we) komen(?! (?:\w+ )?niet)|"
    r"kom ik|ik ben er(?:bij)?|ik doe mee|ik neem deel|i am coming|im coming|"
    r"ill be there|i will (?:be there|come|attend)|ill come|wel|ja|yes|problem|probleem|worries|bezwaar)\b"
)
_NEGATION = re.compile(
    r"\b(?:niet|niks|nee|neen|geen|nooit|noch|not|no|never|none|nor|neither|verhinderd|afwezig|helaas|afgemeld|afmeld\w*|"
    r"afzeg\w*|afgezegd|cancel\w*|annul\w*|geannuleerd|cannot|unable|unfortunately|declin\w*|regret\w*|sorry|"
    r"\w+nt(?<=cant|wont|dont)|isnt|didnt|couldnt|wouldnt|zonder|without|jammer|spijt\w*|onmogelijk|impossible|"
    r"wachtlijst|waitlist\w*|waiting|pending|behandeling|reserve\w*|afgelast|vervallen|liever|rather)\b"
)
_HEDGE = re.compile(
    r"\b(?:misschien|onder voorbehoud|tentative|maybe|perhaps|possibly|nog niet|onzeker|twijfel|wellicht|mogelijk|"
    r"waarschijnlijk|probably|not sure|unsure|hopelijk|hopefully|probeer|try|hoop|"
    r"(?:er|hier|daar)(?: \w+)? op terug|laat (?:het )?(?:nog|later) weten)\b"
)
_REFUSAL = re.compile(
    r"(?:(?:helaas|sorry|jammer genoeg|unfortunately|ik|wij|we|i|am|can|nee|dan|die dag|op die dag)\s)*"
    r"(?:kan|kunnen|kom|komen|ben|zijn|zal|neem|doe|cannot|cant|wont|will not|am not|not)"
    r"(?:\s(?:er|helaas|deze keer|dit keer|die dag|dan|echt|dit jaar|unfortunately|be|able|to))*"
    r"(?:\s(?:niet|attend|come|make it|be there|coming|attending))"
    r"(?:\s(?:bij|komen|kunnen komen|aanwezig|aanwezig zijn|bij zijn|erbij|erbij zijn|zijn|deel|mee|deelnemen|meedoen|"
    r"attend|come|make it|there|this time|naar de bijeenkomst|dit jaar|deze keer))*"
    r"(?:\s(?:veel succes|veel plezier|tot de volgende keer|groet(?:en|jes)?(?: \w+){0,3}))?"
)
_WILL_COME = re.compile(
    r"\b(?:ik kom|wij komen|we komen|kom (?:graag|ook|zeker)|ik ben erbij|ben er graag bij|"
    r"(?:ik ben|wel) aanwezig|"
    r"aanwezig (?:vanaf|tot)|ik schuif aan|ik doe (?:graag )?mee|ik neem (?:graag )?deel|ik zal er zijn|will attend|"
    r"(?:am|will be|are) (?:attending|coming|there|joining)|ill be there|look forward|zie er naar uit|"
    r"aangemeld|ingeschreven|registered)\b"
)


# The words that the secretary types, in a command or in our own list. There "aanwezig" means that somebody was
# present; in a form it means that somebody will attend.
TYPED = {
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


def _bare_words(text: str) -> str:
    """Return the words of an answer, without punctuation and emoji; ticks and thumbs are kept."""
    words = folded_words(text.replace("\ufe0f", "")).replace("'", "").replace("’", "").replace("`", "")
    return " ".join("".join(char if char.isalnum() or char in "✓✔☑✅👍👎" else " " for char in words).split())


def read_answer(text: str) -> Answered | None:
    """Return the answer that a text gives; None if it is not understood.

    A sentence is read from its beginning. A text that does not begin with yes or no, and has a negation, is understood
    only if the whole text is a known refusal.

    >>> read_answer("Ja, maar niet bij de lunch"), read_answer("Nee, helaas"), read_answer("Ik kom niet alleen")
    (<Answered.ATTENDING: 'attending'>, <Answered.DECLINED: 'declined'>, None)
    """
    words = _bare_words(text)
    if words in _WHOLE:
        return _WHOLE[words]
    if re.match(r"(?:ja nee|yes no|j n|y n|nee ja|no yes)\b", words) or _ANOTHER.search(words):
        return Answered.DECLINED if re.match(r"(?:nee|neen|no)\b(?! (?:ja|yes))", words) else None
    begins = re.match(rf"({_YES}|{_NO})(?!\w)\s*(.*)", words)
    if begins is not None:
        return _after_yes_or_no(begins[1], begins[2])
    if _REFUSAL.fullmatch(words) and _NEGATION.search(words):
        return Answered.DECLINED
    if re.match(r"(?:ik |dat |wij |we )?(?:weet|weten|is|kan|i (?:do not|dont) know).*\b(?:nog niet|yet)\b", words):
        return Answered.TENTATIVE
    if _NEGATION.search(words):
        return None
    if _HEDGE.search(words):
        return Answered.TENTATIVE
    return Answered.ATTENDING if _WILL_COME.search(words) and not _CONDITIONAL.search(words) else None


def _after_yes_or_no(first: str, rest: str) -> Answered | None:
    if re.fullmatch(_YES, first):
        weak = first in ("zeker", "natuurlijk", "uiteraard", "sure", "certainly", "of course")
        if not rest or not (_TAKEN_BACK.search(rest) or (weak and _NEGATION.search(rest))):
            return Answered.ATTENDING
        vague = _HEDGE.search(rest) and not re.search(r"\b(?:niet|not|geen|no|nee)\b", rest)
        return Answered.TENTATIVE if vague and not _CONDITIONAL.search(rest) else None
    # "Nee, alleen online" and "nee voor de lunch" are about a part: they do not say who stays away.
    if _MYSELF.search(rest) or re.match(
        r"(?:show|answer|response|reply|antwoord|reactie|idea|idee|opinion|preference|voorkeur|limit|"
        r"voor|bij|tegen|tijdens|alleen|slechts|enkel|behalve|only|just|except|for)\b",
        rest,
    ):
        return None
    if first == "helaas" and not (_NEGATION.search(rest) or not rest):
        return None
    return Answered.DECLINED


def is_doubtful(text: str) -> bool:
    """Return whether a text may take an acceptance back: a negation, a condition, a doubt or another person."""
    words = _bare_words(text)
    found = (pattern.search(words) for pattern in (_NEGATION, _HEDGE, _ANOTHER, _CONDITIONAL))
    return any(each is not None for each in found)


def is_yes_or_no(text: str) -> bool:
    """Return whether a cell holds an answer to a yes-or-no question."""
    words = _bare_words(text)
    return words in ("j", "y", "n") or bool(re.match(rf"(?:{_YES}|nee|neen|no|nope|nein|non)(?!\w)", words))


_NUMBERS = {
    **dict.fromkeys(("een", "one", "ja", "yes", "j", "y", "x", "iemand"), 1),
    **dict.fromkeys(("twee", "two"), 2),
    **dict.fromkeys(("drie", "three"), 3),
    **dict.fromkeys(("vier", "four"), 4),
    **dict.fromkeys(("vijf", "five"), 5),
    **dict.fromkeys(
        ("geen", "nee", "no", "none", "niemand", "nul", "zero", "nvt", "n v t", "alleen", "alone", "n a", "nobody"), 0
    ),
}
_MOST_COMPANIONS = 20


def read_companions(text: str, of_persons: bool = False) -> int | None:
    """Return how many people a text says come along; None if it does not.

    :param of_persons: the text is the number of all persons, the one who answers included.

    >>> read_companions("ja, mijn partner"), read_companions("Piet en Els"), read_companions("3", of_persons=True)
    (1, 2, 2)
    """
    words = _bare_words(text)
    if not words or not _NUMBERS.get(words, 1):
        return 0
    found = re.fullmatch(
        r"(?:met |ik neem |with )?(\d{1,2}|[a-z]+)(?:\s0)?(?: (?:extra|mee|person\w*|persoon|introduc\w*|"
        r"guests?|gast\w*|partners?|collega ?s?|people|mensen|iemand))*",
        words,
    )
    number = None
    if found:
        number = int(found[1]) if found[1].isdecimal() else _NUMBERS.get(found[1])
    if number is None:
        number = _people_named(text, words, of_persons)
    if number is None or number > _MOST_COMPANIONS:
        return None
    return max(0, number - 1) if of_persons else number


def _people_named(text: str, words: str, of_persons: bool) -> int | None:
    """Return how many people a text names: "Piet en Els", "ja, mijn partner"."""
    if of_persons or re.search(r"\d", words):
        return None
    if re.match(r"(?:nee|no|geen|none|niet|not)\b|(?:ik kom |i come |just )?(?:alleen|alone|me)$", words):
        return 0
    if re.search(r"\b(?:misschien|maybe|nog niet|paar|enkele|some|few|several|weet|know|zie|vraag)\b", words):
        return None
    named = re.sub(r"(?i)^(?:ja|yes|graag)\b[\s,:.-]*", "", text.strip())
    people = [each for each in re.split(r"\s*(?:,|;|&|\+|\n|\b(?:en|and)\b)\s*", named) if each.strip()]
    return max(1, len(people)) if len(words.split()) <= 5 * max(1, len(people)) else None


def said_answer(text: str) -> Answered | None:
    """Return the answer that the secretary means by one word.

    None if the word is not one of hers.

    >>> said_answer("aanwezig"), read_answer("aanwezig")
    (<Answered.PRESENT: 'present'>, <Answered.ATTENDING: 'attending'>)
    """
    return TYPED.get(folded_words(text))


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many people come: for the hall, and for the caterer.

    ``coming``: those who said yes, or were present. ``companions``: those who come along. ``parts``: optional part of
    the programme → how many people, companions included. ``dietary``: wish → how many.
    """

    coming: int = 0
    companions: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    dietary: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All who come, with those who come along."""
        return self.coming + self.companions


def choices_in_words(row: KeptSignup) -> str:
    """Return what somebody chose besides, in Dutch: ``Lunch: ja; Borrel: nee; 2 introducés``."""
    said = {Answered.ATTENDING: "ja", Answered.DECLINED: "nee"}
    found = [(heading, said.get(read_answer(text) or Answered.TENTATIVE)) for heading, text in row.asked.items()]
    parts = [f"{heading}: {answer}" for heading, answer in found if answer]
    if row.companions:
        parts.append("1 introducé" if row.companions == 1 else f"{row.companions} introducés")
    return "; ".join(parts)


def last_signups(signups: Iterable[KeptSignup]) -> dict[str, KeptSignup]:
    """Return person → their last sign-up.

    It is the one that was filled in, or said, last.
    """
    last: dict[str, KeptSignup] = {}
    for each in signups:
        if not each.person or each.gone is not None:
            continue
        before = last.get(each.person)
        later = before is None or before.moment is None or (each.moment is not None and before.moment <= each.moment)
        if later:
            last[each.person] = each
    return last


def numbers_of(signups: Iterable[KeptSignup], answers: Mapping[str, str], optional: Sequence[str]) -> Numbers:
    """Return how many people come, and to which optional parts of the programme.

    :param optional: the titles of the programme's optional parts.
    """
    last = last_signups(signups)
    coming = [person for person, answer in answers.items() if answer in COMING]
    rows = [last[person] for person in coming if person in last]
    parts = {title: sum(1 + row.companions for row in rows if _takes_part(row, title)) for title in optional}
    wishes: Counter[str] = Counter()
    for question in _counted([row.dietary for row in rows], dietary=True):
        wishes.update(question.counts)
    asked = {title: count for title, count in parts.items() if count}
    return Numbers(len(coming), sum(row.companions for row in rows), asked, dict(wishes.most_common()))


_PARTS = re.compile(
    r"lunch|buffet|diner|dinner|borrel|drink|ontbijt|breakfast|brunch|maaltijd|excursi|rondleiding|tour"
)


def _takes_part(row: KeptSignup, title: str) -> bool:
    """Return whether somebody takes part in an optional part of the programme.

    A form asks "Lunch?" with yes or no, or "What do you take part in?" with the titles as choices.
    """
    part = _bare_words(title)
    for question, text in row.asked.items():
        asked = _bare_words(question)
        about = part in asked or bool(set(_PARTS.findall(part)) & set(_PARTS.findall(asked)))
        if about and read_answer(text) is Answered.ATTENDING:
            return True
        choices = [_bare_words(each) for each in _choices(text)]
        if any(choice and (part in choice or (len(choice) >= 5 and choice in part)) for choice in choices):
            return True
    return False


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
    last = last_signups(signups)
    coming = [each for person, each in last.items() if answers.get(person) in COMING]
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
