"""``open`` and ``guide``: a folder, a file or the guide in the system's own program."""

import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from urllib.parse import quote

from mkwmail.commands.context import Invocation, folder_of
from mkwmail.config.folder import SETTINGS, WorkingFolder
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import reason_of, shipped, state_folder
from mkwmail.i18n import _, suggestion
from mkwmail.mail.guide import PAGES, SECTIONS, guide_page, place_of

# The words that people type for each thing, in English and Dutch.
_MEMBERS = ("members", "leden", "ledenlijst", "lijst")
_SETTINGS = ("settings", "instellingen", SETTINGS)
_FOLDER = ("folder", "map")


def open_it(invocation: Invocation, what: str | None) -> ExitCode:
    """Open the working folder, the member list, the settings or an event's file.

    :raises UserError: code USAGE if there is no such thing.
    """
    folder = folder_of(invocation)
    path = _meant(folder, what)
    invocation.terminal.say(str(path))
    if not _opened(path):
        invocation.terminal.note(_("This computer has no program to open it with."), "warning")
    return ExitCode.OK


def _meant(folder: WorkingFolder, what: str | None) -> Path:
    word = what or "folder"
    if word.casefold() in _FOLDER:
        return folder.path
    if word.casefold() in _SETTINGS:
        return folder.settings_path
    if word.casefold() in _MEMBERS:
        path = folder.path / read_settings(folder).members
        if not path.is_file():
            raise user_error(folder.shown(path), _("the file does not exist"), code=ExitCode.USAGE)
        return path
    return folder.event_path(word)


def _opened(path: Path) -> bool:
    """Hand a file or folder to the system; return whether there was a program for it."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    try:
        command = "open" if sys.platform == "darwin" else "xdg-open"
        subprocess.Popen(
            [command, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False
    return True


def guide(invocation: Invocation, chapter: str | None) -> ExitCode:
    """Write the guide as pages, and show it in the browser.

    :raises UserError: code USAGE if there is no such chapter; code LEDGER_FAULT if the pages cannot be written.
    """
    docs = shipped("docs")
    name = (chapter or PAGES[0]).casefold()
    if name not in (*PAGES, *SECTIONS):
        fault = _('the guide has no chapter "%(name)s"') % {"name": name}
        raise UserError(Fault("", fault, suggestion(name, (*SECTIONS, *PAGES))), code=ExitCode.USAGE)
    made = state_folder() / "guide"
    try:
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in PAGES:
            text = (docs / f"{each}.md").read_text(encoding="utf-8")
            (made / f"{each}.html").write_text(guide_page(text, docs), encoding="utf-8")
    except OSError as error:
        fault = _("cannot be written: %(why)s")
        raise user_error(str(made), fault, code=ExitCode.LEDGER_FAULT, why=reason_of(error)) from None
    on, heading = place_of(name)
    page = made / f"{on}.html"
    invocation.terminal.say(f"{page}#{heading}" if heading else str(page))
    address = f"{page.as_uri()}#{quote(heading)}" if heading else page.as_uri()
    if invocation.terminal.interactive and not webbrowser.open(address):
        invocation.terminal.note(_("Open this file in a browser."))
    return ExitCode.OK
