"""Table of texts read from a file.

The file is CSV, Excel's "Unicode text" or an .xlsx workbook; its content tells which.
"""

import codecs
import csv
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from mkwmail.errors import Fault, UserError
from mkwmail.files import no_ordinary_file, reason_of
from mkwmail.i18n import _

if TYPE_CHECKING:
    from mkwmail.members import workbook

SEPARATORS = (";", "\t", ",")
# How a zip archive (.xlsx) begins, and the container of .xls and of encrypted Office files (MS-CFB §2.2).
_WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_SAMPLE = 200  # records that decide which separator is used

Records = tuple[tuple[int, tuple[str, ...]], ...]


def decode(data: bytes, shown: str) -> tuple[str, str]:
    """Return the text and the name of its encoding.

    The encoding is UTF-16 or UTF-8 if the bytes show it, else Windows-1252. UTF-8 is tried strictly and first: text in
    Windows-1252 with a letter outside ASCII is practically never valid UTF-8, while every UTF-8 file would pass as
    Windows-1252.

    :raises UserError: if it is none of these, or not a text at all.
    """
    attempts = [("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252")]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        attempts = [("utf-16", "UTF-16")]
    for codec, name in attempts:
        try:
            text = data.decode(codec)
        except UnicodeError:
            continue
        _refuse_no_text(text, shown)
        return text, name
    raise UserError(
        Fault(
            shown,
            _("the file is not text in UTF-8, UTF-16 or Windows-1252"),
            _('save it in Excel as "CSV UTF-8" or as .xlsx'),
        )
    )


def _refuse_no_text(text: str, shown: str) -> None:
    if "\0" in text:
        raise UserError(
            Fault(
                shown,
                _("the file is not a table in text: it holds NUL bytes"),
                _('save it in Excel as "CSV UTF-8" or as .xlsx'),
            )
        )
    if re.match(r"\s*<(?:!doctype|html|\?xml|table|head|meta)\b", text, re.IGNORECASE):
        raise UserError(
            Fault(
                shown,
                _("the file is a web page, whatever its name says"),
                _("open it in Excel and save it as .xlsx"),
            )
        )


def split(text: str, shown: str, known: Callable[[str], bool]) -> tuple[str, Records]:
    """Return the separator, and the records with their row numbers.

    Rows are numbered as in Excel; blank records are left out. A record is one row, even if a cell of it has several
    lines. A first line ``sep=;`` is Excel's own note of the separator, not a row. ``known`` tells if a cell is one of
    the expected headings: if several separators are possible, the one that gives most such headings in one row is used.

    :raises UserError: if a quotation mark is not closed, or a cell is larger than any cell can be.
    """
    announced = re.match(r"(?:\"?)sep=(.)\"?[ \t]*(?:\r\n|\r|\n|$)", text, re.IGNORECASE)
    if announced:
        separator, text = announced[1], text[announced.end() :]
        if separator in '"\r\n':
            raise UserError(Fault(shown, _("the first line names a separator that cannot be one"), "sep=;"))
    else:
        separator = _separator(text, known)
    return separator, tuple(_records(text, separator, shown))


def _records(text: str, separator: str, shown: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    for number in itertools.count(1):
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(_quoting_fault(error, f"{shown}:{number}")) from None
        if any(cell.strip() for cell in cells):
            yield number, tuple(cells)


def _lines(text: str) -> Iterator[str]:
    """Return the lines with their line ends, one at a time.

    io.StringIO would hold four octets for every character.
    """
    return (found[0] for found in _LINE.finditer(text))


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def _quoting_fault(error: csv.Error, place: str) -> Fault:
    if "field limit" in str(error):
        return Fault(
            place,
            _("a cell of this row is larger than any cell can be"),
            _("look for a quotation mark that is not closed"),
        )
    return Fault(
        place,
        _('a quotation mark (") in this row is not closed, or text follows the closing one'),
        _("take the quotation marks out of the row, or open the list in Excel and save it as .xlsx"),
    )


def _separator(text: str, known: Callable[[str], bool]) -> str:
    """Return the separator that suits the text best.

    It gives the most known headings in one row; then it splits the most records, then it gives the most columns.
    csv.Sniffer guesses from the frequencies of characters and fails on one column. Here the answer is ``;`` if no
    separator splits more than half of the records: then there is one column.
    """
    best, separator = (0, 0, 0), SEPARATORS[0]
    for candidate in SEPARATORS:
        records = list(itertools.islice(_lenient(text, candidate), _SAMPLE))
        headings = max((sum(map(known, cells)) for cells in records[:20]), default=0)
        widths = Counter(len(cells) for cells in records if len(cells) > 1)
        splits = widths.total()
        if headings < 2 and splits * 2 <= len(records):
            continue
        score = (headings, splits, widths.most_common(1)[0][0] if widths else 0)
        if score > best:
            best, separator = score, candidate
    return separator


def _lenient(text: str, separator: str) -> Iterable[list[str]]:
    reader = csv.reader(_lines(text), delimiter=separator)
    while True:
        try:
            cells = next(reader)
        except (StopIteration, csv.Error):
            return
        if any(cell.strip() for cell in cells):
            yield cells


LARGEST_FILE = 32 << 20  # octets

Cell = int | float | str | bool | time | date | datetime | timedelta


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not blank, and its number as Excel shows it."""

    number: int
    cells: tuple[str, ...]

    def cell(self, column: int) -> str:
        """Return the text in a column, counted from 0.

        It is empty beyond the end of the row.
        """
        return self.cells[column] if column < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that are not blank, and their source.

    A workbook has ``sheet``, and ``other_sheets`` that have content too but were not read; a text file has ``encoding``
    and ``separator``. ``without_value`` names the cells, by row number and column, that are filled in Excel but have no
    text here: a formula whose result was not saved (``""``), or the error that Excel shows.
    """

    rows: tuple[Row, ...]
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    encoding: str = ""
    separator: str = ""
    without_value: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()


def read_table(path: Path, shown: str, known: Callable[[str], bool] = lambda cell: False) -> Table:
    """Read a file of rows as Excel shows them.

    All cells are texts, not yet cleaned. Of a workbook, the first visible sheet with content is read. Numbers and dates
    are written as a Dutch Excel shows them: ``7``, ``7,5``, ``16-4-2020``, ``13:00``, ``WAAR``. Only texts have leading
    zeros, in Excel too. A cell that is merged over several rows counts for each of them.

    :param shown: the file's name in messages.
    :param known: tells if a text is one of the expected headings; this decides between separators of a text file.
    :raises UserError: if the file cannot be read as a table, with what to do.
    """
    data = _bytes(path, shown)
    if not data.strip():
        raise UserError(Fault(shown, _("the file is empty"), _("save the list again, with its headings")))
    if data.startswith(_WORKBOOKS):
        return _read_workbook(data, shown)
    text, encoding = decode(data, shown)
    separator, records = split(text, shown, known)
    return Table(tuple(Row(number, cells) for number, cells in records), encoding=encoding, separator=separator)


def _bytes(path: Path, shown: str) -> bytes:
    if reason := no_ordinary_file(path):
        raise UserError(Fault(shown, _("the file cannot be read: %(reason)s") % {"reason": reason}))
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise UserError(Fault(shown, _("the file is not there"), _("save it there, or give its right name"))) from None
    except PermissionError:
        raise UserError(
            Fault(
                shown,
                _("the file may not be read"),
                _("close it in Excel, or give yourself the right to read it"),
            )
        ) from None
    except OSError as error:
        raise UserError(Fault(shown, _("the file cannot be read: %(reason)s") % {"reason": reason_of(error)})) from None
    if len(data) > LARGEST_FILE:
        raise UserError(
            Fault(
                shown,
                _("the file is larger than %(megabytes)d MB, and no list is") % {"megabytes": LARGEST_FILE >> 20},
                _("copy the rows of the list into a new workbook and save that"),
            )
        )
    return data


def _read_workbook(data: bytes, shown: str) -> Table:
    # Most lists are text: they do not need it.
    from mkwmail.members import workbook

    workbook.refuse_older(data, shown)
    parts = workbook.unpack(data, shown)
    contents = workbook.sheet_parts(parts, shown)
    try:
        with CalamineWorkbook.from_filelike(workbook.repack(parts)) as book:
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
            ]
            looks = [workbook.look_through(name, contents[name], shown) for name in visible]
            filled = [look for look in looks if look.filled]
            if not filled:
                return Table(())
            return _table(book.get_sheet_by_name(filled[0].name), filled)
    except (CalamineError, KeyError, OSError, ValueError, OverflowError):
        raise workbook.damaged(shown) from None


def _table(sheet: CalamineSheet, filled: "list[workbook.Sheet]") -> Table:
    look, *others = filled
    grid = [[as_text(cell) for cell in cells] for cells in sheet.to_python(skip_empty_area=False)]
    _fill_merged(grid, sheet.merged_cell_ranges or ())
    lacking = {row for row, _column in look.without_value}
    rows = (Row(number, tuple(cells)) for number, cells in enumerate(grid, start=1))
    return Table(
        tuple(row for row in rows if row.number in lacking or any(cell.strip() for cell in row.cells)),
        sheet=look.name,
        other_sheets=tuple(other.name for other in others),
        without_value=look.without_value,
        hidden_rows=look.hidden,
    )


def _fill_merged(grid: list[list[str]], ranges: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Give the value of a merged cell to every row that it spans.

    Its further columns stay empty. A corporation merged over the rows of its two directors is the corporation of both,
    but a title merged over the width of the headings is not a value of each column.
    """
    for (top, left), (bottom, _right) in ranges:
        if top < len(grid) and left < len(grid[top]):
            for cells in grid[top + 1 : bottom + 1]:
                if left < len(cells):
                    cells[left] = cells[left] or grid[top][left]


def as_text(value: Cell) -> str:
    """Return a value as a Dutch Excel shows it.

    The format is Excel's general format, or its short formats of date and time.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "WAAR" if value else "ONWAAR"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        day = as_text(value.date())
        return day if value.time() == time() else f"{day} {as_text(value.time())}"
    if isinstance(value, date):
        return f"{value.day}-{value.month}-{value.year}"
    if isinstance(value, time):
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return ":".join(f"{part:02d}" for part in itertools.chain((hours, minutes), (seconds,) if seconds else ()))


def _number(value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isfinite(value) and value.is_integer() and abs(value) < 1e20:
        return str(int(value))
    return f"{value:.15g}".replace(".", ",")  # 15 digits: all that Excel keeps of a number
