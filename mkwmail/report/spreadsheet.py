"""A table as a CSV file that Dutch Excel opens with a double click."""

import csv
import io
from collections.abc import Sequence

# What Excel takes for the start of a formula, when it stands first in a cell (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """CSV with byte order mark and ``;``; a cell that Excel would calculate starts with an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")
