"""Parts of an .xlsx file (ECMA-376), unpacked and checked within limits.

python-calamine allocates memory for the whole rectangle up to the last cell, so one stray cell in the last corner of
a sheet ends the process; so does a false count of shared texts. And it gives an empty text for an error, and for a
formula without a saved result. Therefore the parts are unpacked here within limits and inspected once, before
python-calamine reads them."""

import io
import posixpath
import re
import struct
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from mkwmail.errors import UserError, user_error
from mkwmail.i18n import _

LARGEST_CONTENT = 64 << 20  # octets of all parts, unpacked: some 200,000 rows
MOST_CELLS = 2_000_000  # in the rectangle from A1 to the last filled cell

_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_COUNTING_TAG = re.compile(rb"<[^<>]*\s(?:uniqueCount|count)\s*=[^<>]*>")
_COUNT = re.compile(rb"\s(?:uniqueCount|count)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls and of every encrypted Office file (MS-CFB §2.2)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # MS-OFFCRYPTO §2.3.4.4
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
)

Parts = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Properties of a worksheet, with rows counted from 1, columns from 0.

    ``without_value`` holds the filled cells that are read as empty: ``""`` for a formula whose result was not saved,
    else the error that Excel shows. ``hidden`` are the filled rows that Excel does not show, ``struck`` those with text
    that is struck through. ``formats`` has the format of each number that is not shown in Excel's general format.
    """

    name: str
    filled: int
    rows: int
    columns: int
    without_value: Mapping[tuple[int, int], str]
    hidden: frozenset[int]
    formats: Mapping[tuple[int, int], str]
    struck: frozenset[int]


class Style(NamedTuple):
    """How cells of a style are shown.

    ``code`` is the number format; it is empty for the general format and for formats of dates that have a number only
    (ECMA-376 part 1 §18.8.10).
    """

    code: str = ""
    struck: bool = False


def damaged(shown: str) -> UserError:
    """Return the fault of a workbook that cannot be read."""
    return user_error(
        shown,
        _("the workbook is damaged, or is not an Excel workbook"),
        _("open it in Excel and save it again as .xlsx, or use an earlier copy"),
    )


def refuse_older(data: bytes, shown: str) -> None:
    """Refuse workbooks that are not a zip archive.

    :raises UserError: if the workbook has a password, or is of Excel 97-2003.
    """
    if not data.startswith(_OLE):
        return
    if _ENCRYPTED in data:
        raise user_error(
            shown,
            _("the workbook has a password"),
            _("open it in Excel, take the password off (File > Info > Protect Workbook) and save it"),
        )
    raise user_error(
        shown, _("the file is a workbook of Excel 97-2003 (.xls)"), _("open it in Excel and save it as .xlsx")
    )


def unpack(data: bytes, shown: str) -> Parts:
    """Return the XML parts by name, without pictures and other files.

    :raises UserError: if the archive is damaged, is larger than a list can be, or is another kind of workbook.
    """
    parts: dict[str, bytes] = {}
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {entry.filename.replace("\\", "/"): entry for entry in archive.infolist()}
            _refuse_other_kinds(names.keys(), shown)
            for name, entry in names.items():
                if name.endswith((".xml", ".rels")):
                    size += entry.file_size
                    if size > LARGEST_CONTENT:
                        raise _too_large(shown)
                    # zipfile returns at most the declared size and checks it: if it is false, the archive is damaged.
                    parts[name] = _without_counts(archive.read(entry))
    except _BROKEN:
        raise damaged(shown) from None
    return parts


def _refuse_other_kinds(names: Collection[str], shown: str) -> None:
    if "content.xml" in names and "mimetype" in names:
        kind = _("the file is a workbook of LibreOffice (.ods)")
    elif "xl/workbook.bin" in names:
        kind = _("the file is a binary workbook (.xlsb)")
    elif not any(name.startswith("xl/") for name in names):
        kind = _("the file is an archive without an Excel workbook in it")
    else:
        return
    raise user_error(shown, kind, _("open it in Excel or LibreOffice and save it as .xlsx"))


def _without_counts(content: bytes) -> bytes:
    """Return the part without the counts in its tags.

    They are optional, but python-calamine trusts them.

    :raises ValueError: if the XML is in UTF-16, in which the counts could not be found; Excel writes UTF-8.
    """
    if b"\0" in content:
        raise ValueError("not UTF-8")
    return _COUNTING_TAG.sub(lambda tag: _COUNT.sub(b"", tag[0]), content)


def _too_large(shown: str) -> UserError:
    return user_error(
        shown,
        _("the workbook is larger than a list can be"),
        _("copy the rows of the list into a new workbook and save that"),
    )


def repack(parts: Parts) -> io.BytesIO:
    """Return an archive of only these parts.

    Then python-calamine reads nothing that was not inspected.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def sheet_parts(parts: Parts, shown: str) -> Mapping[str, bytes]:
    """Return the part of every worksheet by the sheet's name.

    They are in the order of the tabs (ECMA-376 part 1 §18.2.19).

    :raises UserError: if the workbook is damaged.
    """
    try:
        book = ElementTree.fromstring(parts["xl/workbook.xml"])
        relations = ElementTree.fromstring(parts["xl/_rels/workbook.xml.rels"])
    except (KeyError, ElementTree.ParseError, ValueError, LookupError):
        raise damaged(shown) from None
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    sheets: dict[str, bytes] = {}
    for element in book.iter():
        if _local(element.tag) != "sheet":
            continue
        identity = next((value for key, value in element.items() if _local(key) == "id"), None)
        path = posixpath.normpath(posixpath.join("/xl", targets.get(identity, ""))).lstrip("/")
        if path in parts and (name := element.get("name")):
            sheets[name] = parts[path]
    return sheets


def cell_styles(parts: Parts) -> tuple[Style, ...]:
    """Return the cell styles, in their order; none if the workbook has none (ECMA-376 part 1 §18.8)."""
    try:
        root = ElementTree.fromstring(parts["xl/styles.xml"])
    except (KeyError, ElementTree.ParseError, ValueError, LookupError):
        return ()
    codes = {str(number): code for number, code in BUILT_IN.items()}
    struck: list[bool] = []
    styles: tuple[Style, ...] = ()
    for element in root:
        if _local(element.tag) == "numFmts":
            codes |= {each.get("numFmtId", ""): each.get("formatCode", "") for each in element}
        elif _local(element.tag) == "fonts":
            struck = [any(map(_is_strike, font)) for font in element]
        elif _local(element.tag) == "cellXfs":
            styles = tuple(
                Style(codes.get(each.get("numFmtId", ""), ""), _at(struck, each.get("fontId", ""))) for each in element
            )
    return tuple(each._replace(code="") if each.code.casefold() == "general" else each for each in styles)


def _is_strike(element: ElementTree.Element) -> bool:
    return _local(element.tag) == "strike" and element.get("val", "1") in ("1", "true")


def _at(struck: Sequence[bool], font: str) -> bool:
    return font.isdecimal() and int(font) < len(struck) and struck[int(font)]


def look_through(name: str, content: bytes, shown: str, styles: Sequence[Style] = ()) -> Sheet:
    """Return the properties of a worksheet from its part.

    :param styles: the cell styles (:func:`cell_styles`).
    :raises UserError: if the part is damaged, or its last cell is too far out for a list.
    """
    try:
        sheet = _look_through(name, content, styles)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise damaged(shown) from None
    if sheet.rows * sheet.columns > MOST_CELLS:
        raise user_error(
            f"{shown}:{sheet.rows}",
            _("a cell is filled far outside the list, in sheet %(sheet)s"),
            _("clear it, or copy the rows of the list into a new workbook and save that"),
            sheet=name,
        )
    return sheet


def _look_through(name: str, content: bytes, styles: Sequence[Style]) -> Sheet:
    rows = columns = filled = row = column = 0
    without_value: dict[tuple[int, int], str] = {}
    hidden: set[int] = set()
    struck: set[int] = set()
    formats: dict[tuple[int, int], str] = {}
    row_hidden = False
    for event, element in ElementTree.iterparse(io.BytesIO(content), events=("start", "end")):
        tag = _local(element.tag)
        if tag == "row" and event == "start":
            row = int(element.get("r", row + 1))
            column = 0
            row_hidden = element.get("hidden") in ("1", "true") or _is_zero(element.get("ht"))
        elif tag == "c" and event == "end":
            row, column = _position(element.get("r"), row, column)
            lack = _lack(element)
            if lack is not None:
                without_value[row, column] = lack
            has_value = _has_value(element)
            style = _style(element, styles)
            if has_value and style.code and element.get("t", "n") == "n":
                formats[row, column] = style.code
            if has_value and style.struck:
                struck.add(row)
            if lack is not None or has_value:
                filled += 1
                rows, columns = max(rows, row), max(columns, column + 1)
                hidden.update({row} if row_hidden else ())
            column += 1
        elif tag == "row":
            element.clear()
    return Sheet(name, filled, rows, columns, without_value, frozenset(hidden), formats, frozenset(struck))


def _style(cell: ElementTree.Element, styles: Sequence[Style]) -> Style:
    number = cell.get("s", "")
    return styles[int(number)] if number.isdecimal() and int(number) < len(styles) else Style()


def _is_zero(height: str | None) -> bool:
    return height is not None and float(height) == 0


def _position(reference: str | None, row: int, column: int) -> tuple[int, int]:
    if reference is None:  # optional: if absent, the cell follows the previous one (ECMA-376 part 1 §18.3.1.4)
        return row, column
    match = _CELL.fullmatch(reference)
    if not match:
        raise ValueError(reference)
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), number - 1


def _has_value(cell: ElementTree.Element) -> bool:
    return any(_local(child.tag) in ("v", "is") and (child.text or len(child)) for child in cell)


def _lack(cell: ElementTree.Element) -> str | None:
    values = {_local(child.tag): child.text or "" for child in cell}
    if cell.get("t") == "e":
        return values.get("v") or "#N/A"
    # A formula whose result is an empty text has the type str; one that was never calculated has no result.
    if "f" in values and not values.get("v") and cell.get("t") != "str":
        return ""
    return None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


#: The formats that a workbook names by number only (ECMA-376 part 1 §18.8.30), without those of dates.
BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    37: "#,##0 ;(#,##0)",
    38: "#,##0 ;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)",
}

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>General)|(?P<sign>.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?[0-9.]+)")
_CURRENCY = re.compile(r"\$([^-]*)(?:-[0-9A-Fa-f]+)?")
_COLOURS = re.compile(r"(?:black|blue|cyan|green|magenta|red|white|yellow|color\s*[0-9]+)", re.IGNORECASE)
_PLACES = "0#?"
_ELSEWHERE = frozenset("dmyhsbgeaDMYHSBGEA@/")  # of dates, powers of ten, texts and fractions


class _Section(NamedTuple):
    """One of the parts of a format between semicolons.

    ``parts`` are placeholders and the marks ``.``, ``,`` and ``%``, or else literal texts; True marks a literal.
    """

    condition: tuple[str, Decimal] | None
    parts: tuple[tuple[bool, str], ...]


def shown_number(value: float, code: str) -> str | None:
    """Return a number as a cell with this format shows it, in Dutch.

    None if the format shows something else than the number's digits: nothing, a date, a fraction.

    >>> shown_number(12, "0000"), shown_number(0.5, "0%"), shown_number(612345678, "00-00000000")
    ('0012', '50%', '06-12345678')
    """
    sections = _sections(code)
    if not sections:
        return None
    number = Decimal(f"{value:.15g}")  # 15 digits: all that Excel keeps of a number
    section, signed = _section_for(number, sections)
    if section is None or not any(not literal and part in _PLACES for literal, part in section.parts):
        return None
    shown = _filled(abs(number), section.parts)
    return f"-{shown}" if signed and number < 0 and re.search(r"[1-9]", shown) else shown


def _section_for(number: Decimal, sections: tuple[_Section, ...]) -> tuple[_Section | None, bool]:
    """Return the section for a number, and whether a minus sign is to be added."""
    if any(section.condition for section in sections):
        for section in sections:
            if section.condition is None or _holds(number, *section.condition):
                return section, True
        return None, False
    if number < 0 and len(sections) > 1:
        return sections[1], False
    return (sections[2] if number == 0 and len(sections) > 2 else sections[0]), True


def _holds(number: Decimal, sign: str, bound: Decimal) -> bool:
    return {
        "<": number < bound,
        "<=": number <= bound,
        ">": number > bound,
        ">=": number >= bound,
        "=": number == bound,
        "<>": number != bound,
    }[sign]


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[_Section, ...]:
    """Return the sections for numbers; none if the format is of another kind."""
    sections: list[_Section] = []
    condition: tuple[str, Decimal] | None = None
    parts: list[tuple[bool, str]] = []
    for token in _TOKEN.finditer(code):
        sign, bracket = token["sign"], token["bracket"]
        if token["quoted"] is not None or token["escaped"]:
            parts.append((True, token["quoted"] or token["escaped"] or ""))
        elif token["general"]:
            return ()
        elif bracket is not None:
            if bound := _CONDITION.fullmatch(bracket):
                condition = (bound[1], Decimal(bound[2]))
            elif money := _CURRENCY.fullmatch(bracket):
                parts.append((True, money[1]))
            elif not _COLOURS.fullmatch(bracket):
                return ()
        elif sign == ";":
            sections.append(_Section(condition, tuple(parts)))
            condition, parts = None, []
        elif sign is None:
            parts.append((True, " "))
        elif sign in _ELSEWHERE:
            if sign == "@" and len(sections) == 3:
                break
            return ()
        else:
            parts.append((sign not in "0#?.,%", sign))
    sections.append(_Section(condition, tuple(parts)))
    return tuple(sections[:3])


def _filled(number: Decimal, parts: tuple[tuple[bool, str], ...]) -> str:
    marks = [part for literal, part in parts if not literal]
    places = [index for index, (literal, part) in enumerate(parts) if not literal and part in _PLACES]
    point = next((index for index, part in enumerate(parts) if part == (False, ".")), len(parts))
    whole = [index for index in places if index < point]
    decimals = [index for index in places if index > point]
    commas = [index for index, part in enumerate(parts) if part == (False, ",")]
    number *= 100 ** marks.count("%")
    # A comma behind the digits divides by a thousand; a comma between them sets marks between the thousands.
    number /= 1000 ** sum(bool(whole) and index > whole[-1] for index in commas)
    grouped = any(whole[0] < index < whole[-1] for index in commas) if whole else False
    rounded = number.quantize(Decimal(1).scaleb(-len(decimals)), rounding=ROUND_HALF_UP)
    before, _point, after = f"{rounded:f}".partition(".")
    texts = dict(_whole(before.lstrip("0"), whole, parts, grouped))
    texts |= dict(_decimals(after, decimals, parts))
    if point < len(parts):
        texts[point] = ","
    return "".join(
        texts.get(index, "") if not literal and part != "%" else part for index, (literal, part) in enumerate(parts)
    )


def _whole(
    digits: str, places: list[int], parts: tuple[tuple[bool, str], ...], grouped: bool
) -> Iterator[tuple[int, str]]:
    """Yield the text at each place before the point, from the last to the first.

    The first place takes all digits that are left.
    """
    done = 0
    for turn, index in enumerate(reversed(places)):
        is_first = turn == len(places) - 1
        digits, taken = ("", digits) if is_first else (digits[:-1], digits[-1:])
        taken = taken or {"0": "0", "#": "", "?": " "}[parts[index][1]]
        text = ""
        for digit in reversed(taken):
            if grouped and done and done % 3 == 0 and digit.isdigit():
                text = f".{text}"
            text = f"{digit}{text}"
            done += digit.isdigit()
        yield index, text


def _decimals(digits: str, places: list[int], parts: tuple[tuple[bool, str], ...]) -> Iterator[tuple[int, str]]:
    significant = len(digits.rstrip("0"))
    for turn, index in enumerate(places):
        digit = digits[turn] if turn < len(digits) else "0"
        yield index, digit if turn < significant or parts[index][1] == "0" else {"#": "", "?": " "}[parts[index][1]]
