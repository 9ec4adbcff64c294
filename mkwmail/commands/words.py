"""Words of the command line: completed by the shell, or left out by the user.

Files are read line by line, without YAML or the model: completion answers while somebody types, even if a file has
a fault. Errors complete nothing and print nothing.
"""

import os
import re
from pathlib import Path

from mkwmail import clock
from mkwmail.config.folder import WorkingFolder, find_folder, id_in, mailing_names_in
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _, nearest

_ID = re.compile(r"^id:\s*['\"]?([^\s'\"#]+)")
_TITLE = re.compile(r"^title:\s*['\"]?(.*?)['\"]?\s*(?:#.*)?$")


def _folder() -> WorkingFolder:
    named = os.environ.get("MKWMAIL_FOLDER")
    return find_folder(Path.cwd(), Path(named) if named else None, elsewhere=True)


def event_words(incomplete: str) -> list[tuple[str, str]]:
    """Return the matching ids of the folder's events, with their titles."""
    try:
        found = [_id_and_title(path) for path in _folder().event_paths()]
    except (UserError, OSError):
        return []
    return [(word, title) for word, title in found if word.startswith(incomplete)]


def _id_and_title(path: Path) -> tuple[str, str]:
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    ids = [match[1] for line in lines if (match := _ID.match(line))]
    titles = [match[1] for line in lines if (match := _TITLE.match(line))]
    return (ids[0] if ids else path.stem), (titles[0] if titles else "")


def mailing_words(event: str, incomplete: str) -> list[tuple[str, str]]:
    """Return the matching names of the event's mailings."""
    try:
        names = mailing_names_in(_folder().event_path(event))
    except (UserError, OSError):
        return []
    return [(name, "") for name in names if name.startswith(incomplete)]


def detail_words(event: str, incomplete: str) -> list[tuple[str, str]]:
    """Return the matching details that ``change`` can write, and the event's mailings."""
    from mkwmail.commands.folder_files import DETAILS

    found = [(word, "") for word in DETAILS if word.startswith(incomplete)]
    return [*found, *mailing_words(event, incomplete)]


def member_words(incomplete: str) -> list[tuple[str, str]]:
    """Return the matching addresses of the member list, with the members' names.

    Not the names: a shell would take the space in one for the end of the word.
    """
    from mkwmail.config.settings import read_settings
    from mkwmail.dutch.names import full_name
    from mkwmail.members.member_list import read_members

    try:
        folder = _folder()
        settings = read_settings(folder)
        listed = read_members(folder.path / settings.members, settings.members, True, settings.columns).members
    except (UserError, OSError):
        return []
    return [(each.email, full_name(each.name)) for each in listed if each.email.startswith(incomplete)]


def answer_words(incomplete: str) -> list[tuple[str, str]]:
    """Return the matching words for an answer: in the user's language, or as the ledger has it."""
    from mkwmail.responses.answers import TYPED

    return [(word, str(answer)) for word, answer in TYPED.items() if word.startswith(incomplete.casefold())]


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
    raise user_error("", fault, remedy, code=ExitCode.USAGE)


def may_be(argument: str, word: str, folder: WorkingFolder) -> bool:
    """Return whether a word, which is no event, may be another argument of a command without EVENT."""
    match argument:
        case "mailing" | "mailings":
            from mkwmail.config.kinds import RULES, kind_of_dutch

            return kind_of_dutch(word) is not None or any(
                word in (*RULES, *mailing_names_in(path)) for path in folder.event_paths()
            )
        case "file" | "files":
            return Path(word).suffix != "" or Path(word).exists()
        case _:
            names = [name for path in folder.event_paths() for name in (path.stem, id_in(path)) if name]
            return nearest(word, names) is None
