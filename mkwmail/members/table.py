"""Table of texts read from a file.

The file is CSV, Excel's "Unicode text" or an .xlsx workbook; its content tells which. An encoding of eight bits is
Windows-1252 or, from Excel for Mac, Mac Roman.
"""

import codecs
import csv
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from mkwmail.errors import Fault, UserError, user_error
from mkwmail.files import no_ordinary_file, reason_of
from mkwmail.i18n import _
from mkwmail.members.cells import shown_value

if TYPE_CHECKING:
    from mkwmail.members import workbook


SEPARATORS = (";", "\t", ",", "|")
# How a zip archive (.xlsx) begins, and the container of .xls and of encrypted Office files (MS-CFB §2.2).
_WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_SAMPLE = 200  # records that decide which separator is used
_TOP = 40  # rows that decide which sheet is read

Records = tuple[tuple[int, tuple[str, ...]], ...]


def decode(data: bytes, shown: str) -> tuple[str, str]:
    """Return the text and the name of its encoding.

    The encoding is UTF-16 or UTF-8 if the bytes show it, else Windows-1252 or, from Excel for Mac, Mac Roman. UTF-8 is
    tried strictly and first: text in Windows-1252 with a letter outside ASCII is practically never valid UTF-8, while
    every UTF-8 file would pass as Windows-1252.

    :raises UserError: if it is none of these, if letters of UTF-8 are broken, if it cannot be decided between Windows
        and Mac, or if it is not a text at all.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoded = _strictly(data, "utf-16"), "UTF-16"
    elif (text := _strictly(data, "utf-8-sig")) is not None:
        decoded = text, "UTF-8"
    else:
        decoded = _decode_eight_bits(data, shown)
    text, name = decoded
    if text is None:
        fault = _("the file is not text in UTF-8, UTF-16, Windows-1252 or Mac Roman")
        raise user_error(shown, fault, _('save it in Excel as "CSV UTF-8" or as .xlsx'))
    _refuse_no_text(text, shown)
    return text, name


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeError:
        return None


def _refuse_no_text(text: str, shown: str) -> None:
    if "\0" in text:
        raise user_error(
            shown,
            _("the file is not a table in text: it holds NUL bytes"),
            _('save it in Excel as "CSV UTF-8" or as .xlsx'),
        )
    if re.match(r"\s*<(?:!doctype|html|\?xml|table|head|meta)\b", text, re.IGNORECASE):
        raise user_error(
            shown, _("the file is a web page, despite its name"), _("open it in Excel and save it as .xlsx")
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
            raise user_error(shown, _("the first line names a separator that cannot be one"), "sep=;")
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
        if any(map(str.strip, cells)):
            yield number, tuple(cells)


def _lines(text: str) -> Iterator[str]:
    """Return the lines with their line ends, one at a time. io.StringIO would hold four octets for every character."""
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
    text here: a formula whose result was not saved (``""``), or the error that Excel shows. ``formatted`` are the
    numbers that have other digits or marks than their value, by their format; ``marked`` the texts from which Excel's
    text mark was taken; ``unfolded`` tells that each row was one cell, which was split again. ``struck_rows`` have text
    that is struck through; ``elsewhere`` says how many addresses another sheet has that are not in this one.
    """

    rows: tuple[Row, ...]
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    encoding: str = ""
    separator: str = ""
    without_value: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()
    struck_rows: frozenset[int] = frozenset()
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    formatted: tuple[tuple[int, int], ...] = ()
    marked: tuple[tuple[int, int], ...] = ()
    unfolded: bool = False


Known = Callable[[str], bool]
Suits = Callable[[Sequence[Row]], int]


def read_table(path: Path, shown: str, known: Known = lambda cell: False, suits: Suits | None = None) -> Table:
    """Read a file of rows as Excel shows them.

    All cells are texts, not yet cleaned. Of a workbook, the visible sheet that suits best is read, the first of them if
    several do. Numbers and dates are written as a Dutch Excel shows them: ``7``, ``7,5``, ``16-4-2020``, ``13:00``,
    ``WAAR``, and by the format of their cell: ``0012``, ``50%``. A cell that is merged over several rows counts for
    each of them. Excel's text marks (``'0012``, ``="0012"``) are taken off. If every row is one cell with the row
    itself in it, the rows in these cells are read.

    :param shown: the file's name in messages.
    :param known: tells if a text is one of the expected headings; this decides between separators of a text file.
    :param suits: returns how well the first rows of a sheet suit; by default, the most known headings in one row.
    :raises UserError: if the file cannot be read as a table, with what to do.
    """
    data = _bytes(path, shown)
    if not data.strip():
        raise user_error(shown, _("the file is empty"), _("save the list again, with its headings"))
    if data.startswith(_WORKBOOKS):
        table = _read_workbook(data, shown, suits or (lambda rows: _most_headings(rows, known)))
    else:
        text, encoding = decode(data, shown)
        separator, records = split(text, shown, known)
        table = Table(tuple(Row(number, cells) for number, cells in records), encoding=encoding, separator=separator)
    return _unmarked(_unfolded(table, known))


def _most_headings(rows: Sequence[Row], known: Known) -> int:
    return max((sum(map(known, row.cells)) for row in rows), default=0)


def _unfolded(table: Table, known: Known) -> Table:
    """Return the table with the rows that are inside single cells, if it has such rows.

    A program that put quotation marks around whole lines makes them, and so does Excel if it opens a text file with
    another separator than its own.
    """
    if sum(map(_is_single, table.rows[:_SAMPLE])) * 2 < len(table.rows[:_SAMPLE]):
        return table
    single = [row for row in table.rows if _is_single(row)]
    if not single:
        return table
    headings = max(table.rows[:_TOP], key=lambda row: sum(map(known, row.cells)))
    found = sum(map(known, headings.cells))
    for separator in SEPARATORS:
        inside = {row.number: cells for row in single if (cells := _inside(row.cells[0], separator))}
        rows = tuple(replace(row, cells=inside.get(row.number, row.cells)) for row in table.rows)
        of_one_width = sum(len(cells) == len(headings.cells) > 2 for cells in inside.values())
        if _most_headings(rows[:_TOP], known) > max(found, 1) or (found > 1 and of_one_width * 2 > len(single)):
            return replace(table, rows=rows, separator="" if table.sheet else separator, unfolded=True)
    return table


def _is_single(row: Row) -> bool:
    return bool(row.cells and row.cells[0].strip()) and not any(cell.strip() for cell in row.cells[1:])


def _inside(text: str, separator: str) -> tuple[str, ...]:
    """Return the cells inside a cell; none if it is not a row."""
    if "\n" in text or separator not in text:
        return ()
    try:
        (cells,) = csv.reader([text], delimiter=separator, strict=True)
    except (csv.Error, ValueError):
        return ()
    return tuple(cells)


# Letters that Dutch writes behind an apostrophe at the start of a word: 't Hart, 's-Hertogenbosch, 'n.
_ELISION = re.compile(r"'(?:[tnTN](?![a-z])|[sS](?=[-\s]|$))")
_FORMULA = re.compile(r'="((?:[^"]|"")*)"')


def unmarked(text: str) -> str:
    """Return a text without the mark by which Excel knows a text.

    >>> unmarked("'0012"), unmarked('="0012"'), unmarked("'t Hart"), unmarked("'s-Gravenhage"), unmarked("'s")
    ('0012', '0012', "'t Hart", "'s-Gravenhage", "'s")
    """
    if text[:1] == "=" and (formula := _FORMULA.fullmatch(text.strip())):
        return formula[1].replace('""', '"')
    if text[:1] == "'" and text[1:].strip() and not text.rstrip().endswith("'") and not _ELISION.match(text):
        return text[1:]
    return text


def _unmarked(table: Table) -> Table:
    marked = [
        (row.number, column)
        for row in table.rows
        for column, cell in enumerate(row.cells)
        if cell[:1] in ("'", "=") and unmarked(cell) != cell
    ]
    if not marked:
        return table
    touched = {row for row, _column in marked}
    rows = (replace(row, cells=tuple(map(unmarked, row.cells))) if row.number in touched else row for row in table.rows)
    return replace(table, rows=tuple(rows), marked=tuple(marked))


def _bytes(path: Path, shown: str) -> bytes:
    if reason := no_ordinary_file(path):
        raise user_error(shown, _("the file cannot be read: %(reason)s"), reason=reason)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise user_error(shown, _("the file is not there"), _("save it there, or give its right name")) from None
    except PermissionError:
        raise user_error(
            shown, _("the file may not be read"), _("close it in Excel, or give yourself the right to read it")
        ) from None
    except OSError as error:
        raise user_error(shown, _("the file cannot be read: %(reason)s"), reason=reason_of(error)) from None
    if len(data) > LARGEST_FILE:
        raise user_error(
            shown,
            _("the file is larger than %(megabytes)d MB, and no list is"),
            _("copy the rows of the list into a new workbook and save that"),
            megabytes=LARGEST_FILE >> 20,
        )
    return data


def _read_workbook(data: bytes, shown: str, suits: Suits) -> Table:
    # Most lists are text: they do not need it.
    from mkwmail.members import workbook

    workbook.refuse_older(data, shown)
    parts = workbook.unpack(data, shown)
    contents = workbook.sheet_parts(parts, shown)
    styles = workbook.cell_styles(parts)
    try:
        with CalamineWorkbook.from_filelike(workbook.repack(parts)) as book:
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
            ]
            looks = [workbook.look_through(name, contents[name], shown, styles) for name in visible]
            filled = [look for look in looks if look.filled]
            if not filled:
                return Table(())
            sheets = {look.name: book.get_sheet_by_name(look.name) for look in filled}
            best = filled[0]
            if len(filled) > 1:
                tops = {name: sheet.to_python(skip_empty_area=False, nrows=_TOP) for name, sheet in sheets.items()}
                best = max(filled, key=lambda look: suits(_rows(_grid(tops[look.name], look))))
            table = _table(sheets[best.name], best, [look.name for look in filled if look is not best])
            return replace(table, elsewhere=_elsewhere(table, sheets)) if len(filled) > 1 else table
    except (CalamineError, KeyError, OSError, ValueError, OverflowError):
        raise workbook.damaged(shown) from None


def _elsewhere(table: Table, sheets: Mapping[str, CalamineSheet]) -> dict[str, int]:
    """Return the other sheets with addresses that are not in the table: members may be there too."""
    known = {cell.strip().casefold() for row in table.rows for cell in row.cells if "@" in cell}
    found = {}
    for name in table.other_sheets:
        cells = (cell for row in sheets[name].to_python() for cell in row if isinstance(cell, str) and "@" in cell)
        found[name] = len({cell.strip().casefold() for cell in cells} - known)
    return {name: count for name, count in found.items() if count}


def _table(sheet: CalamineSheet, look: "workbook.Sheet", others: Sequence[str]) -> Table:
    values = sheet.to_python(skip_empty_area=False)
    grid = _grid(values, look)
    formatted = tuple(
        (row, column) for row, column in look.formats if grid[row - 1][column] != as_text(values[row - 1][column])
    )
    _fill_merged(grid, sheet.merged_cell_ranges or ())
    lacking = {row for row, _column in look.without_value}
    return Table(
        tuple(row for row in _rows(grid) if row.number in lacking or any(cell.strip() for cell in row.cells)),
        sheet=look.name,
        other_sheets=tuple(others),
        without_value=look.without_value,
        hidden_rows=look.hidden,
        struck_rows=look.struck,
        formatted=formatted,
    )


def _rows(grid: Iterable[Sequence[str]]) -> list[Row]:
    return [Row(number, tuple(cells)) for number, cells in enumerate(grid, start=1)]


def _grid(values: Sequence[Sequence[Cell]], look: "workbook.Sheet") -> list[list[str]]:
    return [
        [as_text(value, look.formats.get((number, column), "")) for column, value in enumerate(cells)]
        for number, cells in enumerate(values, start=1)
    ]


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


def as_text(value: Cell, code: str = "") -> str:
    """Return a value as a Dutch Excel shows it.

    The format is Excel's general format, or its short formats of date and time.

    :param code: the format of the cell, if it is another; it counts for numbers only.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "WAAR" if value else "ONWAAR"
    if isinstance(value, int | float):
        return (_formatted(value, code) if code and math.isfinite(value) else None) or _number(value)
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


def _formatted(value: int | float, code: str) -> str | None:
    # Hardly any list needs it.
    from mkwmail.members.workbook import shown_number

    shown = shown_number(value, code)
    return shown.strip() if shown is not None else None


def _number(value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isfinite(value) and value.is_integer() and abs(value) < 1e20:
        return str(int(value))
    return f"{value:.15g}".replace(".", ",")  # 15 digits: all that Excel keeps of a number


_MOST_PLACES = 5  # lines with broken letters that are named
_AROUND = 20  # characters before and after a broken letter that are shown

_SMALL, _CAPITALS = "àáâäåæçèéêëìíîïñòóôöøœßùúûüÿšžý", "ÀÁÂÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖØŒÙÚÛÜŸŠŽÝ"
_USUAL = "éëïöüèáóçÉËÏÖÜÈ"  # in Dutch names
_RARE = "šžœŠŽŒŸ"  # in Windows-1252; where Mac Roman has ö, û, ú, ä, é, å and ü
_OPENING, _CLOSING, _BETWEEN = "“‘„«‹", "”»›…™®©", "’"  # marks before, behind and between the letters of words
_DASHES = "–—"  # Noord–Zuid
_BROKEN = re.compile("[\udc80-\udcff]+")


def _decode_eight_bits(data: bytes, shown: str) -> tuple[str | None, str]:
    """Return a text that is neither UTF-8 nor UTF-16, and the name of its encoding; None if it is not known.

    :raises UserError: if it is UTF-8 with broken letters, or if it cannot be decided between Windows, Mac and DOS.
    """
    _refuse_broken(data, shown)
    text, encoding = _of_windows_or_mac(data, shown)
    if text is not None:
        _refuse_dos(data, text, encoding, shown)
    return text, encoding


def _refuse_dos(data: bytes, text: str, encoding: str, shown: str) -> None:
    """Refuse a text of which the letters are more usual in Dutch if DOS wrote them, as Excel's "CSV (MS-DOS)" does.

    The "ë" of DOS is the "â" of Mac Roman, and its "é" a mark of Windows-1252.
    """
    dos = data.decode("cp850")
    if _unlikely(dos) or not all(char.isascii() or char in _USUAL for char in dos):
        return
    for place, char in enumerate(text):
        rare = encoding == "Mac Roman" and char.isalpha() and char not in _USUAL
        if not char.isascii() and (rare or not _is_likely(char, text[place - 1 : place], text[place + 1 : place + 2])):
            fault = _('the letters of the file can be read in two ways: "%(dos)s" (DOS) or "%(other)s" (%(encoding)s)')
            words = {"dos": _around(dos, place), "other": _around(text, place), "encoding": encoding}
            raise _two_ways(shown, fault % words)


def _two_ways(shown: str, fault: str) -> UserError:
    return user_error(shown, fault, _('save it in Excel as "CSV UTF-8" or as .xlsx'))


def _refuse_broken(data: bytes, shown: str) -> None:
    """Refuse UTF-8 with some broken letters.

    It is UTF-8 if a BOM says so, or if more of its letters outside ASCII are right than wrong.
    """
    text = data.decode("utf-8", "surrogateescape")  # which gives a surrogate for every octet that is not UTF-8
    places = list(_BROKEN.finditer(text))
    right = sum(not char.isascii() for char in text) - sum(len(place[0]) for place in places)
    if (right == 0 or right < len(places)) and not data.startswith(codecs.BOM_UTF8):
        return
    faults = []
    for place in places[:_MOST_PLACES]:
        line = text.count("\n", 0, place.start()) + 1
        before = re.split(r"[\r\n;,\t]", text[max(place.start() - _AROUND, 0) : place.start()])[-1]
        after = re.split(r"[\r\n;,\t]", text[place.end() : place.end() + _AROUND])[0]
        part = _BROKEN.sub("\ufffd", f"{before}\ufffd{after}").strip()
        faults.append(
            Fault(
                f"{shown}:{line}",
                _('a letter on this line is broken: "%(part)s"') % {"part": shown_value(part)},
                _('type the letter again where the mark � is, and save the list as "CSV UTF-8"'),
            )
        )
    raise UserError(*faults)


def _of_windows_or_mac(data: bytes, shown: str) -> tuple[str | None, str]:
    """Return the text by the encoding in which its letters form words.

    The two encodings give every letter outside ASCII another number, so that text in one of them, read as the other,
    has marks inside words and capitals behind small letters.
    """
    mac = data.decode("mac_roman")
    try:
        windows = data.decode("cp1252")
    except UnicodeError:
        windows = None
    of_mac = _unlikely(mac)
    if windows is None:
        return (mac if of_mac == 0 else None), "Mac Roman"
    of_windows = _unlikely(windows)
    if of_mac < of_windows:
        return mac, "Mac Roman"
    if of_mac == of_windows and (pair := _two_readings(windows, mac)):
        fault = _('the letters of the file can be read in two ways: "%(windows)s" (Windows) or "%(mac)s" (Mac)')
        raise _two_ways(shown, fault % {"windows": shown_value(pair[0]), "mac": shown_value(pair[1])})
    return windows, "Windows-1252"


def _unlikely(text: str) -> int:
    """Return the number of characters outside ASCII that are unlikely where they are."""
    return sum(
        not _is_likely(char, text[place - 1 : place], text[place + 1 : place + 2])
        for place, char in enumerate(text)
        if not char.isascii()
    )


def _is_likely(char: str, before: str, after: str) -> bool:
    if char in _SMALL:
        return not before.isupper() or after.islower()
    if char in _CAPITALS:
        return not before.islower() and not (before.isalpha() and after.islower())
    if char in _OPENING:
        return not before.isalpha()
    if char in _CLOSING:
        return not after.isalpha()
    if char in _DASHES:
        return not (before.islower() and after.islower())
    return char in _BETWEEN or (char.isprintable() and not (before.isalpha() or after.isalpha()))


def _two_readings(windows: str, mac: str) -> tuple[str, str] | None:
    """Return a word that is likely in both encodings, as each of them reads it.

    Only letters that are rare in Dutch make Windows-1252 doubtful.
    """
    for place, (one, other) in enumerate(zip(windows, mac, strict=True)):
        if one in _RARE and other in _SMALL + _CAPITALS:
            return _around(windows, place), _around(mac, place)
    return None


def _around(text: str, place: int) -> str:
    """Return the cell around a place, for a message."""
    start = max(map(text.rfind, ";,\t\r\n", [0] * 5, [place] * 5)) + 1
    end = min((found for mark in ";,\t\r\n" if (found := text.find(mark, place)) >= 0), default=len(text))
    return shown_value(text[start:end])
