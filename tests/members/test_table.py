"""Tables: the same texts from all that Excel, Notepad and websites write."""

import io
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from mkwmail.errors import UserError
from mkwmail.members.table import LARGEST_FILE, Table, as_text, read_table

ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Windows-1252", "utf-16": "UTF-16"}


def table_of(folder: Path, data: bytes) -> Table:
    path = folder / "lijst.csv"
    path.write_bytes(data)
    return read_table(path, "lijst.csv")


def fault_of(folder: Path, data: bytes) -> str:
    with pytest.raises(UserError) as caught:
        table_of(folder, data)
    assert all(fault.place.startswith("lijst.csv") for fault in caught.value.faults)
    return str(caught.value)


def rows(table: Table) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.number, row.cells) for row in table.rows]


def new_sheet() -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.Workbook()
    sheet = book.active
    return book, sheet


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_and_separator_gives_the_same_rows(
    tmp_path: Path, encoding: str, separator: str, line_end: str
) -> None:
    cells = [["naam", "e-mail"], ["Renée", "r@x.example.org"], ["“Zoë”", ""]]
    text = line_end.join(separator.join(row) for row in cells) + line_end
    table = table_of(tmp_path, text.encode(encoding))
    assert rows(table) == [(number, tuple(row)) for number, row in enumerate(cells, 1)]
    assert (table.encoding, table.separator) == (ENCODINGS[encoding], separator)


def test_a_row_is_what_excel_numbers_as_one(tmp_path: Path) -> None:
    text = 'naam;plaats\n"Jan\nJansen";"a ""b"""\n\n;\nPiet;"x;y"\n'
    expected = [(1, ("naam", "plaats")), (2, ("Jan\nJansen", 'a "b"')), (5, ("Piet", "x;y"))]
    assert rows(table_of(tmp_path, text.encode())) == expected


@pytest.mark.parametrize("first", ["sep=|\r\n", "SEP=|\n", '"sep=|"\r\n', "\ufeffsep=|\r\n"])
def test_the_line_that_announces_the_separator_is_no_row(tmp_path: Path, first: str) -> None:
    assert rows(table_of(tmp_path, f"{first}a|b;c\r\n".encode())) == [(1, ("a", "b;c"))]


@pytest.mark.parametrize(
    ("text", "separator", "width"),
    [
        ("e-mail\na@x.nl\nb@x.nl\n", ";", 1),
        ("e-mail\na@x,nl\nb@x.nl\nc@x.nl\n", ";", 1),
        ("naam;e-mail\nJansen, Jan;a@x.nl\nPieters, Piet;b@x.nl\n", ";", 2),
        ("Ledenlijst, 6 januari, definitief\n\nnaam;e-mail\nJan;a@x.nl\n", ";", 2),
        ("naam,e-mail\nJan,a@x.nl;b@x.nl\nPiet,c@x.nl\n", ",", 2),
        ("naam\te-mail\nJan, Piet\ta@x.nl\n", "\t", 2),
        ("naam;corporatie;e-mail\nJan;Wonen, Zorg;a@x.nl\nPiet;Huis, Hof;b@x.nl;x\n", ";", 3),
    ],
)
def test_the_separator_is_found_by_what_it_separates(tmp_path: Path, text: str, separator: str, width: int) -> None:
    path = tmp_path / "lijst.csv"
    path.write_text(text)
    table = read_table(path, "lijst.csv", {"naam", "e-mail", "corporatie"}.__contains__)
    assert table.separator == separator
    assert [len(row.cells) for row in table.rows if "e-mail" in row.cells] == [width]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        ("naam;e-mail".encode("utf-16-le"), "NUL"),
        (b"naam\x81;e-mail", "not text"),
        (b"\xff\xfea", "not text"),
        (b'naam;e-mail\n"Jan;a@x.nl\nPiet;b@x.nl\n', "lijst.csv:2: a quotation mark"),
        (b'naam;e-mail\n"Jan" Jansen;a@x.nl\n', "lijst.csv:2: a quotation mark"),
        (b"naam;e-mail\n" + b"x" * 200_000, "lijst.csv:2: a cell of this row is larger"),
        (b"<html><table><tr><td>naam", "web page"),
        (b"x" * (LARGEST_FILE + 1), "larger than 32 MB"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "(.xls)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"PK\x03\x04 and no more", "damaged"),
    ],
)
def test_what_is_no_table_is_said_with_its_place(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in fault_of(tmp_path, data)


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not there"):
        read_table(tmp_path / "geen.csv", "geen.csv")
    with pytest.raises(UserError, match="cannot be read"):
        read_table(tmp_path, "leden")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7,5"),
        (0.1 + 0.2, "0,3"),
        (1234567890123456.0, "1234567890123456"),
        (True, "WAAR"),
        (False, "ONWAAR"),
        (date(2020, 4, 16), "16-4-2020"),
        (datetime(2020, 4, 16), "16-4-2020"),
        (datetime(2020, 4, 16, 13, 5), "16-4-2020 13:05"),
        (time(9), "09:00"),
        (time(9, 0, 5), "09:00:05"),
        (timedelta(hours=30), "30:00"),
        (float("inf"), "inf"),
    ],
)
def test_values_are_shown_as_a_dutch_excel_shows_them(value: int, text: str) -> None:
    assert as_text(value) == text


def test_a_workbook_keeps_excels_row_numbers_and_columns(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    sheet["B4"], sheet["C4"], sheet["B6"], sheet["C6"] = "naam", "nummer", "=SOM", 7
    sheet["B6"].data_type = "s"
    table = table_of(tmp_path, saved(book))
    assert rows(table) == [(4, ("", "naam", "nummer")), (6, ("", "=SOM", "7"))]
    assert table.sheet == "Sheet"


def test_the_first_visible_sheet_with_something_in_it_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title, text in (("Verborgen", "nee"), ("Leden & co", "ja"), ("Oud", "ook niet")):
        book.create_sheet(title)["A1"] = text
    book["Verborgen"].sheet_state = "hidden"
    table = table_of(tmp_path, saved(book))
    assert (table.sheet, rows(table), table.other_sheets) == ("Leden & co", [(1, ("ja",))], ("Oud",))
    assert table_of(tmp_path, saved(openpyxl.Workbook())).rows == ()


def test_formulas_without_an_outcome_and_errors_are_named(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    sheet["A1"], sheet["A2"], sheet["B3"] = "naam", "=A1", "#N/A"
    sheet["B3"].data_type = "e"
    table = table_of(tmp_path, saved(book))
    assert dict(table.without_value) == {(2, 0): "", (3, 1): "#N/A"}
    assert [row.number for row in table.rows] == [1, 2, 3]


def test_merged_cells_count_for_each_row_but_not_for_further_columns(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    for row in (["Ledenlijst", None], ["De Linde", "An"], [None, "Bo"], ["Het Veer", "Cas"]):
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("A2:A3")
    cells = [row.cells for row in table_of(tmp_path, saved(book)).rows]
    assert cells == [("Ledenlijst", ""), ("De Linde", "An"), ("De Linde", "Bo"), ("Het Veer", "Cas")]


def test_hidden_rows_are_read_and_told(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    for name in ("naam", "An", "Bo"):
        sheet.append([name])
    sheet.row_dimensions[2].hidden = True
    table = table_of(tmp_path, saved(book))
    assert (len(table.rows), table.hidden_rows) == (3, frozenset({2}))


def test_a_cell_in_the_last_corner_is_refused_before_it_takes_all_memory(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    sheet["A1"], sheet["XFD1048576"] = "naam", "x"
    assert "far outside" in fault_of(tmp_path, saved(book))


def test_a_false_count_of_shared_texts_is_not_believed(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    sheet["A1"] = 'a text with count="7" in it'
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(book))) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name).replace(b"<cellXfs", b'<cellXfs count="99999999999"')
            content = content.replace(b'count="99999999999" count="1"', b'count="99999999999"')
            target.writestr(name, content)
        kind = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        target.writestr("xl/sharedStrings.xml", f'<sst xmlns="{kind}" count="9" uniqueCount=\'99999999999\'></sst>')
    assert rows(table_of(tmp_path, buffer.getvalue())) == [(1, ('a text with count="7" in it',))]


def test_an_archive_that_unpacks_to_more_than_a_list_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as part:
        for _megabyte in range(65):
            part.write(bytes(1 << 20))
    assert "larger than a list" in fault_of(tmp_path, buffer.getvalue())


def test_macros_are_data_that_nobody_reads(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    sheet.append(["naam", "e-mail"])
    buffer = io.BytesIO()
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    with zipfile.ZipFile(io.BytesIO(saved(book))) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            target.writestr(
                name, source.read(name).replace(kind, b"application/vnd.ms-excel.sheet.macroEnabled.main+xml")
            )
        target.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 1000)
    assert rows(table_of(tmp_path, buffer.getvalue())) == [(1, ("naam", "e-mail"))]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": ""}, "(.ods)"),
        ({"xl/workbook.bin": ""}, "(.xlsb)"),
        ({"leden.csv": "naam"}, "without an Excel workbook"),
        ({"xl/workbook.xml": "<workbook>"}, "damaged"),
        ({"xl/workbook.xml": "<a/>", "xl/_rels/workbook.xml.rels": "<a/>"}, "damaged"),
    ],
)
def test_archives_that_are_no_xlsx_are_told_apart(tmp_path: Path, parts: dict[str, str], said: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert said in fault_of(tmp_path, buffer.getvalue())


def test_a_workbook_cut_short_or_with_a_flipped_byte_never_ends_in_anything_but_a_fault(tmp_path: Path) -> None:
    book, sheet = new_sheet()
    sheet.append(["naam", "e-mail"])
    sheet.append(["An", "an@linde.example.org"])
    whole = saved(book)
    for place in range(0, len(whole), 97):
        spoiled = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        for data in (spoiled, whole[:place] or b"PK"):
            try:
                table_of(tmp_path, data)
            except UserError as error:
                assert error.faults
