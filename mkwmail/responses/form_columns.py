"""The columns of a sign-up form's export, by their meaning, and their moments.

Headings are compared without case, accents, underscores, punctuation and emoji. The columns that Microsoft Forms,
Google Forms, Eventbrite, Luma, ti.to, Hi.Events, pretix and Teams add automatically are known. A column whose heading
is not known is a further question; one that holds yes or no may be the answer, and is asked about. A column of moments
is read as a whole: only all of its cells together tell whether the day or the month comes first.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise

from mkwmail.clock import ZONE
from mkwmail.dutch.dates import read_moment
from mkwmail.members.headings import Headings, find_headings, heading_key
from mkwmail.members.table import Row, Table
from mkwmail.responses.answers import folded_words, is_yes_or_no

_TOP = 20  # rows in which the headings are looked for
_LONGEST_QUESTION = 300
_MOSTLY = 0.8  # the part of a column's values that are yes or no, if the column may be the answer

# A heading with one of these words is a further question, whatever else it says: "Bent u aanwezig bij de lunch?"
# does not ask whether somebody comes.
_BESIDE = (
    r"lunch|buffet|diner|dinner|borrel|drinks|\beten\b|maaltijd|\bmeal|workshop|sessie|session|ronde\b|parkeer|parking|"
    r"vervoer|transport|overnacht|hotel|opmerking|remark|comment|toelichting|\bvragen\b|\bvraag\b|question|waaraan|"
    r"waarom|\bwhy\b|parkeren|^(?:hoeveel|aantal|how many|number of)\b|"
    r"toestemming|consent|akkoord|agree|\bprivacy|avg\b|"
    r"\bfoto|photo|nieuwsbrief|newsletter|"
    r"\bhoe ?laat|what time|aankomst|arrival|vertrek|departure|rolstoel|wheelchair|volgend jaar|next year|"
    r"^(?:waar|where)\b|^(?:response|reply|answer|antwoord|reactie) \d+$|"
    r"\bvorig|\blast year|herinner|remind|presentatie|spreker|speaker|tevreden|beoordel|\brating|rondleiding|\btour\b"
)
_DIETARY = (
    r"dieet|dietary|\bdiet\b|allerg|vegetar|vegan|halal|kosher|glutenvrij|gluten free|voedsel|\bfood|eetwens|"
    r"intoleran"
)
_OF_ANOTHER = (
    r"collega|colleague|begeleider|noodgeval|emergency|leidinggevende|\bmanager|assistent|secretaresse|host\b|"
    r"organi[sz]er\b|uitgenodigd door|invited by"
)
# Those who order tickets, or who fill in a form for somebody else.
_ORDERER = (
    r"^(?:order|orderer|bestelling|besteller|buyer|purchaser|koper|payer|betaler|billing|invoice|factuur|booked by|"
    r"ingevuld door|aangemeld door|submitted by|contactpersoon|contact person)\b"
)
_TAKES_PART = (
    r"^(?:attendee|ticket|ticket holder|tickethouder|guest|deelnemer|gast|participant|bezoeker|invitee|registrant|"
    r"genodigde)s?\b|"
    r"^(?:voor wie|namens wie|wie (?:komt|wilt u aanmelden|meldt u aan|meld je aan)|for whom)\b"
)

# In this order: the first pattern that fits gives the heading's meaning. An empty meaning: the column is not kept,
# because it is of no use (numbers that the form service gave, addresses of computers).
_MEANINGS: tuple[tuple[str, str], ...] = (
    ("was", r"^(?:answer when listed|antwoord toen de lijst werd gemaakt)$"),
    (
        "code",
        r"^(?:lid|lidcode|code|link ?code|token|ref|persoonlijke code|jouw code|uw code|je code|your code|"
        r"uitnodigingscode|invite ?code|invitation code|order code)$",
    ),
    # The numbers of a form service, and its columns of a quiz, which repeat each question.
    (
        "",
        r"^(?!.*\b(?:lid|leden|relatie|member|membership)\b).+ (?:id|key)$|^(?:points|punten|feedback|score) (?!van\b)|"
        r"unsubscri|\bopt (?:in|out)\b|marketing",
    ),
    # After the event: somebody who came late, or was there for half of it.
    ("credit points", r"^(?:pe )?(?:punten|points)$"),
    ("credit hours", r"^(?:aantal )?(?:uren|hours)$"),
    (
        "",
        r"^(?:bron url|source url|network id|unique ticket url|ticket url|qr code.*|.*\bqr code url|utm .*|"
        r"custom source|"
        r"user agent|(?:order |ip )?ip(?: .*)?|.*\bip\b.*|.*\baddress (?:eth|solana)|(?:eth|solana) address|"
        r".*(?:betaal|payment|transact|custom data|feedback:|\bprice\b|\bprijs\b|\bfees?\b|\bvat\b|\bbtw\b|"
        r"currency|valuta|discount|korting|voucher|amount|bedrag|total paid|order total|\btax\b).*|^totaal .*)$",
    ),
    (
        "",
        r"(?:herhaal|bevestig|controle|confirm|repeat).*mail|mail.*(?:herhaal|nogmaals|bevestig|controle|confirm|again)",
    ),
    ("dietary", _DIETARY),
    (
        "presence",
        r"ingecheckt|check(?:ed)? ?in\b|aanwezig geweest|was aanwezig|presentie|^opkomst$|^present$|^attended$|"
        r"^verschenen|^is er geweest|scanned|gescand",
    ),
    (
        "persons",
        r"(?:aantal|hoeveel|met hoeveel|number of|how many|^#) ?(?:personen|mensen|deelnemers|aanwezigen|kaarten|"
        r"tickets|plaatsen|persons|people|attendees|seats|participants)\b|"
        r"^(?:quantity|ticket quantity|aantal|hoeveelheid)$|"
        r"met zn hoeveel|met z n hoevelen",
    ),
    (
        "companions",
        r"introduc|\bgasten\b|\bguests\b|plus one|\+ ?1\b|\bpartner|(?:your|uw|je|jouw) (?:guest|gast)\b|"
        r"komt (?:uw|je|jouw) partner|"
        r"(?:neem|neemt|brengt?|breng) "
        r"(?:je|jij|u) (?:nog )?(?:iemand|anderen|een collega|een partner|gasten|je partner|uw partner)|"
        r"bring(?:ing)? (?:a guest|anyone|somebody|someone|a partner|a colleague)|meegenomen|meereizend|"
        r"(?:aantal|hoeveel|number of|how many) (?:extra|additional|mee|partners|collega s?)",
    ),
    ("beside", f"{_BESIDE}|{_OF_ANOTHER}"),
    (
        "cancelled",
        r"geannuleerd|afgemeld\b|^afmelddatum|afgezegd|cancell?ed|cancell?ation|annulering|^void status$|^voided?$|"
        r"\bverhinderd|(?:kom|komt|kunt?|kan|ben|bent) (?:je|u|ik|jij)?\b.*\bniet\b|^niet (?:komen|aanwezig)|"
        r"(?:not|unable|can t|cannot)\b.*\b(?:attend|come|coming|make it)|^ik (?:kom|kan) niet|^afmelding$|^afmelden$|"
        r"(?<!\bja) (?<!\bof )nee$",
    ),
    (
        "moment",
        r"tijdstempel|timestamp|^added time$|^first join|^join time|^eerste deelname|date submitted|gereageerd op|"
        r"datum (?:ingediend|ingezonden|verzonden)|"
        r"zeitstempel|horodateur|registratie ?(?:datum|moment)|"
        r"tijd van voltooi|voltooiingstijd|completion time|submi(?:t|ssion)|submitted (?:at|on)|"
        r"ingevuld op|ingezonden|inzend|aanmelddatum|aanmeldmoment|aangemeld op|inschrijfdatum|ingeschreven op|"
        r"entry date|order date|order created|besteldatum|registration (?:time|date)|registered (?:at|on)|"
        r"\bcreated (?:at|on|date)|^created$|ticket created|aangemaakt|^datum(?: tijd|tijd)?$|^date(?: time)?$|"
        r"datum (?:en tijd |van |van de )?(?:inzending|invoer|aanmelding|inschrijving|antwoord)|^end date$|^einddatum$|"
        r"^(?:datum en tijd|date and time)$|response (?:time|date)|responded (?:at|on)|^tijdstip",
    ),
    ("hour", r"^(?:order time|besteltijd|tijd|time|registration hour)$"),
    (
        "",
        r"^(?:id|#|nr|no|nummer|number|rij|row|index|volgnummer|api id|guest id|event id|event|evenement|event name|"
        r"(?:entry|response|respondent|collector|network|order|attendee|ticket|position|public|short|post|gebruiker|"
        r"registration|product|add on to position|pseudonymization|seat) (?:id|#|nr|number|reference|ref|secret|key)|"
        r"order ?code|bestelcode|bestelnummer|order (?:type|comment|url|locale|link|tags|time zone)|"
        r"start date|begintijd|start time|starttijd|useragent|browser|score|punten|points|quiz feedback|total points|"
        r"(?:product|item|list|form|session|venue|campaign) name|(?:naam (?:van het )?)(?:evenement|event|formulier)|"
        r"taal|language|locale|laatst (?:gewijzigd|bijgewerkt).*|last (?:modified|updated|changed).*|"
        r"ticket last updated.*|tijd van laatste wijziging.*|created by.*|user ip|gebruikers ip|url|referrer|"
        r"recorded on|vastgelegd op|from where|waarvandaan|kind|soort|wie|name to sort by|sorteernaam|"
        r"ticket (?:type|name|tier|class)|ticket|product|variation|variatie|group|group name|event (?:start|end).*|"
        r"blocked|valid (?:from|until)|follow up date|seat|zone|row number|country|land|time zone|tijdzone|"
        r"notes for organi[sz]er|role)$",
    ),
    (
        "number",
        r"lidnummer|\blidnr|relatienummer|relatienr|ledennummer|member(?:ship)? ?(?:number|id|no)\b|\bl nummer\b",
    ),
    ("email", r"\be ?mail|^mail$|\bmail ?adres|e ?post\b|^upn$|user principal name|^gebruikersnaam$|^user ?name$"),
    (
        "organisation",
        r"organisatie(?!s)|organi[sz]ation(?!s)|corporatie(?!s)|\bbedrijf|werkgever|\binstelling|\bcompany|employer|"
        r"\bnamens\b|\baffiliation|stichting$",
    ),
    # Only after "organisation": "Van welke corporatie bent u?" asks who signed up, but "Welke dag komt u?" is a
    # further question.
    (
        "beside",
        r"\bwelke?\b|\bwhich\b|\bhoeveel\b|\baantal\b|how many|\bwanneer\b|\bwhen\b|\bfunctie\b|telefoon|phone|mobiel",
    ),
    ("first", r"voornaam|roepnaam|first ?name|given ?name"),
    ("initials", r"voorletter|initialen|\binitials"),
    ("prefix", r"tussenvoegsel|voorvoegsel|\btussenv\b|surname prefix|\bmiddle name"),
    ("surname", r"achternaam|familienaam|surname|last ?name|family ?name"),
    (
        "written",
        r"\bnaam\b|\bname\b|deelnemer\b|^(?:voor|namens) wie\b|^for whom\b|^wie (?:komt|(?:wilt u|wil je) aanmelden|"
        r"(?:meldt u|meld je) aan)|^wie (?:bent u|ben je|meldt zich aan)|^respondent$|^attendee$|^full ?name$|"
        r"^who are you",
    ),
    (
        "status",
        r"status\b|^state$|^response type$",
    ),
    (
        "answer",
        r"\bkomt\b|\bkom (?:je|jij|ik)\b|^kom(?:en|st)?$|\bik kom\b|aanwezig|\berbij\b|er bij\b|deelname|deelnemen|"
        r"(?:neemt|neem) (?:u|je|jij) deel|(?:doe|doet) (?:je|jij|u) mee|aanmelding|aanmelden|meld (?:je|jij) .*aan|"
        r"meldt u .*aan|meld (?:me|mij) .*aan|"
        r"antwoord|\banswer\b|\breactie|\brespons|\bresponse\b|\breply\b|attend|\brsvp|^aangemeld$|"
        r"(?:kunt|kun|kan|wilt|wil) (?:u|je|jij) (?:er )?(?:bij|komen|zijn)|\bkomst\b|\brekenen\b|verwachten|"
        r"verwelkomen|(?:aan|op) (?:of|en|/)? ?afmeld|"
        r"\bkommen sie\b|\bkommst du\b|\bteilnahme|teilnehmen|nehmen sie\b.*\bteil|sind sie dabei|"
        r"serez vous|participe|viendrez vous|venez vous|presence|"
        r"van de partij|begroeten|(?:zien|ontmoeten) (?:we|wij) (?:je|jou|u)\b|(?:bent|ben) (?:u|je|jij) (?:er|bij)\b|"
        r"(?:bezoek|bezoekt|schuif|schuift) (?:je|u|jij)|inschrijving|inschrijven|schrijf (?:je|jij) .*in|\bopgave\b|"
        r"are you (?:coming|going|joining|in\b)|(?:will|can|could|do) (?:you|we) (?:be|come|join|make|participate|"
        r"expect|"
        r"count|welcome|plan)|\bjoin(?:ing)?\b|participat|^coming\b|^going\b|i (?:will|am) (?:com|be there|attend)|"
        r"^ja nee$|^yes no$|see you|count on you|make it\b|rekening (?:met|houden)",
    ),
)
_COMPILED = tuple((meaning, re.compile(pattern)) for meaning, pattern in _MEANINGS)
_NUMBERING = re.compile(r"^(?:(?:vraag|question|q) ?)?\d{1,2}(?: \d{1,2})? (?=[^\W\d])")
_ORDERED, _PART = re.compile(_ORDERER), re.compile(_TAKES_PART)
_IDENTITY = ("email", "written", "first", "surname", "prefix", "initials")


def folded_heading(heading: str) -> str:
    """Return the words of a heading: no case, accents, punctuation or emoji.

    >>> folded_heading("approval_status"), folded_heading("2. Kom je? 🎉 *")
    ('approval status', '2 kom je')
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    plain = unicodedata.normalize("NFKD", apart.replace("’", "").replace("'", " ")).casefold()
    kept = (char for char in plain if not unicodedata.combining(char))
    return " ".join("".join(char if char.isalnum() or char in "#+" else " " for char in kept).split())


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of an export, by their meaning.

    ``by_meaning``: meaning → columns. The columns of those who ordered for somebody else have a meaning of their own,
    such as ``orderer email``. ``beside`` and ``dietary`` are the columns of further questions, with the headings as
    written. ``dropped`` are the headings of the columns that are not kept. ``perhaps`` are the columns that may be the
    answer, by their values: this is not decided yet.
    """

    headings: Headings
    by_meaning: Mapping[str, tuple[int, ...]]
    beside: Mapping[int, str]
    dietary: Mapping[int, str]
    dropped: tuple[str, ...]
    perhaps: tuple[int, ...] = ()

    @property
    def identifying(self) -> bool:
        """True if at least one column tells who signed up."""
        return bool(self.by_meaning.keys() & {"code", "email", "written", "surname", "number"})

    @property
    def answering(self) -> bool:
        """True if a column tells whether somebody comes."""
        return bool(self.by_meaning.keys() & {"answer", "status", "was", "presence"})


def meaning_of(heading: str, optional: Iterable[str] = ()) -> str:
    """Return the meaning of a heading; ``beside`` for a further question.

    Every question that is not one of the known ones is a further question.

    :param optional: the titles of the programme's optional parts: a question about one of them is a further one.
    """
    words = folded_heading(re.sub(r"\((?:verplicht|required|optioneel|optional)\)", "", heading))
    words = _NUMBERING.sub("", words)
    if not words or len(words) > _LONGEST_QUESTION:
        return "beside"
    if any(folded_heading(title) in words for title in optional if folded_heading(title)):
        return "dietary" if re.search(_DIETARY, words) else "beside"
    if _ORDERED.search(words):
        meaning = _first_fit(_ORDERED.sub("", words).strip())
        return f"orderer {meaning}" if meaning in _IDENTITY else _first_fit(words)
    return _first_fit(words)


def _first_fit(words: str) -> str:
    return next((meaning for meaning, pattern in _COMPILED if pattern.search(words)), "beside")


def find_columns(
    table: Table, codes: Iterable[str], optional: Sequence[str] = (), decided: Mapping[str, str] | None = None
) -> Columns:
    """Return the columns of an export.

    A column that holds a code of the event's links is the column of codes, whatever its heading.

    :param table: a table with at least one row.
    :param decided: what the user said earlier of a heading, folded: its meaning.
    """
    said = decided or {}
    known: dict[str, list[str]] = {}
    for row in table.rows[:_TOP]:
        for cell in row.cells:
            meaning = _meant(cell, optional, said)
            if meaning not in ("beside", "") and not re.search(r"\S@\S", cell):
                known.setdefault(meaning, []).append(heading_key(cell))
    spelled = {meaning: tuple(spellings) for meaning, spellings in known.items()}
    headings = _with_second_row(table, find_headings(table, spelled))
    with_codes = _columns_with(table, headings, frozenset(codes))
    found: dict[str, tuple[int, ...]] = {}
    beside: dict[int, str] = {}
    dietary: dict[int, str] = {}
    dropped: list[str] = []
    for column, cell in enumerate(headings.row.cells):
        meaning = "code" if column in with_codes else _meant(cell, optional, said)
        if meaning in ("answer", "status", "cancelled"):
            meaning = _by_its_values(table, headings, column, meaning)
        if meaning == "beside" and (cell.strip() or column in headings.unnamed):
            beside[column] = headings.written(column)
        elif meaning == "dietary":
            dietary[column] = headings.written(column)
        elif meaning and meaning != "beside":
            found[meaning] = (*found.get(meaning, ()), column)
        elif cell.strip():
            dropped.append(headings.written(column))
    for column in _questions(table, headings, found):
        beside[column] = headings.written(column)
    columns = Columns(headings, _by_person(headings, found), beside, dietary, tuple(dropped))
    return columns if columns.answering else replace(columns, perhaps=_yes_or_no(table, columns, said))


# The second row of headings tells what was typed or chosen, or the parts of a question.
_TYPED_BELOW = frozenset(
    ("open ended response", "response", "open antwoord", "open tekst", "antwoord", "respons", "reactie")
)
_ROLE = re.compile(
    r"(?:meeting |vergaderings?)?(?:organi[sz]er|organisator)(?: van de vergadering)?|"
    r"(?:required|optional|verplichte?|vereiste?|optionele?|optioneel)(?: (?:attendee|deelnemer|genodigde))?|"
    r"resource|resource \(room or equipment\)|bron|resourcebron"
)


def _with_second_row(table: Table, headings: Headings) -> Headings:
    """Return the headings joined with a second row of headings below them, if there is one.

    Some services write there the parts of a question, such as the name and the address, or its choices.
    """
    above = next((row for row in reversed(table.rows) if row.number == headings.row.number - 1), None)
    if above and not headings.row.cell(0).strip() and sum(map(_is_known, above.cells)) >= 2:
        upper, below = above, headings.row
    else:
        upper, below = headings.row, next((row for row in table.rows if row.number > headings.row.number), headings.row)
    labels = [folded_heading(cell) for cell in below.cells]
    parts = sum(map(_names_a_part, below.cells))
    if (
        (parts < 2 and not any(label in _TYPED_BELOW for label in labels))
        or below is upper
        or below.cell(0).strip()
        or any("@" in cell for cell in below.cells)
    ):
        return headings
    joined, question = [], ""
    for column in range(max(len(below.cells), len(upper.cells))):
        question, label = upper.cell(column).strip() or question, below.cell(column).strip()
        if not label or folded_heading(label) in _TYPED_BELOW:
            joined.append(question if label else upper.cell(column))
        else:
            joined.append(label if _names_a_part(label) else f"{question} {label}")
    row = Row(below.number, tuple(joined))
    return replace(headings, row=row, unnamed=tuple(each for each in headings.unnamed if not row.cell(each).strip()))


def _is_known(heading: str) -> bool:
    return bool(heading.strip()) and meaning_of(heading) not in ("beside", "")


def _names_a_part(heading: str) -> bool:
    return bool(heading.strip()) and meaning_of(heading) in (*_IDENTITY, "organisation")


def _by_its_values(table: Table, headings: Headings, column: int, meaning: str) -> str:
    """Return the meaning of a column that seems to be an answer, by its values and the other headings.

    It may hold the moments of the answers, the roles of those who were invited, or a tick for one of the choices of a
    question that has a column of its own.
    """
    if meaning != "cancelled" and _holds(_is_moment, table, headings, column):
        return "moment"
    if _holds(lambda text: _ROLE.fullmatch(folded_words(text)) is not None, table, headings, column):
        return "beside"
    choice = re.fullmatch(r"(.*\S)\s*[(\[][^()\[\]]+[)\]]\s*", headings.row.cell(column))
    others = {folded_heading(cell) for cell in headings.row.cells}
    return "beside" if choice and folded_heading(choice[1]) in others else meaning


def _meant(cell: str, optional: Iterable[str], said: Mapping[str, str]) -> str:
    if not cell.strip() or len(cell) > _LONGEST_QUESTION:
        return "beside"
    return said.get(folded_heading(cell)) or meaning_of(cell, optional)


def _by_person(headings: Headings, found: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return the columns, those of the person who comes apart from others'.

    With a column "Ticket Email", the plain "Email" belongs to the person ordering. Microsoft Forms writes the account
    that filled in the form in columns of its own: a question for the name or the address counts before them.
    """
    sorted_out = dict(found)
    for meaning in _IDENTITY:
        columns = sorted_out.get(meaning, ())
        taking_part = [each for each in columns if _PART.search(folded_heading(headings.written(each)))]
        plain = [each for each in columns if folded_heading(headings.written(each)) in _NATIVE]
        first = taking_part or [each for each in columns if each not in plain]
        if first and len(first) < len(columns):
            ordered = tuple(each for each in columns if each not in first)
            sorted_out[meaning] = tuple(first)
            sorted_out[f"orderer {meaning}"] = (*sorted_out.get(f"orderer {meaning}", ()), *ordered)
    tells = {meaning for meaning in ("email", "written", "surname", "first") if meaning in sorted_out}
    for meaning in _IDENTITY:
        # Only the orderer is known: then that is the person who comes.
        if not tells and f"orderer {meaning}" in sorted_out:
            sorted_out[meaning] = sorted_out.pop(f"orderer {meaning}")
    return sorted_out


_NATIVE = frozenset(
    ("email", "e mail", "mail", "e mailadres", "emailadres", "email address", "name", "naam", "responder", "respondent")
)


def _questions(table: Table, headings: Headings, found: dict[str, tuple[int, ...]]) -> Iterator[int]:
    """Take the questions out of the columns that seem to say who signed up, and yield them.

    "May your name be on the list?" is answered with yes or no.
    """
    for meaning in {*_IDENTITY, "organisation"} & found.keys():
        asked = [column for column in found[meaning] if _holds(_is_bare_yes_or_no, table, headings, column)]
        yield from asked
        found[meaning] = tuple(column for column in found[meaning] if column not in asked)
        if not found[meaning]:
            del found[meaning]


def _yes_or_no(table: Table, columns: Columns, said: Mapping[str, str]) -> tuple[int, ...]:
    """Return the columns of further questions that hold yes or no."""
    return tuple(
        column
        for column, heading in columns.beside.items()
        if said.get(folded_heading(heading)) != "beside" and _holds(is_yes_or_no, table, columns.headings, column)
    )


def _is_moment(text: str) -> bool:
    return read_form_moment(text) is not None or _NUMERIC.fullmatch(text.strip()) is not None


def _is_bare_yes_or_no(text: str) -> bool:
    # No more words: "Jep de Vries" is a name.
    return folded_words(text) in ("ja", "nee", "yes", "no")


def _holds(wanted: Callable[[str], bool], table: Table, headings: Headings, column: int) -> bool:
    """Return whether most of a column's values are as wanted."""
    texts = [row.cell(column) for row in table.rows if row.number > headings.row.number]
    given = [text for text in texts if text.strip()]
    return bool(given) and sum(map(wanted, given)) >= _MOSTLY * len(given)


def _columns_with(table: Table, headings: Headings, codes: frozenset[str]) -> frozenset[int]:
    return frozenset(
        column
        for row in table.rows
        if row.number > headings.row.number
        for column, cell in enumerate(row.cells)
        if code_in(cell, codes)
    )


def code_in(cell: str, codes: frozenset[str]) -> str:
    """Return the code in a cell, alone or inside a link; empty if none."""
    if len(cell) < 10 or not codes:
        return ""
    return next((word for word in re.findall(r"[0-9a-z]{10}", folded_words(cell)) if word in codes), "")


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HOURS = {
    **dict.fromkeys(("z", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("cet", "bst", "west", "met"), 1),
    **dict.fromkeys(("cest", "eet", "mest"), 2),
    **{"eest": 3, "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8},
}
_TIME = (
    r"(?:(?:,|T|\bat\b|\bom\b|\s)+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?\s?m\b\.?)?(?:\s*\(?(?P<zone>(?:[A-Za-z]{1,5})?\s?(?:[+-]\d{1,2}(?::?\d{2})?)?)\)?)?)?"
)
_NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[/.-])(?P<second_>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_TIME}",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[/.-](?P<month>\d{{1,2}})[/.-](?P<day>\d{{1,2}}){_TIME}", re.IGNORECASE)
_ENGLISH = re.compile(
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?(?:(?P<name>[a-z]{{3}})[a-z]*\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?|"
    rf"(?P<day_>\d{{1,2}})\s+(?P<name_>[a-z]{{3}})[a-z]*\.?),?\s+(?P<year>\d{{4}}){_TIME}",
    re.IGNORECASE,
)


def month_first(texts: Iterable[str]) -> bool | None:
    """Return whether the dates of a column put the month first; None if it cannot be told.

    A number above 12 is a day. Otherwise dates with a dash or full stop are Dutch; those with a slash are what makes
    the rows follow one another, because forms add new rows at the end.
    """
    found = [match for match in (_NUMERIC.fullmatch(text.strip()) for text in texts) if match]
    if len({each["mark"] for each in found}) > 1:
        # Excel turned some dates around when it opened the export, and left the others as they were.
        return None
    day_first = any(int(each["first"]) > 12 for each in found)
    american = any(int(each["second_"]) > 12 for each in found)
    if day_first and american:
        return None
    if day_first or american or not found:
        return american
    if all(each["mark"] != "/" for each in found):
        return False
    fits = [order for order in (False, True) if _is_rising([_numeric(each, order) for each in found])]
    return fits[0] if len(fits) == 1 else None


def _is_rising(moments: list[datetime | None]) -> bool:
    known = [each for each in moments if each is not None]
    return len(known) == len(moments) and all(a <= b for a, b in pairwise(known))


def read_form_moment(text: str, american: bool | None = False) -> datetime | None:
    """Return a moment that a form service wrote; None if it is unreadable.

    A day without a time is the end of that day. A moment without a zone is in Europe/Amsterdam.

    :param american: what :func:`month_first` said of the column; if None, no date of numbers can be read.
    """
    plain = " ".join(text.replace("\u202f", " ").split())
    numeric = _NUMERIC.fullmatch(plain)
    if numeric:
        return None if american is None else _numeric(numeric, american)
    iso = _YEAR_FIRST.fullmatch(plain)
    if iso:
        return _moment(iso, iso["year"], int(iso["month"]), int(iso["day"]))
    english = _ENGLISH.fullmatch(plain)
    name = (english["name"] or english["name_"]).casefold() if english else ""
    if english and name in _MONTHS:
        return _moment(english, english["year"], _MONTHS.index(name) + 1, int(english["day"] or english["day_"]))
    try:
        read = read_moment(plain)
    except (ValueError, OverflowError):
        return None
    if isinstance(read, datetime):
        return read
    return datetime.combine(date(read.year, read.month, read.day), time(23, 59), tzinfo=ZONE)


def _numeric(found: re.Match[str], american: bool) -> datetime | None:
    first, second = int(found["first"]), int(found["second_"])
    month, day = (first, second) if american else (second, first)
    return _moment(found, found["year"], month, day)


def _moment(found: re.Match[str], year: str, month: int, day: int) -> datetime | None:
    full = int(year) + (2000 if len(year) == 2 else 0)
    hour, minute = found["hour"], int(found["minute"] or 0)
    zone = _zone(found["zone"] or "")
    if zone is None:
        return None
    try:
        if hour is None:
            return datetime(full, month, day, 23, 59, tzinfo=ZONE)
        clock = int(hour)
        if found["half"]:
            if not 1 <= clock <= 12:
                return None
            clock = clock % 12 + (12 if found["half"] in "pP" else 0)
        seconds = int(found["second"] or 0)
        fraction = re.search(r"[:.]\d{2}[:.]\d{2}[.,](\d{1,6})", found[0])
        part = int(fraction[1].ljust(6, "0")) if fraction else 0
        return datetime(full, month, day, clock, minute, seconds, part, tzinfo=zone).astimezone(ZONE)
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> tzinfo | None:
    """Return the zone that a text names; None if it is not known."""
    words = text.strip().casefold()
    if not words:
        return ZONE
    found = re.fullmatch(r"([a-z]*)\s?(?:([+-])(\d{1,2}):?(\d{2})?)?", words)
    if found is None or (found[1] and found[1] not in _HOURS):
        return None
    offset = timedelta(hours=_HOURS.get(found[1], 0))
    if found[2]:
        shift = timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
        offset += shift if found[2] == "+" else -shift
    return timezone(offset) if abs(offset) < timedelta(hours=24) else None
