"""The files that a mailing takes along."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from mkwmail.errors import Fault
from mkwmail.language import _
from mkwmail.sources.folder import WorkingFolder
from mkwmail.sources.nearest import nearest
from mkwmail.sources.yaml_file import Document, Loc

# Base64 makes 14 MB of it; many servers take no more than 20 or 25 MB a message.
MOST_BYTES = 10_000_000


def attachment_path(event_path: Path, name: str) -> Path:
    """The file that an event's file names as attachment."""
    return event_path.parent / name


def attachment_faults(
    names: Sequence[str], loc: Loc, document: Document, folder: WorkingFolder, event_path: Path
) -> Iterator[Fault]:
    """What is wrong with a mailing's attachments: absent, empty, outside the working folder, too large."""
    total = 0
    for number, name in enumerate(names):
        here = (*loc, number) if document.node((*loc, number)) is not None else loc
        fault, remedy = _refusal(name, folder, event_path)
        if fault:
            if remedy:
                remedy = document.repaired(here, name, remedy) or remedy
            yield Fault(document.place(here), f"attachments: {fault}", remedy)
            continue
        total += attachment_path(event_path, name).stat().st_size
    if total > MOST_BYTES:
        fault = _("together the files are %(size).1f MB, and a mail may take %(limit)d MB along")
        words = {"size": total / 1_000_000, "limit": MOST_BYTES // 1_000_000}
        yield Fault(
            document.place(loc), f"attachments: {fault % words}", _("make them smaller, or link to them in the text")
        )


def _refusal(name: str, folder: WorkingFolder, event_path: Path) -> tuple[str, str]:
    """Why a file cannot go along, and the name to write instead where that is known; empty where it can."""
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
