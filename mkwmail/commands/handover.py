"""``handover`` and ``takeover``: the folder goes to another computer, in one file.

The ledger is closed durably before the file is written, and opened as the last step of the takeover: two folders that
send are never the result, wherever it breaks off.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mkwmail import archive
from mkwmail.archive import Archive
from mkwmail.clock import day_and_time
from mkwmail.commands.context import Invocation, folder_of, open_ledger
from mkwmail.commands.output import refuse_own
from mkwmail.commands.prompts import agreed, refuse_without_terminal, said_yes, take_ledger, typed_yes
from mkwmail.commands.schedule import change_crontab
from mkwmail.config.folder import WorkingFolder, is_synchronised
from mkwmail.config.kinds import shown_name
from mkwmail.config.settings import Settings, read_settings
from mkwmail.config.yaml_document import read_document, with_values
from mkwmail.delivery import crontab
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import reason_of, rewrite, sync_folder
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import runs
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.runs import Doubtful, Handover
from mkwmail.report.terminal import Terminal

Left = tuple[str, str]  # what does not go along: the kind, and its name if it has one

_MOST_NAMED = 20  # of a list


def handover(invocation: Invocation, file: Path, *, yes: bool = False) -> ExitCode:
    """Close the ledger for good, then write the folder to one file.

    :raises UserError: code USAGE if the file is one of the folder's own; code LEDGER_HELD if a run is active; code
        LEDGER_FAULT if the file cannot be written.
    """
    terminal, folder, now = invocation.terminal, folder_of(invocation), invocation.clock.now()
    settings = read_settings(folder)
    refuse_own(folder, file, "overdracht.mkwmail")
    files, left = _parted(folder, settings, file)
    refuse_without_terminal(terminal, yes)
    with open_ledger(invocation, folder, refuses=True) as ledger, ledger.hold("handover", now):
        before = runs.last_handover(ledger.database)
        again = before is not None and before.way == "out"
        if again and before is not None:
            again_words = _("It was handed over already, on %(moment)s. The file is written once more: use one only.")
            terminal.note(again_words % {"moment": day_and_time(before.at)}, "warning")
        else:
            take_ledger(invocation, ledger)
        id_path = folder.id_path(invocation.shifted)
        names = [*(name for name, _path in files), ledger.database.path.name, id_path.name]
        _say_what_goes(terminal, names, left, runs.in_doubt(ledger.database))
        terminal.say(_("From then on nothing is sent from this folder."))
        if not agreed(terminal, _("Hand over? y/n:"), yes):
            return ExitCode.INTERRUPTED
        job = crontab.job_for(folder.path, ledger.id)
        about = {
            **{"folder": folder.path.name, "ledger": ledger.database.path.name, "id": ledger.id},
            **{"at": now.isoformat(timespec="seconds"), "by": ledger.database.user, "left": left},
            "crontab": _has_line(job),
        }
        _write(ledger, id_path, file, files, about, now, again=again)
    if about["crontab"]:
        change_crontab(terminal, job, install=False)
    terminal.say(_("Handed over: %(file)s") % {"file": file}, "good")
    terminal.say(_("On the other computer: mkwmail takeover %(file)s") % {"file": file.name})
    terminal.say(
        _("It contains the data of all members: give it to nobody else, and delete it once it has been taken over.")
    )
    return ExitCode.OK


def _write(
    ledger: Ledger,
    id_path: Path,
    file: Path,
    files: Sequence[tuple[str, Path]],
    about: Mapping[str, Any],
    now: datetime,
    *,
    again: bool,
) -> None:
    """Close the ledger, then write the file.

    A draft of the file is made before, so that a place where it cannot be written closes nothing.
    """
    path, closed = file.absolute(), again
    try:
        with archive.draft_of(path) as draft, archive.draft_of(path) as copy:
            if again:
                runs.record_handover(ledger.database, "out", path, now)
            else:
                ledger.hand_over(path, now)
            closed = True
            ledger.database.back_up(copy)
            own = ((ledger.database.path.name, copy), (id_path.name, id_path))
            archive.write(draft, [*files, *own], about)
            os.replace(draft, path)
            sync_folder(path.parent)
    except OSError as error:
        fault = _("%(file)s cannot be written: %(reason)s") % {"file": file, "reason": reason_of(error)}
        remedy = _("give another place; nothing was changed")
        if closed:
            remedy = _("nothing is sent from this folder now: run the command again, with another place if necessary")
        raise user_error("", fault, remedy, code=ExitCode.LEDGER_FAULT) from error


def _has_line(job: crontab.CronJob) -> bool:
    try:
        return crontab.has_line(crontab.read_crontab(), job)
    except UserError:
        return False


# The files that go along


def _parted(folder: WorkingFolder, settings: Settings, file: Path) -> tuple[list[tuple[str, Path]], list[Left]]:
    """Return the files that go along, by their names in the archive, and what does not.

    :raises UserError: code LEDGER_FAULT if it is too much, or a file cannot be read.
    """
    left: list[Left] = [("login", ""), *_outside(folder, settings)]
    secret = folder.path / settings.smtp.password_file if settings.smtp and settings.smtp.password_file else None
    files: list[tuple[str, Path]] = []
    seen: set[str] = set()
    size = 0
    try:
        for name, path, kind in _walked(folder):
            if kind or (secret is not None and _is_same(path, secret)):
                left.append((kind or "password", name))
            elif path.absolute() == file.absolute() or archive.is_archive(path):
                left.append(("handover", name))
            elif archive.folded(name) in seen:
                left.append(("name", name))
            else:
                seen.add(archive.folded(name))
                files.append((name, path))
                with path.open("rb"):
                    size += path.stat().st_size
    except OSError as error:
        fault = _("%(file)s cannot be read: %(reason)s") % {"file": error.filename, "reason": reason_of(error)}
        raise user_error("", fault, _("nothing was changed"), code=ExitCode.LEDGER_FAULT) from error
    if len(files) > archive.MOST_FILES - 2 or size > archive.MOST_BYTES // 2:
        fault = _("%(folder)s is too large for one file: %(n)d files, %(size)d MB") % {
            **{"folder": folder.path, "n": len(files), "size": size // 1024**2}
        }
        remedy = _("move what does not belong to the mailings out of it, then run the command again")
        raise user_error("", fault, remedy, code=ExitCode.LEDGER_FAULT)
    return files, left


def _walked(folder: WorkingFolder) -> Iterator[tuple[str, Path, str]]:
    """Yield the name and path of each file of a folder, and the reason why it does not go along.

    Folders that do not go along are yielded instead of their files.
    """
    made = {folder.backups_dir: "backups", folder.rehearsal_dir: "rehearsal", folder.preview_dir: "rehearsal"}
    own = {folder.ledger_path(test).name for test in (False, True)} | {
        folder.id_path(test).name for test in (False, True)
    }
    waiting = [folder.path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                path = Path(entry.path)
                name = path.relative_to(folder.path).as_posix()
                if path.parent == folder.path and any(entry.name.startswith(each) for each in own):
                    continue  # the ledger is copied as a whole; its journal and locks are of this computer
                if entry.name.startswith("."):
                    yield name, path, "hidden"
                elif entry.is_symlink():
                    yield name, path, "link"
                elif path in made:
                    yield name, path, made[path]
                elif not archive.is_plain(name):
                    yield name, path, "name"
                elif entry.is_dir():
                    waiting.append(path)
                elif entry.is_file():
                    yield name, path, ""
                else:
                    yield name, path, "link"


def _is_same(path: Path, other: Path) -> bool:
    with suppress(OSError):
        return path.samefile(other)
    return False


def _outside(folder: WorkingFolder, settings: Settings) -> Iterator[Left]:
    """Yield the files that the settings name outside the folder."""
    servers = [each for each in (settings.smtp, settings.mailbox) if each is not None]
    files = [name for each in servers for name in (each.ca_file, each.password_file)]
    named = dict.fromkeys([settings.members, settings.logo, *files])
    for name in named:
        if name and not folder.holds(folder.path / Path(name.strip()).expanduser()):
            yield "outside", name


def _say_what_goes(
    terminal: Terminal, files: Iterable[str], left: Iterable[Left], doubtful: Sequence[Doubtful]
) -> None:
    terminal.say(_("Included:"), "bold")
    _say_list(terminal, _by_folder(files))
    terminal.say(_("Not included:"), "bold")
    _say_list(terminal, [_left_words(kind, name) for kind, name in left])
    if doubtful:
        terminal.say(
            _("In doubt and not decided yet; these are included, and are not sent again automatically:"), "bold"
        )
        _say_list(
            terminal, [f"{each.event} {shown_name(each.mailing)}: {each.name} <{each.address}>" for each in doubtful]
        )


def _by_folder(names: Iterable[str]) -> list[str]:
    """Return the names at the top of the folder, and how many files each folder in it has."""
    counts = Counter(name.split("/")[0] + "/" if "/" in name else name for name in names)
    files = [name for name in counts if not name.endswith("/")]
    folders = [
        ngettext("%(name)s: %(n)d file", "%(name)s: %(n)d files", count) % {"name": name, "n": count}
        for name, count in counts.items()
        if name.endswith("/")
    ]
    return sorted(files) + sorted(folders)


def _say_list(terminal: Terminal, lines: Sequence[str]) -> None:
    for line in lines[:_MOST_NAMED]:
        terminal.say(f"  {line}")
    if len(lines) > _MOST_NAMED:
        terminal.say(_("  and %(n)d more") % {"n": len(lines) - _MOST_NAMED})


def _left_words(kind: str, name: str) -> str:
    words = {
        "login": _("the login to the mail server, which is kept outside the folder: type mkwmail login"),
        "backups": _("%(name)s/: backups; they stay here, and new ones are made there"),
        "rehearsal": _("%(name)s/: rehearsed or shown mails"),
        "hidden": _("%(name)s: hidden"),
        "link": _("%(name)s: a link, or not an ordinary file"),
        "name": _("%(name)s: its name does not work on every computer"),
        "handover": _("%(name)s: a handover"),
        "password": _("%(name)s: a password"),
        "outside": _("%(name)s: is outside the folder; copy it yourself"),
    }
    return words.get(kind, "%(name)s") % {"name": name}


# Undoing


def undo(invocation: Invocation) -> ExitCode:
    """Open a folder again that was handed over, if a person says that it was not taken over.

    :raises UserError: code USAGE if it was not handed over; code SETTINGS if it was taken over on this computer, or
        if there is no terminal to ask.
    """
    terminal, folder, now = invocation.terminal, folder_of(invocation), invocation.clock.now()
    with open_ledger(invocation, folder, refuses=True) as ledger, ledger.hold("handover --undo", now):
        found = runs.last_handover(ledger.database)
        if found is None or found.way != "out":
            raise user_error("", _("this folder was not handed over"), code=ExitCode.USAGE)
        ledger.must_be_newest()
        if not terminal.interactive:
            fault = _("only a person can know that nobody took this folder over")
            raise user_error("", fault, _("run the command in a terminal"), code=ExitCode.SETTINGS)
        words = {"moment": day_and_time(found.at), "file": found.file}
        terminal.note(_("It was handed over on %(moment)s, in %(file)s.") % words, "warning")
        terminal.note(_("If that file, or a copy of it, was or will be taken over, members get mail twice."), "warning")
        if not typed_yes(terminal, _("Did nobody take it over, and are all copies deleted? Type yes:")):
            terminal.say(_("Nothing was changed."))
            return ExitCode.INTERRUPTED
        gone = _deleted(found.file, ledger.id)
        ledger.reopen("undone", found.file, ledger.database.path, now)
    terminal.say(_("Mail is sent from this folder again."), "good")
    if gone:
        terminal.say(_("Deleted: %(file)s") % {"file": found.file})
    terminal.say(_("If it sent automatically: mkwmail schedule EVENT --install"))
    return ExitCode.OK


def _deleted(file: Path, name: str) -> bool:
    """Delete a handover of this ledger, if it is still there; return whether it was."""
    with suppress(OSError):
        if archive.ledger_in(file) == name:
            file.unlink()
            return True
    return False


# Taking over


def takeover(invocation: Invocation, file: Path, *, yes: bool = False) -> ExitCode:
    """Make a working folder of a handover, and send from it from now on.

    :raises UserError: code USAGE if there is no such file, or a folder with that name exists; code FAULTY_FILE if it
        is not a handover, or damaged; code SETTINGS if it was taken over on this computer already.
    """
    terminal = invocation.terminal
    found = _read(file)
    target = _target(invocation, found)
    refuse_without_terminal(terminal, yes)
    _remove_unfinished(target)
    staging = target.with_name(f".{target.name}.{os.getpid()}{_STAGING}")
    try:
        staging.mkdir(mode=0o700, parents=True)
        archive.unpack(file, found, staging)
    except ValueError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise _not_usable(file, str(error)) from error
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        fault = _("%(folder)s cannot be written: %(reason)s") % {"folder": target, "reason": reason_of(error)}
        remedy = _("name another place: mkwmail --folder FOLDER takeover FILE")
        raise user_error("", fault, remedy, code=ExitCode.LEDGER_FAULT) from error
    try:
        return _taken_over(invocation, file, found, WorkingFolder(staging), target, yes)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


_STAGING = ".takeover"


def _read(file: Path) -> Archive:
    if not file.is_file():
        raise user_error("", _("there is no file %(file)s"), code=ExitCode.USAGE, file=file)
    try:
        found = archive.read(file)
    except ValueError as error:
        raise _not_usable(file, str(error)) from error
    except OSError as error:
        raise _not_usable(file, reason_of(error)) from error
    about, folder = found.about, WorkingFolder(Path())
    ledgers = {folder.ledger_path(test).name: folder.id_path(test).name for test in (False, True)}
    own = {about.get("ledger"), ledgers.get(str(about.get("ledger")))}
    ours = {name for name in found.files if archive.folded(name).startswith((*ledgers, *ledgers.values()))}
    if ours != own or folder.settings_path.name not in found.files:
        raise _not_usable(file, _("it has no ledger, or more than one"))
    return found


def _not_usable(file: Path, reason: str) -> UserError:
    fault = _("%(file)s cannot be taken over: %(reason)s") % {"file": file, "reason": reason}
    return user_error("", fault, _("copy it again from the computer that wrote it"), code=ExitCode.FAULTY_FILE)


def _target(invocation: Invocation, found: Archive) -> Path:
    name = str(found.about.get("folder"))
    name = name if archive.is_plain(name) and "/" not in name else "mkwmail"
    target = invocation.folder.expanduser().absolute() if invocation.folder is not None else Path.cwd() / name
    try:
        free = not target.exists() or (target.is_dir() and not any(target.iterdir()))
    except OSError:
        free = False
    if free and not target.is_symlink():
        return target
    remedy = _("name another place: mkwmail --folder FOLDER takeover FILE")
    raise user_error("", _("%(folder)s exists already"), remedy, code=ExitCode.USAGE, folder=target)


def _remove_unfinished(target: Path) -> None:
    """Remove what a takeover left that was killed; it was never sent from."""
    for path in target.parent.glob(f".{target.name}.*{_STAGING}"):
        process = path.name.removesuffix(_STAGING).rpartition(".")[2]
        if process.isdecimal() and not runs.process_start(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _taken_over(
    invocation: Invocation, file: Path, found: Archive, staged: WorkingFolder, target: Path, yes: bool
) -> ExitCode:
    terminal, now, about = invocation.terminal, invocation.clock.now(), found.about
    ledger_file = staged.path / str(about["ledger"])
    if ledger_file.name != staged.ledger_path(invocation.shifted).name:
        raise _not_usable(file, _("it was made in a trial with another clock (MKWMAIL_NOW)"))
    closed = runs.last_handover_in(ledger_file)
    if closed is None or closed.way != "out":
        raise _not_usable(file, _("its ledger was not closed"))
    settings = read_settings(staged)
    with open_ledger(invocation, staged, refuses=True) as ledger:
        ledger.must_be_newest()
        _say_found(terminal, found, closed, runs.in_doubt(ledger.database), target)
        job = crontab.job_for(target, ledger.id)
        if not agreed(terminal, _("Take over? y/n:"), yes):
            return ExitCode.INTERRUPTED
        _confirm_command(terminal, staged, settings)
        _target(invocation, found)  # it must still be free
        with ledger.hold("takeover", now):
            ledger.reopen("in", file.absolute(), target / ledger_file.name, now)
    with suppress(OSError):
        target.rmdir()  # an empty folder
    try:
        os.rename(staged.path, target)
    except OSError as error:
        fault = _("%(folder)s cannot be written: %(reason)s") % {"folder": target, "reason": reason_of(error)}
        raise user_error("", fault, _("run the command again"), code=ExitCode.LEDGER_FAULT) from error
    sync_folder(target.parent)
    terminal.say(_("Taken over: %(folder)s") % {"folder": target}, "good")
    _say_next(terminal, job, automatic=bool(about.get("crontab")))
    terminal.say(_("Delete %(file)s and all copies of it: it contains the data of all members.") % {"file": file})
    return ExitCode.OK


def _say_found(
    terminal: Terminal, found: Archive, closed: Handover, doubtful: Sequence[Doubtful], target: Path
) -> None:
    by = _("Handed over by %(who)s on %(moment)s.") if closed.user else _("Handed over on %(moment)s.")
    terminal.say(by % {"who": closed.user, "moment": day_and_time(closed.at)}, "bold")
    left = [(str(each[0]), str(each[1])) for each in _pairs(found.about.get("left"))]
    _say_what_goes(terminal, found.files, left, doubtful)
    terminal.say(_("It becomes %(folder)s, and mail is sent from there.") % {"folder": target})
    place = is_synchronised(target)
    if place is not None:
        terminal.note(
            _("That folder is synchronised by %(what)s, which can damage the ledger.") % {"what": place}, "warning"
        )


def _pairs(value: object) -> list[list[object]]:
    return [each for each in value if isinstance(each, list) and len(each) == 2] if isinstance(value, list) else []


def _confirm_command(terminal: Terminal, staged: WorkingFolder, settings: Settings) -> None:
    """Ask whether the command of the settings that prints the password may run here; if not, clear it.

    :raises UserError: code SETTINGS if it cannot be cleared.
    """
    command = settings.smtp.password_command if settings.smtp else None
    if not command:
        return
    terminal.note(_("The settings run this command here, to get the password:"), "warning")
    terminal.note(f"  {json.dumps(command, ensure_ascii=False)}", "warning")
    if terminal.interactive and said_yes(terminal, _("May it run on this computer? y/n:")):
        return
    document = read_document(staged.settings_path, staged.settings_path.name, ExitCode.SETTINGS)
    rewrite(staged.settings_path, with_values(document, {("smtp", "password_command"): '""'}).encode())
    smtp = read_settings(staged).smtp
    if smtp is not None and smtp.password_command:
        fault = _("password_command cannot be removed from the settings")
        raise user_error(staged.settings_path.name, fault, code=ExitCode.SETTINGS)
    terminal.note(_("It was removed from mkwmail.yaml: type mkwmail login, or write another one."), "warning")


def _say_next(terminal: Terminal, job: crontab.CronJob, *, automatic: bool) -> None:
    terminal.say(_("Next: mkwmail login, then mkwmail check EVENT --server"))
    if not automatic:
        return
    terminal.say(_("On the other computer `mkwmail due` ran every half hour."))
    if terminal.interactive and said_yes(terminal, _("Run it here too? y/n:")):
        change_crontab(terminal, job, install=True)
    else:
        terminal.say(_("To run it here: mkwmail schedule EVENT --install"))
