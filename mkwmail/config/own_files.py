"""The working folder's own files.

No command overwrites one of them, and no mail has one attached.
"""

import os
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path

from mkwmail.config.folder import ENDINGS, WorkingFolder
from mkwmail.config.settings import Settings
from mkwmail.config.yaml_document import Plain, read_document
from mkwmail.errors import UserError
from mkwmail.i18n import _


class Own(Enum):
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


def own_words(own: Own) -> str:
    """Return a sentence about a file of this kind."""
    match own:
        case Own.LIST:
            return _("this is the member list of this folder")
        case Own.MAYBE_LIST:
            return _("mkwmail.yaml cannot be read, so this may be the member list of this folder")
        case Own.SETTINGS:
            return _("this is the settings file of this folder")
        case Own.LEDGER:
            return _("this is part of the ledger of this folder")
        case Own.LOGO:
            return _("this is the logo of this folder")
        case Own.EVENT:
            return _("this is an event file, or would be read as one")
        case Own.BESIDE_EVENT:
            return _("this file is in events/, with the event files and their attachments")
        case Own.TEMPLATE:
            return _("templates/ is for the texts of the mails")
        case Own.BACKUP:
            return _("backups/ is for copies of the ledger")


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Own files of a working folder at the time of the look-up.

    ``member_list`` is None if the settings do not tell it. All other names are folded paths (see :func:`_folded`), also
    of files that do not exist yet: ``names`` of single files, ``beginnings`` of many; ``events`` and ``root`` begin the
    paths of everything in ``events/`` and in the folder. ``inodes`` are the device and inode of the files that exist: a
    hard link of the member list in ``events/`` is the member list.
    """

    member_list: Path | None
    names: Mapping[str, Own]
    beginnings: tuple[tuple[str, Own], ...]
    events: str
    root: str
    inodes: Mapping[tuple[int, int], Own] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: WorkingFolder) -> "OwnFiles":
        """Look up the own files of a folder."""
        member_list, logo = _named_in_settings(folder)
        files = {folder.settings_path: Own.SETTINGS}
        if member_list is not None:
            files[member_list] = Own.LIST
        if logo is not None:
            files.setdefault(logo, Own.LOGO)
        by_name = cls(
            member_list=member_list,
            names={_folded(path): own for path, own in files.items()},
            beginnings=(
                *((name, Own.LEDGER) for name in _ledger_names(folder)),
                (_inside(folder.templates_dir), Own.TEMPLATE),
                (_inside(folder.backups_dir), Own.BACKUP),
            ),
            events=_inside(folder.events_dir),
            root=_inside(folder.path),
        )
        inodes: dict[tuple[int, int], Own] = {}
        for path in (*files, *_existing(folder)):
            own, inode = by_name._by_name(path), _inode(path)
            if own is not None and inode is not None:
                inodes.setdefault(inode, own)
        return replace(by_name, inodes=inodes)

    def kind(self, path: Path) -> Own | None:
        """Return the meaning of a path to the folder.

        None if it is not one of the folder's own files. Links are followed, names are compared without regard to case,
        as many file systems do, and another name of the same file (a hard link) is the same file.
        """
        inode = _inode(path)
        own = (self.inodes.get(inode) if inode is not None else None) or self._by_name(path)
        if own is None and self.member_list is None and path.is_file():
            return Own.MAYBE_LIST
        return own

    def is_kept(self, directory: Path) -> bool:
        """Return whether a directory is for own files only.

        That is ``events/``, ``templates/``, ``backups/`` or a directory below one of them.
        """
        kept = [name for name, own in self.beginnings if own is not Own.LEDGER]
        return _inside(directory).startswith((self.events, *kept))

    def _by_name(self, path: Path) -> Own | None:
        # The path with and without links followed: a template may be a link to a file elsewhere.
        both = (_folded(path), _inside(path.parent) + _folded_name(path.name))
        return next((own for name in both if (own := self._named(name, path)) is not None), None)

    def _named(self, name: str, path: Path) -> Own | None:
        if name in self.names:
            return self.names[name]
        for beginning, own in self.beginnings:
            if name.startswith(beginning):
                return own
        if name.endswith(ENDINGS) and name.startswith((self.root, self.events)):
            return Own.EVENT
        return Own.BESIDE_EVENT if name.startswith(self.events) and os.path.lexists(path) else None


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
    for directory in (folder.events_dir, folder.templates_dir, folder.backups_dir):
        yield from directory.rglob("*")


def _named_in_settings(folder: WorkingFolder) -> tuple[Path | None, Path | None]:
    """Return the member list and the logo that the settings name.

    Other faults of the settings do not matter.
    """
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
