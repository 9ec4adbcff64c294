"""Files attached to a mailing, and the files that must not be."""

import codecs
import csv
import filecmp
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

from mkwmail.config.folder import WorkingFolder
from mkwmail.config.own_files import Own, OwnFiles, own_words
from mkwmail.config.yaml_document import Document, Loc
from mkwmail.errors import Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _
from mkwmail.members.table import SEPARATORS, read_table
from mkwmail.text import nearest

_START = 64 * 1024  # octets; they contain every sign by which an export is recognised
_TOP = 20  # rows that are searched for the headings

# Headings that no other table has, in every language of the program: all of those of `status --csv` together, or a
# single one of those of `answers list --csv`.
_STATUS = (
    {"mailing", "address", "state", "moment", "reason"},
    {"mailing", "adres", "toestand", "tijdstip", "reden"},
)
_ANSWERS = re.compile(r"answer when listed|antwoord bij opmaak")
_GENERATOR = re.compile(rb"""<meta\s+name=["']?generator["']?\s+content=["']?mkwmail\b""", re.IGNORECASE)
# Every mail has both (mail.compose, mail.mime), no matter which program saved it.
_MAIL = (
    re.compile(rb"^X-Auto-Response-Suppress: OOF, AutoReply\r?$", re.MULTILINE),
    re.compile(rb"""^Content-Type: multipart/[a-z]+;\s+boundary="=_[0-9a-f]{32}"\r?$""", re.MULTILINE),
)
# SQLite's file format, §1.3: the application id of the ledger at octet 68.
_LEDGER = re.compile(rb"SQLite format 3\0.{52}mkwm", re.DOTALL)


def is_export(path: Path) -> bool:
    """Return whether mkwmail made a file.

    Such a file is a table (also one that Excel saved as a workbook), a page, a mail or a copy of the ledger. A calendar
    entry does not count, because it is made for everybody.

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
    """Return the first rows of a possible table as sets of folded cells.

    A line of text is returned once for each separator.
    """
    if start.startswith(b"PK"):
        if _is_workbook(path):
            with suppress(UserError):
                yield from (_folded(row.cells) for row in read_table(path, path.name).rows[:_TOP])
        return
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    # The headings are ASCII, so other characters that cannot be decoded do not matter.
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


# Base64 turns it into 14 MB; many servers accept no more than 20 or 25 MB per message.
MOST_BYTES = 10_000_000

# Own files that can be mailed without harm. (If the settings cannot be read, nothing is mailed at all.)
_HARMLESS = (Own.BESIDE_EVENT, Own.LOGO, Own.MAYBE_LIST)


def attachment_path(event_path: Path, name: str) -> Path:
    """Return the path of an attachment named in an event file."""
    return event_path.parent / name


def attachment_faults(
    names: Sequence[str], loc: Loc, document: Document, folder: WorkingFolder, event_path: Path
) -> Iterator[Fault]:
    """Return the faults of a mailing's attachments.

    A file may be absent, empty, outside the folder, not for members, or too large.
    """
    total = 0
    own_files = OwnFiles.of(folder) if names else None
    for number, name in enumerate(names):
        here = (*loc, number) if document.node((*loc, number)) is not None else loc
        fault, remedy = _refusal(name, folder, event_path)
        if fault:
            if remedy:
                remedy = document.repaired(here, name, remedy) or remedy
            yield Fault(document.place(here), f"attachments: {fault}", remedy)
            continue
        path = attachment_path(event_path, name)
        why = _why_not_for_members(path, own_files) if own_files is not None else ""
        if why:
            fault = _('"%(name)s" is not mailed: %(why)s') % {"name": name, "why": why}
            yield Fault(document.place(here), f"attachments: {fault}", _("take it out of the attachments"))
            continue
        total += path.stat().st_size
    if total > MOST_BYTES:
        fault = _("together the files are %(size).1f MB, and a mail may take %(limit)d MB along")
        words = {"size": total / 1_000_000, "limit": MOST_BYTES // 1_000_000}
        yield Fault(
            document.place(loc), f"attachments: {fault % words}", _("make them smaller, or link to them in the text")
        )


def _refusal(name: str, folder: WorkingFolder, event_path: Path) -> tuple[str, str]:
    """Return why a file cannot be attached, and the name to write instead.

    The name is empty if it is unknown; both are empty if the file can be attached.
    """
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.startswith(("~", "\\")):
        fault = _('"%(name)s" must be named from the folder of the event\'s file on, inside the working folder')
        return fault % {"name": name}, ""
    if "\\" in name:
        return _('"%(name)s": folders are divided by / here') % {"name": name}, name.replace("\\", "/")
    path = attachment_path(event_path, name)
    try:
        if not folder.holds(path):
            return _('"%(name)s" lies outside the working folder, so it is not mailed') % {"name": name}, ""
        if not path.is_file():
            there = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
            near = nearest(path.name, [other for other in there if (path.parent / other).is_file()])
            instead = str(PurePosixPath(name).with_name(near)) if near else ""
            fault = _('there is no file "%(name)s" in %(folder)s')
            return fault % {"name": path.name, "folder": folder.shown(path.parent)}, instead
        with path.open("rb") as file:
            empty = not file.read(1)
    except (OSError, ValueError, RuntimeError) as error:
        return _('"%(name)s" cannot be read: %(reason)s') % {"name": name, "reason": error}, ""
    return (_('"%(name)s" is an empty file') % {"name": name}, "") if empty else ("", "")


def _why_not_for_members(path: Path, own_files: OwnFiles) -> str:
    """Return why a file is only for the secretary, not for members.

    It is empty if the file may be mailed.
    """
    own = own_files.kind(path)
    if own is not None and own not in _HARMLESS:
        return own_words(own)
    member_list = own_files.member_list
    try:
        if is_export(path):
            return _("mkwmail made this file for you, not for the members")
        if member_list is not None and member_list.is_file() and filecmp.cmp(path, member_list, shallow=False):
            return _("this is a copy of the member list")
    except OSError as error:
        return reason_of(error)
    return ""
