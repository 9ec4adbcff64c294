"""Text files of records: CSV as Dutch Excel, Notepad and web sites write it, and Excel's "Unicode text".

There is no standard that these files keep (RFC 4180 describes some of them), so encoding and separator are found
from the bytes: strict where a guess could lose a record, lenient in nothing else.
"""

import codecs
import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from mkwmail.errors import Fault, UserError
from mkwmail.language import _

SEPARATORS = (";", "\t", ",")
_SAMPLE = 200  # records that the separator is judged by

Records = tuple[tuple[int, tuple[str, ...]], ...]


def decode(data: bytes, shown: str) -> tuple[str, str]:
    """The text and the name of its encoding: UTF-16 or UTF-8 where the bytes say so, else Windows-1252.

    UTF-8 is tried strictly and first: text in Windows-1252 with a letter outside ASCII is practically never valid
    UTF-8, while every UTF-8 file would pass as Windows-1252.

    :raises UserError: where it is neither, or no text at all.
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
    """The separator, and the records with the numbers of their rows in Excel; blank records are left out.

    A record is a row, also when a cell of it has several lines. A first line ``sep=;`` is Excel's own note of the
    separator and no row. ``known`` says whether a cell is a heading that is looked for: where several separators are
    possible, the one that brings most such headings together in one row is it.

    :raises UserError: where quotation marks are not closed, or a cell is larger than any cell can be.
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
    """The lines with their ends, one after the other: io.StringIO would hold four octets for every character."""
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
    """The separator that brings most known headings together, splits most records, gives most columns.

    csv.Sniffer guesses from characters' frequencies and fails on one column. Here ``;`` is the answer where no
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
