"""The row of headings in a table: which it is, and what each column means."""

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from mkwmail.sources.tables import Row, Table

Meanings = Mapping[str, tuple[str, ...]]

_LOOKED_AT = 20  # rows from the top that may be the headings: above them stand a title, a date, an explanation
_ALIKE = 0.75  # of 1: "emial" is like "email", "adres" is not like "mailadres"


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings' row. ``columns`` gives the columns of each known meaning, more than one where it is said twice;
    ``others`` those of each further heading, by its folded form; ``unnamed`` those without a heading but with values.
    """

    row: Row
    columns: Mapping[str, tuple[int, ...]]
    others: Mapping[str, tuple[int, ...]]
    unnamed: tuple[int, ...]

    def written(self, column: int) -> str:
        """A column's heading as it stands in the file; its letter in Excel where it has none."""
        return " ".join(self.row.cell(column).split()) or column_letter(column)


def heading_key(text: str) -> str:
    """The form in which headings are compared: letters and digits alone, lower case, no accents.

    >>> heading_key(" E-Mail adres: ")
    'emailadres'
    """
    return "".join(char for char in unicodedata.normalize("NFKD", text).casefold() if char.isalnum())


def column_name(text: str) -> str:
    """A heading as templates and audiences name its column: lower case, spaces as underscores.

    >>> column_name("Aantal  Woningen")
    'aantal_woningen'
    """
    return "_".join(unicodedata.normalize("NFC", text.replace("\ufeff", "")).casefold().split())


def column_letter(column: int) -> str:
    """A column, counted from 0, as Excel shows it: A, Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def find_headings(table: Table, meanings: Meanings) -> Headings:
    """The first of the topmost rows with most known headings; the first row of all where none is known.

    :param table: a table with at least one row.
    :param meanings: the spellings of each meaning, in the form of :func:`heading_key`.
    """
    by_spelling = {spelling: meaning for meaning, spellings in meanings.items() for spelling in spellings}
    row = max(table.rows[:_LOOKED_AT], key=lambda row: sum(heading_key(cell) in by_spelling for cell in row.cells))
    columns: dict[str, tuple[int, ...]] = {}
    others: dict[str, tuple[int, ...]] = {}
    for column, cell in enumerate(row.cells):
        meaning = by_spelling.get(heading_key(cell))
        if meaning:
            columns[meaning] = (*columns.get(meaning, ()), column)
        elif name := column_name(cell):
            others[name] = (*others.get(name, ()), column)
    return Headings(row, columns, others, _unnamed(table, row))


def _unnamed(table: Table, headings: Row) -> tuple[int, ...]:
    below = [row for row in table.rows if row.number > headings.number]
    width = max((len(row.cells) for row in below), default=0)
    unnamed = [column for column in range(width) if not headings.cell(column).strip()]
    return tuple(column for column in unnamed if any(row.cell(column).strip() for row in below))


def nearest_heading(headings: Headings, spellings: tuple[str, ...]) -> str | None:
    """The heading, as written, that looks most like one of the spellings; None where none does."""
    best, found = 0.0, None
    for column, cell in enumerate(headings.row.cells):
        key = heading_key(cell)
        for spelling in spellings if key else ():
            likeness = difflib.SequenceMatcher(None, key, spelling).ratio()
            if likeness > max(best, _ALIKE):
                best, found = likeness, headings.written(column)
    return found
