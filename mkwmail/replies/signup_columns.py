"""The headings of a sign-up form's export: which column means what, whoever made the form."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mkwmail.replies.answer_words import folded_words
from mkwmail.sources.headings import Headings, find_headings, heading_key
from mkwmail.sources.tables import Table

_TOP = 20  # rows in which the headings are looked for
_LONGEST_QUESTION = 300

# Asked beside, whatever else the heading says: "Bent u aanwezig bij de lunch?" is not whether somebody comes.
_BESIDE = (
    r"lunch|buffet|diner|borrel|eten\b|maaltijd|workshop|sessie|ronde|parkeer|vervoer|overnacht|opmerking|vragen|vraag|"
    r"waaraan|hoeveel|aantal|waarom"
)
_DIETARY = r"dieet|dietary|\bdiet\b|allerg|vegetar|vegan|halal|kosher|glutenvrij|voedsel|eetwens"
_OF_ANOTHER = r"collega|partner|introduc|begeleider|factuur|nieuwsbrief|noodgeval|gast\b"

# In this order: the first that fits a heading is what it means. Empty: of no use to anybody (numbers that the form
# service gave, addresses of computers), and so not kept.
_MEANINGS: tuple[tuple[str, str], ...] = (
    ("was", r"^(?:answer when listed|antwoord bij opmaak)$"),
    ("code", r"^(?:lid|lidcode|code|link ?code|token|ref|persoonlijke code|uitnodigingscode|invite ?code|order code)$"),
    ("dietary", _DIETARY),
    (
        "presence",
        r"ingecheckt|check(?:ed)?[- ]?in\b|aanwezig geweest|was aanwezig|presentie|^opkomst|^present$|^attended$|"
        r"^verschenen",
    ),
    ("beside", f"{_BESIDE}|{_OF_ANOTHER}"),
    ("cancelled", r"geannuleerd|afgemeld|afmelddatum|cancell?ed|annulering|verhinderd|niet (?:komen|aanwezig)"),
    (
        "moment",
        r"tijdstempel|timestamp|tijd van voltooi|voltooiingstijd|completion time|submi(?:t|ssion)|ingevuld op|"
        r"ingezonden|inzend|aanmelddatum|aangemeld op|inschrijfdatum|ingeschreven op|entry date|order date|besteldatum|"
        r"\bcreated\b|aangemaakt|^datum(?:/tijd|tijd)?$|^date$|"
        r"datum (?:van )?(?:inzending|invoer|aanmelding|inschrijving)|^end date$|^einddatum$",
    ),
    (
        "",
        r"^(?:id|#|nr|no|nummer|rij|index|volgnummer|entry id|response id|respondent id|collector id|network id|"
        r"order id|start date|begintijd|start time|starttijd|user agent|useragent|browser|score|punten|points|"
        r"taal|language|laatst gewijzigd|last modified.*|tijd van laatste wijziging|post id|gebruiker id|created by.*|"
        r"ip address|ip|user ip|gebruikers ip|bron url|source url|url|referrer|"
        r"recorded on|vastgelegd op|from where|waarvandaan|kind|soort|wie|name to sort by|sorteernaam)$"
        r"|\bip\b|betaal|payment|transact|cust[o]m data|feedback:|^totaal ",
    ),
    (
        "number",
        r"lidnummer|\blidnr|relatienummer|relatienr|ledennummer|member(?:ship)? ?(?:number|id|no)\b|l-nummer",
    ),
    ("email", r"e-?mail|^mail$|mailadres|e-?post"),
    (
        "organisation",
        r"organisatie(?!s)|organi[sz]ation(?!s)|corporatie(?!s)|\bbedrijf|werkgever|\binstelling|\bcompany|employer|"
        r"\bnamens\b",
    ),
    # Only here: "Van welke corporatie bent u?" asks who signed up, "Welke dag komt u?" something beside.
    ("beside", r"\bwelke?\b"),
    ("first", r"voornaam|roepnaam|first ?name|given name"),
    ("initials", r"voorletter|initialen|\binitials"),
    ("prefix", r"tussenvoegsel|voorvoegsel|\btussenv\b|surname prefix"),
    ("surname", r"achternaam|familienaam|surname|last ?name|family name"),
    ("written", r"\bnaam\b|\bname\b|contactpersoon|deelnemer\b(?!s)|^wie bent u|^respondent$"),
    (
        "answer",
        r"\bkomt\b|kom je|\bik kom\b|aanwezig|erbij|deelname|deelnemen|neemt u deel|doe je mee|aanmelding|"
        r"\bstatus\b|antwoord|^answer|attend|rsvp|aangemeld|kunt u komen|kan je komen|\bkomst\b",
    ),
)
_NUMBERING = re.compile(r"^(?:(?:vraag|question|q)\s*\d{1,2}\s*[.:)-]?|\d{1,2}\s*[.:)])\s+(?=\S)")
_COMPILED = tuple((meaning, re.compile(pattern)) for meaning, pattern in _MEANINGS)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of each meaning, and those of questions asked beside, by the heading as written."""

    headings: Headings
    by_meaning: Mapping[str, tuple[int, ...]]
    beside: Mapping[int, str]
    dietary: Mapping[int, str]
    dropped: tuple[str, ...]

    @property
    def identifying(self) -> bool:
        """Whether anything tells who signed up."""
        return bool(self.by_meaning.keys() & {"code", "email", "written", "surname", "number"})


def meaning_of(heading: str, optional: Iterable[str] = ()) -> str:
    """What a heading means; ``beside`` for every question that is none of the known ones.

    :param optional: the titles of the programme's optional parts: a question about one of them is asked beside.
    """
    words = folded_words(re.sub(r"[*:?]+\s*$|\((?:verplicht|required)\)", "", heading.strip())).strip(" *:?")
    words = _NUMBERING.sub("", words)
    if not words or len(words) > _LONGEST_QUESTION:
        return "beside"
    if any(folded_words(title) in words for title in optional):
        return "dietary" if re.search(_DIETARY, words) else "beside"
    return next((meaning for meaning, pattern in _COMPILED if pattern.search(words)), "beside")


def find_columns(table: Table, codes: Iterable[str], optional: Sequence[str] = ()) -> Columns:
    """The columns of an export. A column that holds a code of the event's links is the code's, whatever its heading.

    :param table: a table with at least one row.
    """
    known: dict[str, list[str]] = {}
    for row in table.rows[:_TOP]:
        for cell in row.cells:
            meaning = meaning_of(cell, optional) if cell.strip() and len(cell) <= _LONGEST_QUESTION else "beside"
            if meaning not in ("beside", "") and not re.search(r"\S@\S", cell):
                known.setdefault(meaning, []).append(heading_key(cell))
    headings = find_headings(table, {meaning: tuple(spellings) for meaning, spellings in known.items()})
    with_codes = _columns_with(table, headings, frozenset(codes))
    found: dict[str, tuple[int, ...]] = {}
    beside: dict[int, str] = {}
    dietary: dict[int, str] = {}
    dropped: list[str] = []
    for column, cell in enumerate(headings.row.cells):
        meaning = "code" if column in with_codes else meaning_of(cell, optional) if cell.strip() else "beside"
        if meaning == "beside" and (cell.strip() or column in headings.unnamed):
            beside[column] = headings.written(column)
        elif meaning == "dietary":
            dietary[column] = headings.written(column)
        elif meaning and meaning != "beside":
            found[meaning] = (*found.get(meaning, ()), column)
        elif cell.strip():
            dropped.append(headings.written(column))
    return Columns(headings, found, beside, dietary, tuple(dropped))


def _columns_with(table: Table, headings: Headings, codes: frozenset[str]) -> frozenset[int]:
    return frozenset(
        column
        for row in table.rows
        if row.number > headings.row.number
        for column, cell in enumerate(row.cells)
        if code_in(cell, codes)
    )


def code_in(cell: str, codes: frozenset[str]) -> str:
    """The code of a link in a cell, alone or inside the link; empty where there is none."""
    if len(cell) < 10:
        return ""
    return next((word for word in re.findall(r"[0-9a-z]{10}", cell.casefold()) if word in codes), "")
