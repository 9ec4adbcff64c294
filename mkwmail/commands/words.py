"""Words of the command line: completed by the shell, or left out by the user.

Files are read line by line, without YAML or the model: completion answers while somebody types, even if a file has
a fault. Errors complete nothing and print nothing.
"""

import os
import re
from pathlib import Path

from mkwmail import clock
from mkwmail.config.folder import WorkingFolder, find_folder, id_in
from mkwmail.config.kinds import RULES, kind_of_dutch
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _, nearest

_ID = re.compile(r"^id:\s*['\"]?([^\s'\"#]+)")
_TITLE = re.compile(r"^title:\s*['\"]?(.*?)['\"]?\s*(?:#.*)?$")
_MAILINGS = re.compile(r"^mailings:")
_KEY = re.compile(r"^(\s+)([\w-]+)\s*:")


def _folder() -> WorkingFolder:
    named = os.environ.get("MKWMAIL_FOLDER")
    return find_folder(Path.cwd(), Path(named) if named else None, elsewhere=True)


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


def is_event(folder: WorkingFolder, word: str) -> bool:
    """Return whether a word names an event of the folder, or several."""
    try:
        folder.event_path(word)
    except UserError:
        return any(path.stem.startswith(word) or (id_in(path) or "").startswith(word) for path in folder.event_paths())
    return True


def presumed_event(folder: WorkingFolder) -> str:
    """Return the event that is meant if none is named: the only one to come, or the only one.

    :raises UserError: code USAGE, with the events to choose from, if it is not clear which one is meant.
    """
    from mkwmail.config.event_file import read_event

    paths = folder.event_paths()
    now = clock.clock_of_environment().now()

    def is_over(path: Path) -> bool:
        try:
            return read_event(path, folder).value.ends < now
        except UserError:  # the command says what is wrong with it
            return False

    to_come = [path for path in paths if not is_over(path)] if len(paths) > 1 else list(paths)
    if len(to_come) == 1:
        return id_in(to_come[0]) or to_come[0].stem
    names = [id_in(path) or path.stem for path in to_come or paths]
    if not names:
        fault, remedy = _("there is no event yet"), _("make one: mkwmail new TITLE --date 2021-04-15")
    else:
        fault, remedy = _("which event?"), _("choose from: %(names)s") % {"names": ", ".join(names)}
    raise UserError(Fault("", fault, remedy), code=ExitCode.USAGE)


def may_be(argument: str, word: str, folder: WorkingFolder) -> bool:
    """Return whether a word, which is no event, may be another argument of a command without EVENT."""
    match argument:
        case "mailing" | "mailings":
            return kind_of_dutch(word) is not None or any(
                word in (*RULES, *_mailing_names(_lines(path))) for path in folder.event_paths()
            )
        case "file" | "files":
            return Path(word).suffix != "" or Path(word).exists()
        case _:
            names = [name for path in folder.event_paths() for name in (path.stem, id_in(path)) if name]
            return nearest(word, names) is None


def mailing_key(folder: WorkingFolder, event: str, word: str) -> str:
    """Return the mailing's name in the event file for a word: the word, or what is Dutch for it.

    A mailing of the event that has the Dutch word for its name comes first.
    """
    try:
        names = _mailing_names(_lines(folder.event_path(event)))
    except (UserError, OSError):
        return word
    return word if word in names else kind_of_dutch(word) or word
