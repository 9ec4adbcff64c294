"""One file with a whole folder: write it, check it, and open it within bounds.

It is a ZIP archive with a list of its files as the last one: name, size and SHA-256 of each. Only ordinary files with
plain names are in it. What it says of itself is not believed: names, sizes and digests are checked before anything
counts.
"""

import hashlib
import json
import os
import re
import secrets
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mkwmail.files import PRIVATE
from mkwmail.i18n import _

LIST = "mkwmail-handover.json"
MOST_FILES = 20_000
MOST_BYTES = 2 * 1024**3
_LONGEST_LIST = 8 * 1024**2
_PIECE = 1024**2
_DEEPEST = 12
_FORMAT = "mkwmail-handover-1"
# Names that Windows gives to devices, with any ending; and characters that a file name there cannot have.
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?")
_UNUSABLE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\/\ud800-\udfff]')


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in an archive: its size in octets, and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A checked archive: what it says about itself, and name → file."""

    about: Mapping[str, Any]
    files: Mapping[str, Packed]


def is_plain(name: str) -> bool:
    """Check that a name with forward slashes is the same file in every folder, on any system.

    >>> is_plain("events/programma 2020.pdf"), is_plain("../leden.csv"), is_plain(".netrc"), is_plain("aux.txt")
    (True, False, False, False)
    """
    parts = name.split("/")
    return len(parts) <= _DEEPEST and all(
        part and not part.startswith(".") and part[-1] not in ". " and len(part.encode("utf-8", "replace")) <= 240
        and not _UNUSABLE.search(part) and not _DEVICES.fullmatch(part)
        for part in parts
    )  # fmt: skip


def folded(name: str) -> str:
    """Return a name in the form in which file systems may compare names."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_archive(path: Path) -> bool:
    """Check whether a file is one that :func:`write` wrote."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                return False
        with zipfile.ZipFile(path) as opened:
            return LIST in opened.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def ledger_in(path: Path) -> str:
    """Return the id of the ledger in an archive; empty if it is no archive, or cannot be read."""
    try:
        return str(read(path).about.get("id", ""))
    except (OSError, ValueError):
        return ""


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Make an empty file for its owner only, next to a file that is to be written.

    It is deleted at the end, if it was not moved.

    :raises OSError: if it cannot be made.
    """
    draft = path.with_name(f"{path.name[:40]}.{secrets.token_hex(4)}.new")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def write(draft: Path, files: Iterable[tuple[str, Path]], about: Mapping[str, Any]) -> None:
    """Write an archive to a file that exists; durable on return.

    ``files``: the name in the archive and the path of each file.

    :raises OSError: if a file cannot be read or written.
    """
    packed: dict[str, list[Any]] = {}
    with draft.open("r+b") as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in files:
                digest, size = hashlib.sha256(), 0
                entry = zipfile.ZipInfo(name)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as into:
                    for piece in _pieces(source):
                        digest.update(piece)
                        size += len(piece)
                        into.write(piece)
                packed[name] = [size, digest.hexdigest()]
            archive.writestr(LIST, json.dumps({"format": _FORMAT, "about": about, "files": packed}))
        target.flush()
        os.fsync(target.fileno())


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece


def read(path: Path) -> Archive:
    """Return what is in an archive, without opening its files.

    :raises ValueError: if it is no archive of ours, is damaged, or has a file that it must not have; with the reason
        in one sentence.
    :raises OSError: if it cannot be read.
    """
    with _opened(path) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_FILES + 1:
            raise ValueError(_("it has too many files"))
        listed = next((entry for entry in entries if entry.filename == LIST), None)
        if listed is None:
            raise ValueError(_("it was not written by `mkwmail handover`"))
        found = _list_of(_bytes_of(archive, listed, _LONGEST_LIST))
        names = [entry.filename for entry in entries if entry is not listed]
        if sorted(names) != sorted(found.files):
            raise ValueError(_("its files do not match its list"))
        for entry in entries:
            _refuse_odd(entry)
        _refuse_alike(names)
        if sum(each.size for each in found.files.values()) > MOST_BYTES:
            raise ValueError(_("its files are too large together"))
    return found


def unpack(path: Path, archive: Archive, folder: Path) -> None:
    """Write the files of an archive to an empty folder, and check each of them.

    :raises ValueError: if a file is not as the list says, with the reason in one sentence.
    :raises OSError: if one cannot be read or written.
    """
    with _opened(path) as opened:
        for name, packed in archive.files.items():
            target = folder.joinpath(*name.split("/"))
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            digest, left = hashlib.sha256(), packed.size
            with opened.open(name) as source, open(os.open(target, _NEW, PRIVATE), "wb") as into:
                for piece in _pieces(source):
                    left -= len(piece)
                    if left < 0:
                        break
                    digest.update(piece)
                    into.write(piece)
                into.flush()
                os.fsync(into.fileno())
            if left or digest.hexdigest() != packed.sha256:
                raise ValueError(_("it is damaged: %(name)s has changed") % {"name": name})


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, KeyError, RuntimeError) as error:
        raise ValueError(_("it is damaged, or not complete")) from error


def _bytes_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(entry) as source:
        data = source.read(most + 1)
    if len(data) > most:
        raise ValueError(_("its list is too long"))
    return data


def _list_of(data: bytes) -> Archive:
    try:
        written = json.loads(data)
        if written["format"] != _FORMAT:
            raise ValueError(_("it was written by another version of mkwmail: install the newest one"))
        about, files = dict(written["about"]), dict(written["files"])
        packed = {str(name): Packed(int(size), str(digest)) for name, (size, digest) in files.items()}
    except (KeyError, TypeError, json.JSONDecodeError, RecursionError, UnicodeDecodeError):
        raise ValueError(_("its list cannot be read")) from None
    if any(each.size < 0 for each in packed.values()):
        raise ValueError(_("its list cannot be read"))
    return Archive(about, packed)


def _refuse_odd(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.is_dir() or entry.flag_bits & 0x1:
        raise ValueError(_("it contains something that is not an ordinary file: %(name)s") % {"name": entry.filename})
    if not is_plain(entry.filename):
        raise ValueError(_("it has a file whose name points outside it: %(name)s") % {"name": entry.filename})


def _refuse_alike(names: Iterable[str]) -> None:
    seen: set[str] = set()
    folders: set[str] = set()
    for name in map(folded, names):
        if name in seen:
            raise ValueError(_("it has two files with the same name: %(name)s") % {"name": name})
        seen.add(name)
        folders.update(name[:place] for place, letter in enumerate(name) if letter == "/")
    if seen & folders:
        raise ValueError(_("it has two files with the same name: %(name)s") % {"name": min(seen & folders)})
