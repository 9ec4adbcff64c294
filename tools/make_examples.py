"""Rewrite events/leden-voorbeeld.xlsx from events/leden-voorbeeld.csv, as an Excel user would save it.

Usage: python tools/make_examples.py
"""

import csv
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

EVENTS = Path(__file__).parent.parent / "events"


def write_workbook(source: Path, target: Path) -> None:
    """The rows of a CSV file in Windows-1252 as a workbook: numbers as numbers, the headings bold."""
    with source.open(encoding="cp1252", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    book = Workbook()
    sheet = book.active
    sheet.title = "Leden"
    for row in rows:
        sheet.append([int(cell) if cell.isdigit() else cell or None for cell in row])
    for column, cells in enumerate(zip(*rows, strict=True), start=1):
        sheet.cell(1, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = 2 + max(map(len, cells))
    sheet.freeze_panes = "A2"
    book.properties.creator = "mkwmail"
    book.properties.created = book.properties.modified = datetime(2020, 1, 6, 9)
    book.save(target)


if __name__ == "__main__":
    write_workbook(EVENTS / "leden-voorbeeld.csv", EVENTS / "leden-voorbeeld.xlsx")
