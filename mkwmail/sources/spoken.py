"""The language that the settings ask for, read before anything else is."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mkwmail.errors import UserError
from mkwmail.sources.folder import VARIABLE, find_folder
from mkwmail.sources.yaml_text import read_bytes, text_of

_LINE = re.compile(r"""^language[ \t]*:[ \t]*["']?(\w+)""", re.MULTILINE)


def language_setting(words: Sequence[str], environment: Mapping[str, str], here: Path) -> str | None:
    """The settings' ``language`` as it stands there, for a command line given in the folder ``here``.

    None where there is no working folder, or its settings say none or cannot be read: the command itself will say
    what is wrong with them.
    """
    named = _folder_option(words) or environment.get(VARIABLE)
    try:
        folder = find_folder(here, Path(named) if named else None)
        found = _LINE.search(text_of(read_bytes(folder.settings_path, "")))
    except (UserError, ValueError, OSError):
        return None
    return found[1].lower() if found else None


def _folder_option(words: Sequence[str]) -> str | None:
    for number, word in enumerate(words):
        if word == "--folder":
            return words[number + 1] if number + 1 < len(words) else None
        if word.startswith("--folder="):
            return word.partition("=")[2]
    return None
