"""Files attached to a mailing, and the folder's own, which must not be.

No command overwrites one of the working folder's own files, and no mail has one attached.
"""

import codecs
import csv
import filecmp
import os
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from mkwmail.archive import is_archive
from mkwmail.config.event import Event
from mkwmail.config.folder import ENDINGS, WorkingFolder
from mkwmail.config.settings import Settings
from mkwmail.config.yaml_document import Document, Loc, Plain, read_document
from mkwmail.errors import Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _, nearest
from mkwmail.members.table import SEPARATORS, read_table


class OwnFileKind(Enum):
    """Meaning of a file to its working folder."""

    LIST = auto()
    MAYBE_LIST = auto()  # the settings, which should name the list, do not tell which file it is
    SETTINGS = auto()
    LEDGER = auto()
    LOGO = auto()
    EVENT = auto()
    BESIDE_EVENT = auto()
    TEMPLATE = auto()
    BACKUP = auto()
    PAPER = auto()


def own_words(own: OwnFileKind) -> str:
    """Return a sentence about a file of this kind."""
    return {
        OwnFileKind.LIST: _("this is the member list of this folder"),
        OwnFileKind.MAYBE_LIST: _("mkwmail.yaml cannot be read, so this may be the member list of this folder"),
        OwnFileKind.SETTINGS: _("this is the settings file of this folder"),
        OwnFileKind.LEDGER: _("this is part of the ledger of this folder"),
        OwnFileKind.LOGO: _("this is the logo of this folder"),
        OwnFileKind.EVENT: _("this is an event file, or would be read as one"),
        OwnFileKind.BESIDE_EVENT: _("this file is in events/, with the event files and their attachments"),
        OwnFileKind.TEMPLATE: _("templates/ is for the texts of the mails"),
        OwnFileKind.BACKUP: _("backups/ is for copies of the ledger"),
        OwnFileKind.PAPER: _("papers/ is for certificates and sheets, with people's names"),
    }[own]


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Own files of a working folder at the time of the look-up.

    ``member_list`` is None if the settings do not tell it. All other names are folded paths (see :func:`_folded`), also
    of files that do not exist yet: ``names`` of single files, ``beginnings`` of many; ``events`` and ``root`` begin the
    paths of everything in ``events/`` and in the folder. ``inodes`` are the device and inode of the files that exist: a
    hard link of the member list in ``events/`` is the member list.
    """

    member_list: Path | None
    names: Mapping[str, OwnFileKind]
    beginnings: tuple[tuple[str, OwnFileKind], ...]
    events: str
    root: str
    inodes: Mapping[tuple[int, int], OwnFileKind] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: WorkingFolder) -> "OwnFiles":
        """Look up the own files of a folder."""
        member_list, logo = _named_in_settings(folder)
        files = {folder.settings_path: OwnFileKind.SETTINGS}
        if member_list is not None:
            files[member_list] = OwnFileKind.LIST
        if logo is not None:
            files.setdefault(logo, OwnFileKind.LOGO)
        by_name = cls(
            member_list=member_list,
            names={_folded(path): own for path, own in files.items()},
            beginnings=(
                *((name, OwnFileKind.LEDGER) for name in _ledger_names(folder)),
                (_inside(folder.templates_dir), OwnFileKind.TEMPLATE),
                (_inside(folder.backups_dir), OwnFileKind.BACKUP),
                (_inside(folder.papers_dir), OwnFileKind.PAPER),
            ),
            events=_inside(folder.events_dir),
            root=_inside(folder.path),
        )
        inodes: dict[tuple[int, int], OwnFileKind] = {}
        for path in (*files, *_existing(folder)):
            own, inode = by_name._by_name(path), _inode(path)
            if own is not None and inode is not None:
                inodes.setdefault(inode, own)
        return replace(by_name, inodes=inodes)

    def kind(self, path: Path) -> OwnFileKind | None:
        """Return the meaning of a path to the folder.

        None if it is not one of the folder's own files. Links are followed, names are compared without regard to case,
        as many file systems do, and another name of the same file (a hard link) is the same file.
        """
        inode = _inode(path)
        own = (self.inodes.get(inode) if inode is not None else None) or self._by_name(path)
        if own is None and self.member_list is None and path.is_file():
            return OwnFileKind.MAYBE_LIST
        return own

    def is_kept(self, directory: Path) -> bool:
        """Return whether a directory is for own files only.

        That is ``events/``, ``templates/``, ``backups/``, ``papers/`` or a directory below one of them.
        """
        kept = [name for name, own in self.beginnings if own is not OwnFileKind.LEDGER]
        return _inside(directory).startswith((self.events, *kept))

    def _by_name(self, path: Path) -> OwnFileKind | None:
        # The path with and without links followed: a template may be a link to a file elsewhere.
        both = (_folded(path), _inside(path.parent) + _folded_name(path.name))
        return next((own for name in both if (own := self._named(name, path)) is not None), None)

    def _named(self, name: str, path: Path) -> OwnFileKind | None:
        if name in self.names:
            return self.names[name]
        for beginning, own in self.beginnings:
            if name.startswith(beginning):
                return own
        if name.endswith(ENDINGS) and name.startswith((self.root, self.events)):
            return OwnFileKind.EVENT
        return OwnFileKind.BESIDE_EVENT if name.startswith(self.events) and os.path.lexists(path) else None


def _folded(path: Path) -> str:
    """Return the target of a path, folded for comparison.

    All spellings that a file system may take for the same name become equal.
    """
    return _folded_name(os.path.realpath(path))


def _folded_name(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _inside(directory: Path) -> str:
    """Return the beginning of the folded path of all files in a directory."""
    return _folded(directory) + os.sep


def _ledger_names(folder: WorkingFolder) -> Iterator[str]:
    """Return the folded paths with which the ledgers' files begin.

    They are next to a link to the ledger, and next to the file that it leads to.
    """
    for test in (False, True):
        for path in (folder.ledger_path(test), folder.id_path(test)):
            yield _folded(path)
            yield _inside(path.parent) + path.name


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # Some file systems on Windows do not number files.
    return (found.st_dev, found.st_ino) if found.st_ino else None


def _existing(folder: WorkingFolder) -> Iterator[Path]:
    """Return the files in the folder, and all that is in its directories."""
    with suppress(OSError):
        yield from folder.path.iterdir()
    # A file in events/ may be mailed; another name of it, in one of the other folders, may not.
    for directory in (folder.templates_dir, folder.backups_dir, folder.papers_dir, folder.events_dir):
        yield from directory.rglob("*")


def _named_in_settings(folder: WorkingFolder) -> tuple[Path | None, Path | None]:
    """Return the member list and the logo that the settings name. Other faults of the settings do not matter."""
    try:
        fields = read_document(folder.settings_path, "").plain()
    except UserError:
        return None, None
    written = fields if isinstance(fields, dict) else {}
    members = written.get("members")
    return (
        _path_of(Settings.model_fields["members"].default if members is None else members, folder),
        _path_of(written.get("logo"), folder),
    )


def _path_of(written: Plain, folder: WorkingFolder) -> Path | None:
    return folder.path / written.strip() if isinstance(written, str) and written.strip() else None


_START = 64 * 1024  # octets; they contain every sign by which an export is recognised
_TOP = 20  # rows that are searched for the headings

# Headings that no other table has, in every language of the program: all of those of `status --csv` together, or a
# single one of those of `answers list --csv`.
_STATUS = ({"mailing", "address", "state", "moment", "reason"}, {"mailing", "adres", "toestand", "tijdstip", "reden"})
_ANSWERS = re.compile(r"answer when listed|antwoord toen de lijst werd gemaakt")
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
                yield from (_folded_cells(row.cells) for row in read_table(path, path.name).rows[:_TOP])
        return
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    # The headings are ASCII, so other characters that cannot be decoded do not matter.
    for line in start.decode(encoding, errors="replace").splitlines()[:_TOP]:
        for separator in SEPARATORS:
            with suppress(csv.Error):
                yield from (_folded_cells(cells) for cells in csv.reader([line], delimiter=separator))


def _folded_cells(cells: Iterable[str]) -> set[str]:
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
_HARMLESS = (OwnFileKind.BESIDE_EVENT, OwnFileKind.LOGO, OwnFileKind.MAYBE_LIST)


def attachment_path(event_path: Path, name: str) -> Path:
    """Return the path of an attachment named in an event file."""
    return event_path.parent / name


def attachment_faults(
    names: Sequence[tuple[int, str]], loc: Loc, document: Document, folder: WorkingFolder, event_path: Path
) -> Iterator[Fault]:
    """Return the faults of a mailing's attachments, given with their numbers in the file.

    A file may be absent, empty, outside the folder, not for members, or too large.
    """
    total = 0
    own_files = OwnFiles.of(folder) if names else None
    for number, name in names:
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
        fault = _("together the files are %(size).1f MB, and a mail can carry at most %(limit)d MB")
        words = {"size": total / 1_000_000, "limit": MOST_BYTES // 1_000_000}
        yield Fault(
            document.place(loc), f"attachments: {fault % words}", _("make them smaller, or link to them in the text")
        )


def why_not_attached(name: str, folder: WorkingFolder, event_path: Path, own_files: OwnFiles) -> tuple[str, str]:
    """Return why a file cannot be attached, and the name that may be meant.

    The name is empty if it is unknown; both are empty if the file can be attached.
    """
    fault, instead = _refusal(name, folder, event_path)
    if fault:
        return fault, instead
    path = attachment_path(event_path, name)
    why = _why_not_for_members(path, own_files)
    if why:
        return _('"%(name)s" is not mailed: %(why)s') % {"name": name, "why": why}, ""
    if path.stat().st_size > MOST_BYTES:
        fault = _('"%(name)s" is %(size).1f MB, and a mail can carry at most %(limit)d MB')
        words = {"name": name, "size": path.stat().st_size / 1_000_000, "limit": MOST_BYTES // 1_000_000}
        return fault % words, ""
    return "", ""


def _refusal(name: str, folder: WorkingFolder, event_path: Path) -> tuple[str, str]:
    """Return why a file cannot be attached, and the name to write instead.

    The name is empty if it is unknown; both are empty if the file can be attached.
    """
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.startswith(("~", "\\")):
        fault = _('"%(name)s" must be relative to the folder of the event file, and inside the working folder')
        return fault % {"name": name}, ""
    if "\\" in name:
        return _('"%(name)s": use / between folders here') % {"name": name}, name.replace("\\", "/")
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
    """Return why a file is only for the secretary, not for members. It is empty if the file may be mailed."""
    own = own_files.kind(path)
    if own is not None and own not in _HARMLESS:
        return own_words(own)
    member_list = own_files.member_list
    try:
        if is_export(path) or (path.is_file() and is_archive(path)):
            return _("mkwmail made this file for you, not for the members")
        if member_list is not None and member_list.is_file() and filecmp.cmp(path, member_list, shallow=False):
            return _("this is a copy of the member list")
    except OSError as error:
        return reason_of(error)
    return ""


MOST_PICTURE_BYTES = 300_000
_PICTURE = re.compile(r"!\[(?P<words>[^\]\n]*)\]\((?:<(?P<quoted>[^<>\n]+)>|(?P<bare>[^\s()<>]+))(?=[\s)])")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.IGNORECASE)


def _pictures(text: str) -> Iterator[re.Match[str]]:
    """Yield the Markdown of each picture that is a file; other addresses are links."""
    return (found for found in _PICTURE.finditer(text) if not _ADDRESS.match(_name_in(found)))


def _name_in(found: re.Match[str]) -> str:
    return unquote(found["quoted"] or found["bare"])


def picture_faults(document: Document, folder: WorkingFolder, event_path: Path) -> Iterator[Fault]:
    """Return the faults of the pictures in an event's texts: ``![words](foto.png)``.

    A picture needs words for those who do not see it, and must be a small PNG, JPEG or GIF in the folder.
    """
    for _loc, node, text in document.texts():
        for found in _pictures(text):
            name = _name_in(found)
            fault, remedy = _picture_fault(name, found["words"], folder, event_path)
            if fault:
                place, line = document.find(node, found[0])
                repaired = line.replace(name, remedy, 1) if remedy else ""
                yield Fault(place, _("picture: %(fault)s") % {"fault": fault}, repaired)


def _picture_fault(name: str, words: str, folder: WorkingFolder, event_path: Path) -> tuple[str, str]:
    fault, instead = _refusal(name, folder, event_path)
    if fault:
        return fault, instead
    path = attachment_path(event_path, name)
    data = path.read_bytes()
    if picture_width(data) is None:
        return _('"%(name)s" is not a picture that mail programs show: use a PNG, JPEG or GIF') % {"name": name}, ""
    if len(data) > MOST_PICTURE_BYTES:
        fault = _('"%(name)s" is %(size)d kB, and a picture in a text may be %(limit)d kB')
        return fault % {"name": name, "size": -(-len(data) // 1000), "limit": MOST_PICTURE_BYTES // 1000}, ""
    if not words.strip():
        return _('"%(name)s" has no words for those who cannot see it') % {"name": name}, ""
    return "", ""


def picture_width(data: bytes) -> int | None:
    """Return the width in pixels of a PNG (§11.2.1), GIF (89a §18) or JPEG (T.81 §B.2.2), or None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return int.from_bytes(data[16:20], "big")
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        return int.from_bytes(data[6:8], "little")
    at = 2 if data.startswith(b"\xff\xd8\xff") else len(data)
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        # A frame's header; C4, C8 and CC are tables that are between them.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big")
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def with_pictures(event: Event, mailing: str, id_of: Callable[[str], str]) -> Event:
    """Return the event with each picture's file in its texts and the mailing's replaced by a ``cid:`` URL (RFC 2392).

    ``id_of`` returns the Content-ID of a file.
    """

    def embedded(text: str | None) -> str | None:
        if text is None:
            return None
        for found in _pictures(text):
            text = text.replace(found[0], f"![{found['words']}](cid:{id_of(_name_in(found))}")
        return text

    entry = event.mailings.get(mailing)
    told = {} if entry is None else {mailing: entry.model_copy(update={"text": embedded(entry.text)})}
    programme = tuple(item.model_copy(update={"description": embedded(item.description)}) for item in event.programme)
    changed = {"introduction": embedded(event.introduction), "programme": programme}
    return event.model_copy(update={**changed, "mailings": {**event.mailings, **told}})
