"""``restore``: put a backup of the ledger back.

What was sent is never taken back: if the ledger can be read, a backup gives only the answers and decisions. If it is
gone or damaged, a backup that has every mail replaces it.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from mkwmail.clock import ZONE, day_and_time
from mkwmail.commands.context import Invocation, folder_of, open_ledger
from mkwmail.commands.prompts import refuse_without_terminal, said_yes
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import state_folder
from mkwmail.i18n import _
from mkwmail.ledger import backups, host, last_seen
from mkwmail.ledger.database import read_only


def restore(invocation: Invocation, file: Path | None, *, yes: bool = False) -> ExitCode:
    """Put a backup back; without a file, the newest one.

    :raises UserError: code USAGE if there is no backup, or if it is not one of this folder's ledger; code
        LEDGER_FAULT if the ledger cannot be read and the backup lacks mail that was sent.
    """
    terminal, folder, now = invocation.terminal, folder_of(invocation), invocation.clock.now()
    ledger, named = folder.ledger_path(invocation.shifted), folder.id_path(invocation.shifted)
    name = named.read_text("ascii", "replace").strip() if named.is_file() else ""
    copy = _chosen(folder, ledger, file)
    newest = backups.newest_attempt_in(copy, name)
    if newest is None:
        fault = _("%(file)s is not a backup of this folder's ledger, or it is damaged") % {"file": copy}
        raise UserError(Fault("", fault, _("choose another one: mkwmail restore FILE")), code=ExitCode.USAGE)
    refuse_without_terminal(terminal, yes)
    terminal.say(_("The backup: %(file)s, of %(moment)s") % {"file": copy, "moment": _made(copy)}, "bold")
    if backups.newest_attempt_in(ledger, name) is None:
        return _replace(invocation, folder, ledger, copy, newest, yes)
    terminal.say(_("The ledger can be read, so everything that was sent stays as it is."))
    terminal.say(_("Answers, sign-ups, calls and `skip` become what they were then."))
    if not yes and not said_yes(terminal, _("Put them back? y/n:")):
        terminal.say(_("Nothing was changed."))
        return ExitCode.INTERRUPTED
    with open_ledger(invocation, folder) as opened, opened.hold("restore", now):
        opened.settle(now)
        settings, then = read_settings(folder).backup, backups.responses_in(copy)
        made = backups.make(opened.database, opened.id, folder.backups_to(settings.to), settings.keep, now)
        backups.put_back(opened.database, opened.secret, then)
    terminal.say(_("Restored. How it was before: %(file)s") % {"file": made})
    return ExitCode.OK


def _chosen(folder: WorkingFolder, ledger: Path, file: Path | None) -> Path:
    if file is not None:
        if not file.is_file():
            raise UserError(Fault("", _("there is no file %(file)s") % {"file": file}), code=ExitCode.USAGE)
        return file.resolve()
    places = {folder.backups_dir}
    with suppress(UserError):  # faulty settings must not keep anybody from a backup
        places.add(folder.backups_to(read_settings(folder).backup.to))
    every = [each for place in places for each in backups.found(place, ledger)]
    if not every:
        fault = _("there is no backup in %(folder)s") % {"folder": folder.backups_dir}
        raise UserError(Fault("", fault, _("name one: mkwmail restore FILE")), code=ExitCode.USAGE)
    return max(every, key=lambda each: each.name).resolve()


def _made(copy: Path) -> str:
    """Return when a backup was made: its name says it, unless it has another name now."""
    with suppress(ValueError):
        return day_and_time(datetime.strptime(copy.stem[-17:], "%Y-%m-%d-%H%M%S").replace(tzinfo=ZONE))
    return day_and_time(datetime.fromtimestamp(copy.stat().st_mtime, ZONE))


def _replace(
    invocation: Invocation, folder: WorkingFolder, ledger: Path, copy: Path, newest: int, yes: bool
) -> ExitCode:
    """Put a backup in the place of a ledger that is gone or damaged.

    Only if it has every mail: by the note outside the folder, and by the wire journal.
    """
    terminal = invocation.terminal
    rows = read_only(copy, "SELECT id FROM ledger") or [("",)]
    name = str(rows[0][0])
    seen = last_seen.read(state_folder(), name)
    tokens = {str(row[0]) for row in read_only(copy, "SELECT token FROM runs WHERE token IS NOT NULL") or ()}
    if seen is None or seen.claim > newest or seen.token not in tokens:
        fault = _("%(ledger)s cannot be read, and mail may have been sent that %(file)s does not have")
        remedy = _("look for a newer copy; with this one people would be mailed again, so it is not put back")
        words = {"ledger": ledger.name, "file": copy}
        raise UserError(Fault(str(ledger), fault % words, remedy), code=ExitCode.LEDGER_FAULT)
    terminal.say(_("The ledger is gone or damaged. This backup has every mail that was sent."))
    if not yes and not said_yes(terminal, _("Put it in the ledger's place? y/n:")):
        terminal.say(_("Nothing was changed."))
        return ExitCode.INTERRUPTED
    now = invocation.clock.now()
    damaged = ledger.exists()
    with host.held(ledger, "restore", now):
        for path in (ledger, ledger.with_name(f"{ledger.name}-wal"), ledger.with_name(f"{ledger.name}-shm")):
            if path.exists():
                os.replace(path, path.with_name(f"{path.name}.damaged"))
        backups.copy_durably(copy, ledger)
    kept = _("Restored. The damaged ledger is kept as %(file)s.") % {"file": f"{ledger.name}.damaged"}
    terminal.say(kept if damaged else _("Restored."))
    return ExitCode.OK
