"""Working folder with settings, events, templates, list and ledger."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import read_bytes, reason_of, shipped, state_folder, text_of, write_private
from mkwmail.i18n import _, nearest, suggestion

SETTINGS = "mkwmail.yaml"

# The id of the example event and the name of the example list, of which `init` makes copies.
EXAMPLE_ID = "directeurendag-2020"
EXAMPLE_EVENT = "2020-04-16-directeurendag.yaml"
EXAMPLE_MEMBERS = "leden-voorbeeld.csv"
VARIABLE = "MKWMAIL_FOLDER"
ENDINGS = (".yaml", ".yml")  # of event files

#: The templates that every mail uses, besides its own.
SHARED_TEMPLATES = (
    *("signature.md", "footer.md", "calendar.txt", "phrases.md", "blocks.html", "blocks.txt"),
    *("layout.html", "layout.txt", "mail.css"),
)
TEMPLATE_ENDINGS = frozenset({".md", ".txt", ".html", ".css"})


@dataclass(frozen=True, slots=True)
class WorkingFolder:
    """Folder of an association's mail. ``path`` is absolute."""

    path: Path

    @property
    def settings_path(self) -> Path:
        """The settings file."""
        return self.path / SETTINGS

    @property
    def events_dir(self) -> Path:
        """The folder of event files and their attachments."""
        return self.path / "events"

    @property
    def templates_dir(self) -> Path:
        """The folder of the association's own templates; it may not exist."""
        return self.path / "templates"

    @property
    def template_folders(self) -> tuple[Path, Path]:
        """The folders in which a template is searched for: the association's own comes first."""
        return self.templates_dir, shipped("templates")

    @property
    def backups_dir(self) -> Path:
        """The folder of copies of the ledger; it may not exist."""
        return self.path / "backups"

    @property
    def rehearsal_dir(self) -> Path:
        """The folder of the last rehearsal; it may not exist.

        It has the mails, and the page with all of them.
        """
        return self.path / "rehearsal"

    @property
    def preview_dir(self) -> Path:
        """The folder of the page that was last shown in a browser.

        It may not exist.
        """
        return self.path / "preview"

    def backups_to(self, to: str | None) -> Path:
        """Return the folder to which copies of the ledger are written.

        :param to: the settings' own word for it.
        """
        return self.path / Path(to.strip()).expanduser() if to else self.backups_dir

    @property
    def papers_dir(self) -> Path:
        """The folder of certificates and sheets; it may not exist."""
        return self.path / "papers"

    def ledger_path(self, test: bool = False) -> Path:
        """Return the path of the ledger.

        :param test: the ledger to which a run with a shifted clock writes.
        """
        return self.path / ("mkwmail-test.db" if test else "mkwmail.db")

    def id_path(self, test: bool = False) -> Path:
        """Return the file that names the ledger. If it exists, there was a ledger."""
        return self.path / ("mkwmail-test.id" if test else "mkwmail.id")

    def shown(self, path: Path) -> str:
        """Return a path as messages show it.

        It is relative to the working folder, with forward slashes.
        """
        absolute = path if path.is_absolute() else self.path / path
        for base in (self.path, self.path.resolve()):
            for candidate in (absolute, absolute.resolve()):
                if candidate.is_relative_to(base):
                    return candidate.relative_to(base).as_posix()
        return str(path)

    def holds(self, path: Path) -> bool:
        """Return whether a file is in the working folder.

        Symbolic links are followed.
        """
        return path.resolve().is_relative_to(self.path.resolve())

    def event_paths(self) -> tuple[Path, ...]:
        """Return the event files, sorted by name."""
        if not self.events_dir.is_dir():
            return ()
        found = (path for path in self.events_dir.iterdir() if path.suffix in ENDINGS and path.is_file())
        return tuple(sorted(path for path in found if not path.name.startswith(".")))

    def event_path(self, word: str, *, whole: bool = False) -> Path:
        """Return the event file that a word names.

        The word is its path, its name in ``events/`` or its ``id``, or the beginning of one of them that fits one
        file only. With ``whole``, no beginning will do: a shortened name must not remove data, nor name an event
        whose file was deleted.

        :raises UserError: code USAGE if there is no such file, with the nearest name, or if several begin like this;
            code FAULTY_FILE if two files have this id.
        """
        as_paths = _existing(word, self.path)
        if as_paths:
            return next((path for path in as_paths if self.holds(path)), None) or self._outside(as_paths[0])
        paths = self.event_paths()
        for path in paths:
            if word in (path.stem, path.name):
                return path
        ids = {path: id_in(path) for path in paths}
        found = [path for path, event_id in ids.items() if event_id == word]
        if len(found) > 1:
            raise UserError(*(self._doubled(path, word) for path in found))
        if found:
            return found[0]
        begun = [
            path
            for path in (() if whole or not word else paths)
            if (path.stem.startswith(word) or (ids[path] or "").startswith(word))
        ]
        if len(begun) == 1 and list(ids.values()).count(ids[begun[0]]) == 1:
            return begun[0]
        if begun:
            fault = _('several events begin with "%(word)s"')
            names = ", ".join(ids[path] or path.stem for path in begun)
            raise user_error("", fault, _("choose from: %(names)s"), code=ExitCode.USAGE, word=word, names=names)
        raise self._unknown(word, [*(path.stem for path in paths), *(name for name in ids.values() if name)])

    def is_event(self, word: str) -> bool:
        """Return whether a word is an event's whole name."""
        return any(word in (path.stem, path.name, id_in(path)) for path in self.event_paths())

    def has_event(self, word: str) -> bool:
        """Return whether a word names an event, or is the beginning of several."""
        if _existing(word, self.path):
            return True
        names = (name for path in self.event_paths() for name in (path.name, id_in(path)) if name)
        return any(name.startswith(word) for name in names)

    def _outside(self, path: Path) -> NoReturn:
        fault = _("the event file %(path)s lies outside the working folder %(folder)s")
        remedy = _("put it into %(folder)s, or name its own folder with --folder") % {"folder": self.events_dir}
        raise user_error("", fault % {"path": path, "folder": self.path}, remedy, code=ExitCode.USAGE)

    def _doubled(self, path: Path, event_id: str) -> Fault:
        fault = _('two files have the id "%(id)s"') % {"id": event_id}
        return Fault(self.shown(path), fault, _("give one of them an id of its own"))

    def _unknown(self, word: str, known: list[str]) -> UserError:
        fault = _('there is no event "%(word)s" in %(folder)s') % {"word": word, "folder": self.events_dir}
        stem = Path(word).stem if word.endswith(ENDINGS) else word
        remedy = suggestion(stem, known) or _("make one with: mkwmail new TITLE --date DATE")
        return user_error("", fault, remedy, code=ExitCode.USAGE)


def _existing(word: str, folder: Path) -> list[Path]:
    """Return the existing files with this path. The path is relative to the current folder or to the working folder."""
    if not word.endswith(ENDINGS) and os.sep not in word:
        return []
    try:
        return [path for path in (Path(word).absolute(), folder / word) if path.is_file()]
    except (OSError, ValueError):  # a name that no file system takes
        return []


_MAILINGS = re.compile(r"^mailings:")
_KEY = re.compile(r"^(\s+)([\w-]+)\s*:")
_ID_LINE = re.compile(r"""^["']?id["']?[ \t]*:[ \t]*(?:"([^"]*)"|'([^']*)'|(.*?))[ \t]*(?:[ \t]#.*)?$""", re.MULTILINE)


def id_in(path: Path) -> str | None:
    """Return the event's id in a file, or None.

    The rest of the file is not read, so that a faulty file has an id too.
    """
    try:
        found = _ID_LINE.search(text_of(read_bytes(path, path.name)))
    except (UserError, ValueError):
        return None
    return next((group for group in found.groups() if group), None) if found else None


def mailing_names_in(path: Path) -> list[str]:
    """Return the names of the mailings in an event's file; nothing if it cannot be read.

    The rest of the file is not read, as for :func:`id_in`.
    """
    try:
        lines = text_of(read_bytes(path, path.name)).splitlines()
    except (UserError, ValueError):
        return []
    names: list[str] = []
    depth = ""
    inside = False
    for line in lines:
        if _MAILINGS.match(line):
            inside = True
        elif inside and line[:1].strip() and not line.startswith("#"):
            break
        elif inside and (match := _KEY.match(line)):
            depth = depth or match[1]
            if match[1] == depth:
                names.append(match[2])
    return names


def known_folders() -> tuple[Path, ...]:
    """Return the working folders that this user has used and that still exist."""
    try:
        paths = [Path(line) for line in _known_file().read_text(encoding="utf-8").splitlines() if line]
        return tuple(path for path in paths if path.is_absolute() and (path / SETTINGS).is_file())
    except (OSError, ValueError):
        return ()


def remember(folder: WorkingFolder) -> None:
    """Add a working folder to those that the user has used, as a help: a fault is ignored."""
    known = known_folders()
    if folder.path in known or not folder.path.is_absolute() or "\n" in str(folder.path):
        return
    file = _known_file()
    with suppress(OSError, ValueError):
        if file.is_absolute():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(file, "".join(f"{path}\n" for path in (*known, folder.path)).encode())


def _known_file() -> Path:
    return state_folder() / "folders"


def find_folder(start: Path, explicit: Path | None = None, *, elsewhere: bool = False) -> WorkingFolder:
    """Return the working folder that contains ``start``.

    If a folder is named (``--folder``, ``MKWMAIL_FOLDER``), return that one. With ``elsewhere``, and if ``start`` is
    not in one, return the only one that the user has used.

    :raises UserError: code SETTINGS if there is no working folder, or if it is not clear which one is meant.
    """
    if explicit is not None:
        chosen = explicit.expanduser().absolute()
        if (chosen / SETTINGS).is_file():
            return WorkingFolder(chosen)
        fault = _("%(folder)s is not a working folder: it has no %(file)s")
        fault = fault % {"folder": chosen, "file": SETTINGS}
        raise user_error(
            "", fault, _("make one there: mkwmail init %(folder)s") % {"folder": chosen}, code=ExitCode.SETTINGS
        )
    here = start.absolute()
    for folder in (here, *here.parents):
        if (folder / SETTINGS).is_file():
            return WorkingFolder(folder)
    known = known_folders() if elsewhere else ()
    if len(known) == 1:
        return WorkingFolder(known[0])
    fault = _("%(folder)s is not in a working folder: no %(file)s here or above")
    remedy = _("make one here: mkwmail init")
    if known:
        remedy = _("go to one of yours first:") + "".join(f"\ncd {shlex.quote(str(path))}" for path in known)
    raise user_error("", fault % {"folder": here, "file": SETTINGS}, remedy, code=ExitCode.SETTINGS)


_SYNCHRONISED = (
    ("onedrive", "OneDrive"),
    ("dropbox", "Dropbox"),
    ("icloud", "iCloud"),
    ("com~apple~clouddocs", "iCloud"),
    ("mobile documents", "iCloud"),
    ("google drive", "Google Drive"),
    ("googledrive", "Google Drive"),
    ("mijn drive", "Google Drive"),
    ("my drive", "Google Drive"),
    ("nextcloud", "Nextcloud"),
    ("owncloud", "ownCloud"),
    ("sharepoint", "SharePoint"),
    ("cloudstorage", "CloudStorage"),
)
_NETWORK_TYPES = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "davfs", "fuse.sshfs", "fuse.rclone")


def is_synchronised(path: Path) -> str | None:
    """Return what synchronises a folder or serves it over a network.

    None for an ordinary folder. SQLite's write-ahead log does not work over a network file system, and synchronisation
    soon makes two ledgers of one (sqlite.org/wal.html, sqlite.org/howtocorrupt.html §2).
    """
    parts = path.absolute().parts + path.resolve().parts
    for part in parts:
        for beginning, name in _SYNCHRONISED:
            if part.casefold().startswith(beginning):
                return name
    if str(path).startswith(("\\\\", "//")) and os.name == "nt":
        return _("a network share")
    kind = network_type(path.resolve(), _mounts())
    return None if kind is None else _("a network share (%(kind)s)") % {"kind": kind}


def network_type(path: Path, mounts: Iterable[tuple[str, str]]) -> str | None:
    """Return the type of the network file system that contains a path.

    None if it is not on a network file system.

    :param mounts: the folder and type of each mount.
    """
    best, kind = "", ""
    for folder, mounted_type in mounts:
        if path.is_relative_to(folder) and len(folder) >= len(best):
            best, kind = folder, mounted_type
    return kind if kind in _NETWORK_TYPES else None


def _mounts() -> list[tuple[str, str]]:
    if sys.platform == "darwin":
        listing = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
        found = re.findall(r"^.+? on (.+) \((\w+)", listing, re.MULTILINE)
        return [(folder, kind) for folder, kind in found]
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    fields = [line.split(" ") for line in lines]
    # proc(5): a space in a name is written as \040.
    return [(field[1].replace("\\040", " "), field[2]) for field in fields if len(field) > 2]


_LINE = re.compile(r"""^language[ \t]*:[ \t]*["']?(\w+)""", re.MULTILINE)


def language_setting(words: Sequence[str], environment: Mapping[str, str], here: Path) -> str | None:
    """Return the ``language`` that the settings give, or None.

    The command line ``words`` is given in the folder ``here``. None if there is no working folder, or its settings
    have no language or cannot be read: the command itself reports their faults.
    """
    named = _folder_option(words) or environment.get(VARIABLE)
    try:
        folder = find_folder(here, Path(named) if named else None)
        found = _LINE.search(text_of(read_bytes(folder.settings_path, "")))
    except (UserError, ValueError, OSError):
        return None
    return found[1].lower() if found else None


_SHARED_LINE = re.compile(r"""^shared[ \t]*:[ \t]*["']?(?:true|yes|ja|waar)\b""", re.MULTILINE | re.IGNORECASE)


def is_shared(folder: WorkingFolder) -> bool:
    """Return whether the settings say that several people use the folder.

    The rest of the settings is not read, so that their faults change nothing about the files.
    """
    try:
        return _SHARED_LINE.search(text_of(read_bytes(folder.settings_path, ""))) is not None
    except (UserError, ValueError):
        return False


def _folder_option(words: Sequence[str]) -> str | None:
    for number, word in enumerate(words):
        if word == "--folder":
            return words[number + 1] if number + 1 < len(words) else None
        if word.startswith("--folder="):
            return word.partition("=")[2]
    return None


def template_text(folders: Sequence[Path], name: str) -> str:
    """Return a template's own text, from the first of the folders that has it.

    :raises UserError: if there is no such template, or it cannot be read or is not UTF-8.
    """
    inside = not {"..", os.sep, os.altsep}.intersection((*name.split("/"), *name.replace("/", "")))
    # As one text: on Windows `folder / "C:name"` would be outside the folder.
    paths = [Path(f"{folder}/{name}") for folder in folders] if inside else []
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        there = sorted({path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*.*")})
        known = nearest(name, there)
        remedy = _('perhaps "%(name)s"?') % {"name": known} if known else ""
        raise user_error(f"templates/{name}", _("there is no such template"), remedy)
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        fault = _("this file cannot be read: %(reason)s")
        raise user_error(f"templates/{name}", fault, reason=reason_of(error)) from None
    except UnicodeDecodeError:
        remedy = _('save it with the encoding "UTF-8"')
        raise user_error(f"templates/{name}", _("the file is not UTF-8"), remedy) from None


def shipped_templates() -> tuple[str, ...]:
    """Return the names of the files that come with the program, the mails' own texts first."""
    names = sorted(path.name for path in shipped("templates").iterdir() if path.suffix in TEMPLATE_ENDINGS)
    return tuple(sorted(names, key=lambda name: (name in SHARED_TEMPLATES, not name.endswith(".md"))))
