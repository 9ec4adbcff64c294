"""Files that mkwmail wrote for its user, known by a mark in their content, so also renamed or copied."""

import codecs
import csv
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mkwmail.errors import UserError
from mkwmail.sources.separated import SEPARATORS
from mkwmail.sources.tables import read_table

_START = 64 * 1024  # octets; every mark is in them
_TOP = 20  # rows in which the headings are looked for

# Headings that are in no other table, in every language spoken: together those of `status --csv`, and each alone the
# one of `answers list --csv`.
_STATUS = (
    {"mailing", "address", "state", "moment", "reason"},
    {"mailing", "adres", "toestand", "tijdstip", "reden"},
)
_ANSWERS = re.compile(r"answer when listed|antwoord bij opmaak")
_GENERATOR = re.compile(rb"""<meta\s+name=["']?generator["']?\s+content=["']?mkwmail\b""", re.IGNORECASE)
# Every mail has both (letters.making, letters.mime), whoever it was kept by.
_MAIL = (
    re.compile(rb"^X-Auto-Response-Suppress: OOF, AutoReply\r?$", re.MULTILINE),
    re.compile(rb"""^Content-Type: multipart/[a-z]+;\s+boundary="=_[0-9a-f]{32}"\r?$""", re.MULTILINE),
)
# SQLite's file format, §1.3: the application id of the ledger at octet 68.
_LEDGER = re.compile(rb"SQLite format 3\0.{52}mkwm", re.DOTALL)


def is_export(path: Path) -> bool:
    """Return whether mkwmail made a file: a table, a page, a mail, or a copy of the ledger.

    A calendar entry is not counted: it is made for everybody. An export that Excel saved as a workbook is.

    :raises OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_START)
    if _LEDGER.match(start) or _GENERATOR.search(start) or all(mark.search(start) for mark in _MAIL):
        return True
    return any(map(_has_our_headings, _rows(path, start)))


def _has_our_headings(row: set[str]) -> bool:
    return any(headings <= row for headings in _STATUS) or any(map(_ANSWERS.fullmatch, row))


def _rows(path: Path, start: bytes) -> Iterator[set[str]]:
    """The first rows of what may be a table, as sets of folded cells; a line of text once for each separator."""
    if start.startswith(b"PK"):
        if _is_workbook(path):
            with suppress(UserError):
                yield from (_folded(row.cells) for row in read_table(path, path.name).rows[:_TOP])
        return
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    # The headings that are looked for are ASCII: whatever else cannot be decoded does not matter.
    for line in start.decode(encoding, errors="replace").splitlines()[:_TOP]:
        for separator in SEPARATORS:
            with suppress(csv.Error):
                yield from (_folded(cells) for cells in csv.reader([line], delimiter=separator))


def _folded(cells: Iterable[str]) -> set[str]:
    return {cell.strip().casefold() for cell in cells}


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return False
