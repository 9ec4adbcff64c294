"""Sign-ups from the export of a sign-up form.

A sign-up tells the person, the answer, its moment, who comes along, and the answers to the form's further questions.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from mkwmail.dutch.dates import number
from mkwmail.dutch.names import NO_PERSON, VACANT, Name, full_name
from mkwmail.errors import user_error
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.models import NO_CREDIT, Credit
from mkwmail.members.cells import CellError, clean, shown_value
from mkwmail.members.table import Row, Table, read_table
from mkwmail.responses.answers import Answered, folded_words, read_answer, read_companions, said_answer
from mkwmail.responses.form_columns import (
    Columns,
    code_in,
    find_columns,
    folded_heading,
    meaning_of,
    month_first,
    read_form_moment,
)

MOST_COLUMNS = 500
MOST_ROWS = 10_000  # read within seconds
_LONGEST = 2000  # characters of an answer that is kept
_PROGRESS = frozenset(
    ("nieuw", "gelezen", "ongelezen", "verwerkt", "ontvangen", "ingediend", "compleet", "afgerond", "verzonden")
) | frozenset(
    (
        *("new", "read", "unread", "processed", "received", "submitted", "finished", "sent", "opened", "delivered"),
        *("geopend", "ip address"),
    )
)
# The words of a service for somebody who was invited, and has not answered.
_NOT_YET = re.compile(
    r"none|geen|(?:uit)?genodigd|invited|needs ?action|unanswered|onbeantwoord|organi[sz]er|organisator|"
    r"not (?:responded|replied)|"
    r"(?:no|awaiting|wacht op|(?:nog )?geen) (?:response|reply|answer|antwoord|reactie)(?: ontvangen| gegeven| yet)?|"
    r"(?:heeft )?(?:nog )?niet (?:gereageerd|beantwoord|geantwoord)|has not (?:responded|replied)(?: yet)?"
)
_NOBODY = frozenset(("anonymous", "anoniem", "-", "n.v.t.", "nvt"))


@dataclass(frozen=True, slots=True)
class Signup:
    """One row of an export.

    ``answer`` is None if the row has no known answer; ``doubt`` then gives the reason, and ``unknown`` the answer's
    words, if there are any. ``was`` is the answer when the list was made, if the row comes from our own list.
    ``also``: further addresses in the row. ``companions``: how many people come along. ``credit``: the person's own
    hours and points, if the event has begun.
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
    unknown: str = ""
    also: tuple[str, ...] = ()
    companions: int = 0
    credit: Credit = NO_CREDIT

    @property
    def who(self) -> str:
        """The name and address, as far as the row has them, else the code or the number."""
        both = f"{self.name} <{self.address}>" if self.name and self.address else ""
        return both or self.name or self.address or self.code or self.number

    @property
    def key(self) -> str:
        """The key by which the row is recognised in a later export."""
        traits = (self.code or self.address.casefold(), folded_words(self.name), folded_words(self.number))
        return sha256("\0".join(traits).encode()).hexdigest()[:32]

    @property
    def digest(self) -> str:
        """A digest of the row's content, which changes with the content."""
        # A doubt first: the digest stays the same if the user gives the answer.
        said = [self.doubt or self.answer or "", self.moment.isoformat() if self.moment else "", self.organisation]
        said += [f"{name}={value}" for name, value in sorted({**self.beside, **self.dietary}.items())]
        said.append(str(self.companions or ""))
        return sha256("\0".join(said).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Counted:
    """The answers in a column: answer → rows; an empty answer for words that are not understood."""

    heading: str
    answers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Export:
    """The sign-ups of an export, and notes for the user on how it was read.

    ``counted``: the columns that tell who comes. ``answering`` is false if there is none: then the rows that were
    not cancelled count as attending, once the user has said so. ``perhaps`` are the headings of the columns that may
    be the answer, by their values; as long as it is not decided which it is, no row has an answer.
    """

    signups: tuple[Signup, ...]
    notes: tuple[str, ...] = ()
    counted: tuple[Counted, ...] = ()
    answering: bool = True
    perhaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """The user's earlier decisions about this form.

    ``columns``: folded heading → meaning (``answer`` or ``beside``). ``words``: folded answer → answer.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def read_signups(
    path: Path,
    shown: str,
    codes: Iterable[str],
    optional: Sequence[str] = (),
    *,
    decided: Decided | None = None,
    begun: bool = False,
) -> Export:
    """Read an export, CSV or Excel, whatever its headings.

    :param codes: the codes of the event's links.
    :param optional: the titles of the programme's optional parts.
    :param begun: the event has begun; before that, presence is not recorded, and check-in columns are not read.
    :raises UserError: if it cannot be read as a table, is empty, has too many columns or rows, or has no column that
        tells who signed up.
    """
    table = read_table(path, shown, lambda cell: meaning_of(cell, optional) not in ("beside", ""))
    if not table.rows:
        raise user_error(shown, _("the export is empty"), _("export it again, with its headings"))
    width = max(len(row.cells) for row in table.rows)
    if width > MOST_COLUMNS:
        fault = _("the export has %(n)d columns, and no form has more than %(most)d questions")
        remedy = _("export it again, or copy its columns into a new workbook")
        raise user_error(shown, fault, remedy, n=width, most=MOST_COLUMNS)
    if len(table.rows) > MOST_ROWS:
        fault = _("the export has %(n)d rows, and no event has more than %(most)d sign-ups")
        remedy = _("export this event alone, or copy its rows into a new workbook")
        raise user_error(shown, fault, remedy, n=len(table.rows), most=MOST_ROWS)
    known, said = frozenset(codes), decided or Decided()
    columns = find_columns(table, known, optional, said.columns)
    if not columns.identifying:
        fault = _("no column shows who signed up; the headings found are: %(headings)s")
        names = ", ".join(f'"{shown_value(cell.strip())}"' for cell in columns.headings.row.cells if cell.strip())
        remedy = _("give the column with the addresses the heading e-mail, or that with the names the heading naam")
        raise user_error(f"{shown}:{columns.headings.row.number}", fault, remedy, headings=names[:400])
    below = [row for row in table.rows if row.number > columns.headings.row.number]
    reader = _Reader(columns, known, below, said.words, begun)
    signups = tuple(signup for signup in map(reader.signup, below) if signup is not None)
    return Export(
        signups,
        tuple(_notes(table, columns, reader, shown, begun)),
        tuple(Counted(columns.headings.written(column), dict(counts)) for column, counts in reader.counted.items()),
        columns.answering and (begun or bool(columns.by_meaning.keys() & {"answer", "status", "was"})),
        tuple(columns.headings.written(column) for column in columns.perhaps),
    )


def _notes(table: Table, columns: Columns, reader: "_Reader", shown: str, begun: bool) -> Iterator[str]:
    if table.sheet:
        yield _('%(file)s: read from the sheet "%(sheet)s"') % {"file": shown, "sheet": table.sheet}
    asked = [*columns.beside.values(), *columns.dietary.values()]
    if asked:
        yield _("also asked, and kept: %(columns)s") % {"columns": ", ".join(map(shown_value, asked))}
    if columns.dropped:
        yield _("not kept: %(columns)s") % {"columns": ", ".join(map(shown_value, columns.dropped))}
    later = ("presence", "credit hours", "credit points")
    checked_in = [columns.headings.written(each) for meaning in later for each in columns.by_meaning.get(meaning, ())]
    if checked_in and not begun:
        names = ", ".join(map(shown_value, checked_in))
        yield _("not read, because the event has not begun: %(columns)s") % {"columns": names}
    if reader.unnumbered:
        words = ngettext(
            "row %(rows)s: the hours or points are not a number, so the event's apply",
            "rows %(rows)s: the hours or points are not numbers, so the event's apply",
            len(reader.unnumbered),
        )
        yield words % {"rows": _rows(reader.unnumbered)}
    if reader.nobody:
        words = ngettext(
            "row %(rows)s names nobody and was skipped",
            "rows %(rows)s name nobody and were skipped",
            len(reader.nobody),
        )
        yield words % {"rows": _rows(reader.nobody)}
    if reader.silent:
        words = ngettext(
            "row %(rows)s has no answer yet, and was skipped",
            "rows %(rows)s have no answer yet, and were skipped",
            len(reader.silent),
        )
        yield words % {"rows": _rows(reader.silent)}
    if reader.unreadable:
        sample = shown_value(reader.unreadable[0])
        yield _('the moments cannot be read, the first is "%(text)s": the rows are not put in order by them') % {
            "text": sample
        }
    if reader.uncounted:
        words = ngettext(
            "row %(rows)s: it is not clear how many come along; record it with mkwmail answers set",
            "rows %(rows)s: it is not clear how many come along; record it with mkwmail answers set",
            len(reader.uncounted),
        )
        yield words % {"rows": _rows(reader.uncounted)}


def _rows(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", …" if len(numbers) > 10 else "")


class _Reader:
    """A reader for the rows of one export."""

    def __init__(
        self, columns: Columns, codes: frozenset[str], rows: Sequence[Row], words: Mapping[str, str], begun: bool
    ) -> None:
        self.nobody: list[int] = []
        self.silent: list[int] = []
        self.unreadable: list[str] = []
        self.uncounted: list[int] = []
        self.unnumbered: list[int] = []
        answering = [each for meaning in ("answer", "status") for each in columns.by_meaning.get(meaning, ())]
        self.counted: dict[int, Counter[str]] = {column: Counter() for column in answering}
        self._columns = columns
        self._codes = codes
        self._words = words
        self._begun = begun
        moments = columns.by_meaning.get("moment", ())
        self._american = {column: month_first(_text(row.cell(column)) for row in rows) for column in moments}

    def signup(self, row: Row) -> Signup | None:
        """Return the sign-up in a row; None if it names no person."""
        code = next((found for cell in self._cells(row, "code") if (found := code_in(cell, self._codes))), "")
        addresses = self._addresses(row)
        name = self._name(row)
        number = self._first(row, "number")
        answer, doubt, unknown = self._answer(row)
        if answer is None and self._is_silent(row):
            self.silent.append(row.number)
            return None
        if not (code or addresses or name or number):
            name = self._name(row, "orderer ")
            addresses = [_bare(cell) for cell in self._cells(row, "orderer email") if "@" in cell][:1]
            answer, doubt, unknown = None, _("the row does not show for whom this was ordered"), ""
        if not (code or addresses or number) and (_is_nobody(name) or self._are_headings(row)):
            self.nobody.append(row.number)
            return None
        return Signup(
            row=row.number,
            answer=answer,
            code=code,
            address=addresses[0] if addresses else "",
            name=name,
            organisation=self._first(row, "organisation"),
            number=number,
            moment=self._moment(row),
            beside=self._asked(row, self._columns.beside),
            dietary=self._asked(row, self._columns.dietary),
            was=self._was(row),
            doubt=doubt,
            unknown=unknown,
            also=tuple(addresses[1:]),
            companions=self._companions(row),
            credit=Credit(self._number(row, "credit hours"), self._number(row, "credit points")),
        )

    def _are_headings(self, row: Row) -> bool:
        """Return whether a row repeats the headings, or has those of a next part of the export."""
        given = [cell for cell in row.cells if cell.strip()]
        if len(given) == 1 and re.match(r"\d+\. ", given[0]):
            return True  # "3. Activities" begins a next part
        who = [cell for meaning in ("written", "first", "surname", "email") for cell in self._cells(row, meaning)]
        return bool(who) and all(cell in self._columns.headings.row.cells for cell in who)

    def _cells(self, row: Row, meaning: str) -> list[str]:
        texts = [_text(row.cell(column)) for column in self._columns.by_meaning.get(meaning, ())]
        return [text for text in texts if text and text.casefold() not in _NOBODY]

    def _first(self, row: Row, meaning: str) -> str:
        return next(iter(self._cells(row, meaning)), "")

    def _addresses(self, row: Row) -> list[str]:
        """Return the row's addresses; people also type theirs where the name belongs."""
        cells = [*self._cells(row, "email"), *self._cells(row, "written")]
        return list(dict.fromkeys(_bare(cell) for cell in cells if re.search(r"\S@\S", cell)))

    def _name(self, row: Row, whose: str = "") -> str:
        first, surname = self._first(row, f"{whose}first"), self._first(row, f"{whose}surname")
        written = self._first(row, f"{whose}written")
        if "@" in written:
            written = next((cell for cell in self._cells(row, f"{whose}email") if "@" not in cell), _named(written))
        if surname or (first and not written):
            initials, prefix = self._first(row, f"{whose}initials"), self._first(row, f"{whose}prefix")
            return full_name(Name(first, initials, prefix, surname))
        # "Naam" next to "Voornaam": in the exports of some services "Naam" holds only the surname.
        return f"{first} {written}" if first and folded_words(first) not in folded_words(written) else written

    def _answer(self, row: Row) -> tuple[Answered | None, str, str]:
        """Return the row's answer, the doubt about it, and the words that are not understood.

        Recorded presence goes before an answer that was given earlier; who cancelled is no absentee.
        """
        was_there = self._presence(row) if self._begun else None
        if was_there is Answered.PRESENT:
            return was_there, "", ""
        if self._is_cancelled(row):
            return Answered.DECLINED, "", ""
        status, unknown_status = self._read(row, "status")
        answers, unknown = self._read(row, "answer")
        if Answered.DECLINED in status and Answered.DECLINED not in answers:
            return Answered.DECLINED, "", ""
        if was_there is not None:
            return was_there, "", ""
        # If there is an answer, a status that only says how far the form is does not make it unclear.
        texts = [*unknown, *(text for text in unknown_status if not (answers and folded_words(text) in _PROGRESS))]
        if texts:
            return None, _('"%(text)s" is not a known answer') % {"text": shown_value(texts[0])}, texts[0]
        found = answers or status
        if len(set(found)) > 1:
            return None, _("its columns give different answers"), ""
        if found:
            return found[0], "", ""
        return self._unanswered(row)

    def _is_cancelled(self, row: Row) -> bool:
        """Return whether a row was cancelled.

        A date, a tick or a yes is a cancellation; "Nee" under "Geannuleerd" is not. A choice is, if it repeats the
        heading: "Ik kan niet komen" under "Ik kan niet komen", "Nee" under "Komt u? (Nee)".
        """
        for column in self._columns.by_meaning.get("cancelled", ()):
            text = _text(row.cell(column))
            heading = folded_heading(self._columns.headings.written(column))
            chosen = f" {folded_heading(text)}"
            repeated = f" {heading}".endswith(chosen) and not heading.endswith(("ja nee", "of nee"))
            bare_no = re.match(r"(?:nee|neen|no|nein|non|niet|not|false|onwaar|0|n|off)\b", folded_words(text))
            if text and text.casefold() not in _NOBODY and (repeated or not bare_no):
                return True
        return False

    def _read(self, row: Row, meaning: str) -> tuple[list[Answered], list[str]]:
        """Return the answers in the columns of a meaning, and the texts that are not understood."""
        ours = "was" in self._columns.by_meaning
        answers, unknown = [], []
        for column in self._columns.by_meaning.get(meaning, ()):
            text = _text(row.cell(column))
            said = self._words.get(folded_words(text))
            if not text or (said is None and (text.casefold() in _NOBODY or _is_not_yet(text))):
                continue
            read = Answered(said) if said else (said_answer(text) if ours else None) or read_answer(text)
            if read in (Answered.PRESENT, Answered.ABSENT) and not (self._begun or ours):
                # Nobody was present yet: "Present" is what a form in English offers for "I will be".
                read = Answered.ATTENDING if said_answer(text) is Answered.PRESENT else None
            self.counted[column][read or ""] += 1
            if read is None:
                unknown.append(text)
            else:
                answers.append(read)
        return answers, unknown

    def _is_silent(self, row: Row) -> bool:
        """Return whether a row says that the person was invited, and has not answered."""
        texts = [*self._cells(row, "answer"), *self._cells(row, "status")]
        return "was" not in self._columns.by_meaning and bool(texts) and all(map(_is_not_yet, texts))

    def _unanswered(self, row: Row) -> tuple[Answered | None, str, str]:
        """Return what a row without an answer means."""
        # In our own list the answer is empty if a person has given none.
        if self._was(row) is not None:
            return None, "", ""
        if self._columns.perhaps:
            return None, _("it is not clear which column shows who comes"), ""
        if self._columns.by_meaning.keys() & {"answer", "status"}:
            return None, _("the answer is empty"), ""
        if any(folded_words(text) in ("0", "nul", "geen", "zero", "none") for text in self._cells(row, "persons")):
            return None, _("it says that 0 persons come"), ""
        return Answered.ATTENDING, "", ""

    def _presence(self, row: Row) -> Answered | None:
        for column in self._columns.by_meaning.get("presence", ()):
            text = _text(row.cell(column))
            was_there = read_answer(text) if text else None
            if was_there in (Answered.ATTENDING, Answered.PRESENT):
                return Answered.PRESENT
            if was_there in (Answered.DECLINED, Answered.ABSENT):
                return Answered.ABSENT
            if text and read_form_moment(text) is not None:
                return Answered.PRESENT
        return None

    def _was(self, row: Row) -> str | None:
        if "was" not in self._columns.by_meaning:
            return None
        listed = self._first(row, "was")
        return known.value if (known := said_answer(listed) or read_answer(listed)) else listed

    def _moment(self, row: Row) -> datetime | None:
        """Return the row's moment; None if it has none that can be read."""
        found = []
        hour = self._first(row, "hour")
        for column in self._columns.by_meaning.get("moment", ()):
            text = _text(row.cell(column))
            if not text:
                continue
            whole = f"{text} {hour}" if hour and ":" not in text else text
            moment = read_form_moment(whole, self._american[column]) or read_form_moment(text, self._american[column])
            if moment is None:
                self.unreadable.append(text)
            else:
                found.append(moment)
        return max(found, default=None)

    def _number(self, row: Row, meaning: str) -> str:
        """Return the number in a column, as Dutch writes it; empty before the event and for other texts."""
        text = self._first(row, meaning) if self._begun else ""
        found = re.fullmatch(r"(\d{1,3})(?:[.,](\d{1,2}))?(?: ?(?:uur|uren|punt|punten))?", text)
        if text and found is None and row.number not in self.unnumbered:
            self.unnumbered.append(row.number)
        return number(float(f"{found[1]}.{found[2] or 0}")) if found else ""

    def _companions(self, row: Row) -> int:
        counts = [read_companions(text) for text in self._cells(row, "companions")]
        counts += [read_companions(text, of_persons=True) for text in self._cells(row, "persons")]
        if None in counts:
            self.uncounted.append(row.number)
        return max((count for count in counts if count is not None), default=0)

    @staticmethod
    def _asked(row: Row, columns: Mapping[int, str]) -> dict[str, str]:
        texts = {name: _text(row.cell(column)) for column, name in columns.items()}
        return {name: text[:_LONGEST] for name, text in texts.items() if text}


def _text(cell: str) -> str:
    """Return a cell's text without unprintable characters.

    A form accepts everything that visitors send, so a cell can hold characters that no one typed on purpose.
    """
    try:
        return clean(cell)
    except CellError:
        return " ".join("".join(char if char.isprintable() else " " for char in cell).split())[:_LONGEST]


def _is_not_yet(text: str) -> bool:
    return _NOT_YET.fullmatch(folded_heading(text)) is not None


def _is_nobody(name: str) -> bool:
    """Return whether a text in the place of a name is none: nothing, "n.v.t.", "Totaal 12"."""
    words = name.casefold().split()
    # A row that begins with a bracket of mark-up is for a machine.
    return (
        not words
        or name.startswith("{")
        or words[0] in VACANT
        or "".join(filter(str.isalnum, name.casefold())) in NO_PERSON
    )


def _named(text: str) -> str:
    """Return the name in ``Name <…>``, or an empty text."""
    return text.partition("<")[0].strip(' "') if "<" in text else ""


def _bare(address: str) -> str:
    """Return the address in ``mailto:…`` or ``Name <…>``."""
    inside = re.search(r"<([^<>\s]+@[^<>\s]+)>", address)
    return (inside[1] if inside else re.sub(r"(?i)^mailto:\s*", "", address)).strip(" ;,.")
