"""Sign-ups from the export of a sign-up form.

A sign-up tells the person, the answer, its moment, and the answers to the form's further questions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path

from mkwmail.clock import ZONE
from mkwmail.dutch.dates import read_moment
from mkwmail.dutch.names import Name, full_name
from mkwmail.errors import Fault, UserError
from mkwmail.i18n import _, ngettext
from mkwmail.members.cells import CellError, clean, shown_value
from mkwmail.members.headings import Headings, find_headings, heading_key
from mkwmail.members.table import Row, Table, read_table
from mkwmail.responses.answers import Answered, folded_words, read_answer, said_answer

_TOP = 20  # rows in which the headings are looked for
_LONGEST_QUESTION = 300

# A heading with one of these words is a further question, whatever else it says: "Bent u aanwezig bij de lunch?"
# does not ask whether somebody comes.
_BESIDE = (
    r"lunch|buffet|diner|borrel|eten\b|maaltijd|workshop|sessie|ronde|parkeer|vervoer|overnacht|opmerking|vragen|vraag|"
    r"waaraan|hoeveel|aantal|waarom"
)
_DIETARY = r"dieet|dietary|\bdiet\b|allerg|vegetar|vegan|halal|kosher|glutenvrij|voedsel|eetwens"
_OF_ANOTHER = r"collega|partner|introduc|begeleider|factuur|nieuwsbrief|noodgeval|gast\b"

# In this order: the first pattern that fits gives the heading's meaning. An empty meaning: the column is not kept,
# because it is of no use (numbers that the form service gave, addresses of computers).
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
    # Only after "organisation": "Van welke corporatie bent u?" asks who signed up, but "Welke dag komt u?" is a
    # further question.
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
    """The columns of an export, by their meaning.

    ``beside`` and ``dietary`` are the columns of further questions, with the headings as written. ``dropped`` are
    the headings of the columns that are not kept.
    """

    headings: Headings
    by_meaning: Mapping[str, tuple[int, ...]]
    beside: Mapping[int, str]
    dietary: Mapping[int, str]
    dropped: tuple[str, ...]

    @property
    def identifying(self) -> bool:
        """True if at least one column tells who signed up."""
        return bool(self.by_meaning.keys() & {"code", "email", "written", "surname", "number"})


def meaning_of(heading: str, optional: Iterable[str] = ()) -> str:
    """Return the meaning of a heading; ``beside`` for a further question.

    Every question that is not one of the known ones is a further question.

    :param optional: the titles of the programme's optional parts: a question about one of them is a further one.
    """
    words = folded_words(re.sub(r"[*:?]+\s*$|\((?:verplicht|required)\)", "", heading.strip())).strip(" *:?")
    words = _NUMBERING.sub("", words)
    if not words or len(words) > _LONGEST_QUESTION:
        return "beside"
    if any(folded_words(title) in words for title in optional):
        return "dietary" if re.search(_DIETARY, words) else "beside"
    return next((meaning for meaning, pattern in _COMPILED if pattern.search(words)), "beside")


def find_columns(table: Table, codes: Iterable[str], optional: Sequence[str] = ()) -> Columns:
    """Return the columns of an export.

    A column that holds a code of the event's links is the column of codes, whatever its heading.

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
    """Return the code in a cell, alone or inside a link; empty if none."""
    if len(cell) < 10:
        return ""
    return next((word for word in re.findall(r"[0-9a-z]{10}", cell.casefold()) if word in codes), "")


MOST_COLUMNS = 500
_LONGEST = 2000  # characters of an answer that is kept
_NOBODY = frozenset(("anonymous", "anoniem", "-", "n.v.t.", "nvt"))


@dataclass(frozen=True, slots=True)
class Signup:
    """One row of an export.

    ``was`` is the answer when the list was made, if the row comes from our own list. ``answer`` is None if the row
    has no known answer; ``doubt`` then quotes the unknown words, if there are any.
    """

    row: int
    answer: Answered | None
    code: str = ""
    address: str = ""
    name: str = ""
    organisation: str = ""
    number: str = ""
    moment: datetime | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    dietary: Mapping[str, str] = field(default_factory=dict)
    was: str | None = None
    doubt: str = ""

    @property
    def who(self) -> str:
        """The name and address, as far as the row has them, else the code."""
        return f"{self.name} <{self.address}>" if self.name and self.address else self.name or self.address or self.code

    @property
    def key(self) -> str:
        """The key by which the row is recognised in a later export."""
        traits = (self.code or self.address.casefold(), folded_words(self.name), folded_words(self.number))
        return sha256("\0".join(traits).encode()).hexdigest()[:32]

    @property
    def digest(self) -> str:
        """A digest of the row's content, which changes with the content."""
        said = [self.answer or self.doubt, self.moment.isoformat() if self.moment else "", self.organisation]
        said += [f"{name}={value}" for name, value in sorted({**self.beside, **self.dietary}.items())]
        return sha256("\0".join(said).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Export:
    """The sign-ups of an export, and notes for the user on how it was read."""

    signups: tuple[Signup, ...]
    notes: tuple[str, ...] = ()


def read_signups(path: Path, shown: str, codes: Iterable[str], optional: Sequence[str] = ()) -> Export:
    """Read an export, CSV or Excel, whatever its headings.

    :param codes: the codes of the event's links.
    :param optional: the titles of the programme's optional parts.
    :raises UserError: if it cannot be read as a table, is empty, has too many columns, or has no column that tells
        who signed up.
    """
    table = read_table(path, shown, lambda cell: meaning_of(cell, optional) not in ("beside", ""))
    if not table.rows:
        raise UserError(Fault(shown, _("the export is empty"), _("export it again, with its headings")))
    width = max(len(row.cells) for row in table.rows)
    if width > MOST_COLUMNS:
        fault = _("the export has %(n)d columns, and no form has more than %(most)d questions")
        remedy = _("export it again, or copy its columns into a new workbook")
        raise UserError(Fault(shown, fault % {"n": width, "most": MOST_COLUMNS}, remedy))
    known = frozenset(codes)
    columns = find_columns(table, known, optional)
    if not columns.identifying:
        fault = _("no column tells who signed up; the headings found are: %(headings)s")
        names = ", ".join(f'"{shown_value(cell.strip())}"' for cell in columns.headings.row.cells if cell.strip())
        remedy = _("give the column with the addresses the heading e-mail, or that with the names the heading naam")
        raise UserError(Fault(f"{shown}:{columns.headings.row.number}", fault % {"headings": names[:400]}, remedy))
    reader = _Reader(columns, known, _american(table, columns))
    below = [row for row in table.rows if row.number > columns.headings.row.number]
    signups = tuple(signup for signup in map(reader.signup, below) if signup is not None)
    return Export(signups, tuple(_notes(table, columns, reader, shown)))


def _notes(table: Table, columns: Columns, reader: "_Reader", shown: str) -> Iterator[str]:
    if table.sheet:
        yield _('%(file)s: read from the sheet "%(sheet)s"') % {"file": shown, "sheet": table.sheet}
    asked = [*columns.beside.values(), *columns.dietary.values()]
    if asked:
        yield _("asked beside, and kept: %(columns)s") % {"columns": ", ".join(map(shown_value, asked))}
    if columns.dropped:
        yield _("not kept: %(columns)s") % {"columns": ", ".join(map(shown_value, columns.dropped))}
    if reader.nobody:
        rows = ", ".join(map(str, reader.nobody[:10])) + (", …" if len(reader.nobody) > 10 else "")
        words = ngettext(
            "row %(rows)s names nobody and was passed over",
            "rows %(rows)s name nobody and were passed over",
            len(reader.nobody),
        )
        yield words % {"rows": rows}
    if reader.unreadable:
        sample = shown_value(reader.unreadable[0])
        yield _('moments that cannot be read are left out, the first "%(text)s"') % {"text": sample}


class _Reader:
    """A reader for the rows of one export."""

    def __init__(self, columns: Columns, codes: frozenset[str], american: bool) -> None:
        self.nobody: list[int] = []
        self.unreadable: list[str] = []
        self._columns = columns
        self._codes = codes
        self._american = american

    def signup(self, row: Row) -> Signup | None:
        """Return the sign-up in a row; None if it names no person."""
        code = next((found for cell in self._cells(row, "code") if (found := code_in(cell, self._codes))), "")
        address = next((cell for cell in self._cells(row, "email") if "@" in cell), "")
        name = self._name(row)
        number = self._first(row, "number")
        if not (code or address or name or number):
            self.nobody.append(row.number)
            return None
        answer, doubt = self._answer(row)
        return Signup(
            row=row.number,
            answer=answer,
            code=code,
            address=_bare(address),
            name=name,
            organisation=self._first(row, "organisation"),
            number=number,
            moment=self._moment(row),
            beside=self._asked(row, self._columns.beside),
            dietary=self._asked(row, self._columns.dietary),
            was=self._was(row),
            doubt=doubt,
        )

    def _cells(self, row: Row, meaning: str) -> list[str]:
        texts = [_text(row.cell(column)) for column in self._columns.by_meaning.get(meaning, ())]
        return [text for text in texts if text and text.casefold() not in _NOBODY]

    def _first(self, row: Row, meaning: str) -> str:
        return next(iter(self._cells(row, meaning)), "")

    def _name(self, row: Row) -> str:
        first, surname = self._first(row, "first"), self._first(row, "surname")
        if surname or (first and not self._cells(row, "written")):
            return full_name(Name(first, self._first(row, "initials"), self._first(row, "prefix"), surname))
        # "Naam" next to "Voornaam": in the exports of some services "Naam" holds only the surname.
        written = self._first(row, "written")
        return f"{first} {written}" if first and folded_words(first) not in folded_words(written) else written

    def _answer(self, row: Row) -> tuple[Answered | None, str]:
        """Return the row's answer, and the doubt about it.

        Recorded presence goes before an answer that was given earlier.
        """
        for text in self._cells(row, "presence"):
            was_there = read_answer(text)
            if was_there in (Answered.ATTENDING, Answered.PRESENT):
                return Answered.PRESENT, ""
            if was_there in (Answered.DECLINED, Answered.ABSENT):
                return Answered.ABSENT, ""
        for text in self._cells(row, "cancelled"):
            # A date, a tick or a yes is a cancellation; "Nee" under "Geannuleerd" is not.
            if read_answer(text) is not Answered.DECLINED or folded_words(text).startswith(("afg", "gea", "can")):
                return Answered.DECLINED, ""
        words = self._cells(row, "answer")
        ours = "was" in self._columns.by_meaning
        answers = [(said_answer(text) if ours else None) or read_answer(text) for text in words]
        if None in answers:
            text = words[answers.index(None)]
            return None, _('"%(text)s" is no answer that is known') % {"text": shown_value(text)}
        if Answered.DECLINED in answers:
            return Answered.DECLINED, ""
        if answers:
            return answers[0], ""
        # In our own list the answer is empty if a person has given none; a row of a form is always a sign-up.
        return (None, "") if self._was(row) is not None else (Answered.ATTENDING, "")

    def _was(self, row: Row) -> str | None:
        if "was" not in self._columns.by_meaning:
            return None
        listed = self._first(row, "was")
        return known.value if (known := said_answer(listed) or read_answer(listed)) else listed

    def _moment(self, row: Row) -> datetime | None:
        found = []
        for text in self._cells(row, "moment"):
            moment = read_form_moment(text, self._american)
            if moment is None:
                self.unreadable.append(text)
            else:
                found.append(moment)
        return max(found, default=None)

    @staticmethod
    def _asked(row: Row, columns: Mapping[int, str]) -> dict[str, str]:
        texts = {name: _text(row.cell(column)) for column, name in columns.items()}
        return {name: text[:_LONGEST] for name, text in texts.items() if text}


def _text(cell: str) -> str:
    """Return a cell's text without unprintable characters.

    A form accepts whatever visitors send, so a cell can hold characters that no one typed on purpose.
    """
    try:
        return clean(cell)
    except CellError:
        return " ".join("".join(char if char.isprintable() else " " for char in cell).split())[:_LONGEST]


def _bare(address: str) -> str:
    """Return the address in ``mailto:…`` or ``Name <…>``."""
    inside = re.search(r"<([^<>\s]+@[^<>\s]+)>", address)
    return (inside[1] if inside else re.sub(r"(?i)^mailto:\s*", "", address)).strip(" ;,.")


_AMERICAN = re.compile(
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})(?:,?\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?)?.*",
    re.IGNORECASE,
)


def _american(table: Table, columns: Columns) -> bool:
    """Return whether the moments put the month first.

    They do only if one of them cannot be read in any other way.
    """
    texts = [
        _text(row.cell(column))
        for row in table.rows
        if row.number > columns.headings.row.number
        for column in columns.by_meaning.get("moment", ())
    ]
    found = [match for match in map(_AMERICAN.fullmatch, texts) if match]
    return any(int(match["day"]) > 12 >= int(match["month"]) for match in found) and not any(
        int(match["month"]) > 12 for match in found
    )


def read_form_moment(text: str, american: bool = False) -> datetime | None:
    """Return a moment that a form service wrote; None if it is unreadable.

    A day without a time is the end of that day.
    """
    found = _AMERICAN.fullmatch(text)
    try:
        if american and found:
            hour = int(found["hour"] or 0)
            if found["half"]:
                hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
            year, month, day = (int(found[part]) for part in ("year", "month", "day"))
            return datetime(year, month, day, hour, int(found["minute"] or 0), tzinfo=ZONE)
        iso = re.sub(r"^(\d{4})/(\d{2})/(\d{2})", r"\1-\2-\3", text).removesuffix(" UTC")
        if re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", iso):
            if text.endswith(" UTC"):
                iso += "+00:00"
            moment = datetime.fromisoformat(iso.replace(" +", "+"))
            return moment.replace(tzinfo=ZONE) if moment.tzinfo is None else moment.astimezone(ZONE)
        read = read_moment(text)
    except (ValueError, OverflowError):
        return None
    if isinstance(read, datetime):
        return read
    return datetime.combine(date(read.year, read.month, read.day), time(23, 59), tzinfo=ZONE)
