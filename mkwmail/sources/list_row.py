"""One row of a member list as a member, or as what is wrong with it."""

from sys import intern

from mkwmail.dutch.names import Name, Title, full_name, read_title
from mkwmail.errors import Fault
from mkwmail.language import _
from mkwmail.sources.address_cell import read_address
from mkwmail.sources.cells import CellError, clean, excel_error, shown_value
from mkwmail.sources.headings import Headings, column_letter
from mkwmail.sources.member import NO_COLUMNS, FaultyRow, Member
from mkwmail.sources.tables import Row, Table

_LONGEST = 200  # characters of a name, an organisation, a function: more is text in the wrong column
_MAY_BE_MAILED = frozenset(("nee", "n", "no", "0", "false", "onwaar", "-"))
_NO_REASON = frozenset(("x", "ja", "j", "yes", "y", "1", "true", "waar", "v", "✓", "✔", "niet mailen", "optout"))


def read_row(row: Row, table: Table, headings: Headings, shown: str) -> Member | FaultyRow:
    """The member in a row below the headings, or all its faults.

    Who is not to be mailed needs no usable name or address: for that row only what no text may hold is a fault.
    """
    cells = _Cells(row, table, headings, shown)
    texts = {meaning: cells.text(columns[0]) for meaning, columns in headings.columns.items()}
    further = {name: cells.text(columns[0], longest=None) for name, columns in headings.others.items()}
    cells.check_width()
    do_not_mail = _reason(texts.get("do_not_mail", ""))
    checked = cells if not do_not_mail else _Cells(row, table, headings, shown)
    name = Name(
        first=texts.get("first", ""),
        initials=texts.get("initials", ""),
        prefix=intern(texts.get("prefix", "")),
        surname=texts.get("surname", ""),
        written=texts.get("written", ""),
        title=checked.title(texts.get("title", "")),
    )
    checked.check_name(name)
    email = checked.address(texts.get("email", ""))
    if cells.faults:
        return FaultyRow(row.number, full_name(name), email or texts.get("email", ""), tuple(cells.faults))
    return Member(
        row=row.number,
        name=name,
        email=email,
        organisation=intern(texts.get("organisation", "")),
        function=intern(texts.get("function", "")),
        number=texts.get("number", ""),
        do_not_mail=do_not_mail,
        columns=further or NO_COLUMNS,
    )


def _reason(text: str) -> str:
    """Why a member is not to be mailed, by the column's text; empty where they may be."""
    folded = text.casefold()
    if not text or folded in _MAY_BE_MAILED:
        return ""
    return _("marked in the member list as not to be mailed") if folded in _NO_REASON else text


class _Cells:
    """The cells of one row, and the faults met in reading them."""

    def __init__(self, row: Row, table: Table, headings: Headings, shown: str) -> None:
        self.faults: list[Fault] = []
        self._row = row
        self._table = table
        self._headings = headings
        self._shown = shown
        self._refused: set[int] = set()

    def text(self, column: int, longest: int | None = _LONGEST) -> str:
        """The cleaned text of a cell; empty, and a fault, where it cannot be used."""
        lack = self._table.without_value.get((self._row.number, column))
        try:
            if lack is not None:
                raise excel_error(lack) if lack else _no_outcome()
            text = clean(self._row.cell(column))
            if longest and len(text) > longest:
                raise _too_long(text, longest)
        except CellError as wrong:
            self._refuse(column, wrong)
            return ""
        return text

    def check_width(self) -> None:
        """A row of a text file with more cells than headings has a separator inside a value: all after it has moved."""
        width = len(self._headings.row.cells)
        if self._table.sheet or not any(cell.strip() for cell in self._row.cells[width:]):
            return
        place = f"{self._shown}:{self._row.number}"
        cells = {"cells": len(self._row.cells), "headings": width, "separator": self._table.separator}
        self.faults.append(
            Fault(
                place,
                _("the row has %(cells)d cells and the headings are %(headings)d") % cells,
                _('put a value that holds the separator %(separator)s between quotation marks: "…"') % cells,
            )
        )

    def title(self, text: str) -> Title:
        """The title that the cell means; none, and a fault, for a word that is no title."""
        try:
            return read_title(text)
        except ValueError:
            wrong = CellError(
                _('"%(value)s" is not a title that is known') % {"value": shown_value(text)},
                _("write dhr or mevr, or leave the cell empty"),
            )
            self._refuse(self._column("title"), wrong)
            return ""

    def check_name(self, name: Name) -> None:
        """A mail must be able to say whom it is for: a surname, a first name, or a name written whole."""
        if name.written or name.surname or name.first:
            return
        remedy = _("fill in the surname, or delete the row; for an office write its name in a column naam")
        self._refuse(self._column("surname", "written", "first"), CellError(_("the name is missing"), remedy))

    def address(self, text: str) -> str:
        """The address as SMTP carries it; empty, and a fault, where there is none."""
        try:
            if not text:
                raise CellError(
                    _("the address is missing"), _("fill it in, or delete the row, or fill in the column niet mailen")
                )
            return read_address(text)
        except CellError as wrong:
            self._refuse(self._column("email"), wrong)
            return ""

    def _column(self, *meanings: str) -> int:
        """The column of the first of these meanings that the list has."""
        return next(self._headings.columns[meaning][0] for meaning in meanings if meaning in self._headings.columns)

    def _refuse(self, column: int, wrong: CellError) -> None:
        if column in self._refused:  # a cell that was refused reads as empty: that is not a second fault
            return
        self._refused.add(column)
        heading = shown_value(self._headings.written(column)) or column_letter(column)
        self.faults.append(Fault(f"{self._shown}:{self._row.number} {heading}", wrong.fault, wrong.remedy))


def _no_outcome() -> CellError:
    return CellError(
        _("the cell holds a formula whose outcome is not in the file"),
        _("open the list in Excel and save it, or type the value instead of the formula"),
    )


def _too_long(text: str, longest: int) -> CellError:
    return CellError(
        _('"%(value)s" is %(length)d characters long, and %(longest)d is the most')
        % {"value": shown_value(text), "length": len(text), "longest": longest},
        _("shorten it; a remark belongs in a column of its own"),
    )
