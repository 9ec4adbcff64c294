"""Words that the shell completes: events and mailings.

Files are read line by line, without YAML or the model: completion answers while somebody types, even if a file has
a fault. Errors complete nothing and print nothing.
"""

import os
import re
from pathlib import Path

from mkwmail.config.folder import WorkingFolder, find_folder
from mkwmail.errors import UserError

_ID = re.compile(r"^id:\s*['\"]?([^\s'\"#]+)")
_TITLE = re.compile(r"^title:\s*['\"]?(.*?)['\"]?\s*(?:#.*)?$")
_MAILINGS = re.compile(r"^mailings:")
_KEY = re.compile(r"^(\s+)([\w-]+)\s*:")


def _folder() -> WorkingFolder:
    named = os.environ.get("MKWMAIL_FOLDER")
    return find_folder(Path.cwd(), Path(named) if named else None)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()


def event_words(incomplete: str) -> list[tuple[str, str]]:
    """Return the matching ids of the folder's events, with their titles."""
    try:
        found = [_id_and_title(path) for path in _folder().event_paths()]
    except (UserError, OSError):
        return []
    return [(word, title) for word, title in found if word.startswith(incomplete)]


def _id_and_title(path: Path) -> tuple[str, str]:
    lines = _lines(path)
    ids = [match[1] for line in lines if (match := _ID.match(line))]
    titles = [match[1] for line in lines if (match := _TITLE.match(line))]
    return (ids[0] if ids else path.stem), (titles[0] if titles else "")


def mailing_words(event: str, incomplete: str) -> list[tuple[str, str]]:
    """Return the matching names of the event's mailings."""
    try:
        names = _mailing_names(_lines(_folder().event_path(event)))
    except (UserError, OSError):
        return []
    return [(name, "") for name in names if name.startswith(incomplete)]


def _mailing_names(lines: list[str]) -> list[str]:
    """Return the keys one level below ``mailings:``."""
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
