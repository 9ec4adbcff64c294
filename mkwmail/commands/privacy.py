"""``forget``, ``purge``, ``skip``: remove data, or stop mail to a person.

``forget`` removes a person's data, ``purge`` people's data of an event; ``skip`` records that somebody is not to be
mailed.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mkwmail.clock import day_in_words
from mkwmail.commands.answers import candidates
from mkwmail.commands.context import Invocation, folder_of, open_ledger, read_roll
from mkwmail.commands.output import PAGE
from mkwmail.commands.prompts import find_person, refuse_doubtful, refuse_without_terminal
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import erasure, people
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import LeftOut
from mkwmail.ledger.people import Person, is_mark
from mkwmail.planning.roll import listed
from mkwmail.report.terminal import Terminal


def forget(invocation: Invocation, who: str, *, yes: bool = False) -> ExitCode:
    """Remove a person's data.

    Only keyed hashes stay, which prevent that mail is sent to the person twice.

    :raises UserError: code USAGE unless exactly one person matches.
    """
    terminal = invocation.terminal
    folder = folder_of(invocation)
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold("forget", now):
        ledger.settle(now)
        roll = read_roll(folder, ledger)
        persons = {each.key: each for each in people.persons(ledger.database) if not is_mark(each.address)}
        person = find_person(who, candidates(roll, tuple(persons.values())))
        terminal.say(_("To be removed: %(person)s") % {"person": person}, "bold")
        terminal.say(_("  Name, address, number, what was mailed and answered in all events, rehearsal/ and preview/."))
        terminal.say(_("  A keyed hash stays, which says nothing, so that nothing is mailed twice."))
        if not _agreed(terminal, person.address or person.name, yes):
            return ExitCode.INTERRUPTED
        if person.key in persons:
            ledger.forget([persons[person.key]])
        _remove_copies(folder, invocation.shifted)
    terminal.say(_("Forgotten."))
    members = read_settings(folder).members
    for row in sorted({each.member.row for each in roll.listings if each.person == person.key}):
        place = {"place": f"{members}:{row}"}
        terminal.say(_("Still there: %(place)s. Delete that row, or later mailings go to it.") % place, "yellow")
    for row in sorted({of.member.row for each in roll.assistants if each.person == person.key for of in each.copy_of}):
        place = {"place": f"{members}:{row}"}
        still = _("Still there: %(place)s, in the column kopie aan. Clear that cell, or later copies go to it.")
        terminal.say(still % place, "yellow")
    _say_what_is_not_ours(terminal)
    return ExitCode.OK


def purge(invocation: Invocation, event: str, *, dietary: bool = False, yes: bool = False) -> ExitCode:
    """Remove people's data of an event; counts stay.

    :raises UserError: code USAGE while the event is still to come.
    """
    terminal = invocation.terminal
    folder = folder_of(invocation)
    now = invocation.clock.now()
    about = read_event(folder.event_path(event), folder).value
    if about.ends > now:
        fault = _("%(event)s is still to come: %(day)s") % {"event": about.id, "day": day_in_words(about.starts)}
        remedy = _("purge it when it is over; for one person: mkwmail forget WHO")
        raise UserError(Fault("", fault, remedy), code=ExitCode.USAGE)
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"purge {about.id}", now):
        ledger.settle(now)
        has_any = erasure.has_dietary if dietary else erasure.has_personal
        if not (has_any(ledger.database, about.id) or (not dietary and _has_mails(folder))):
            terminal.say(_("Nothing of the kind is kept for %(event)s.") % {"event": about.id})
            return ExitCode.OK
        if dietary:
            terminal.say(_("To be removed: the dietary wishes for %(event)s.") % {"event": about.id}, "bold")
        else:
            terminal.say(_("To be removed: what is known of people for %(event)s.") % {"event": about.id}, "bold")
            terminal.say(_("  Sign-ups, answers, dietary wishes, sent mails, rehearsal/ and preview/. Counts stay."))
        if not _agreed(terminal, about.id, yes):
            return ExitCode.INTERRUPTED
        gone: tuple[Person, ...] = ()
        if dietary:
            ledger.drop_dietary(about.id)
        else:
            ledger.purge(about.id, now)
            gone = tuple(_no_longer_needed(folder, ledger))
            ledger.forget(gone)
        _remove_copies(folder, invocation.shifted)
    terminal.say(_("Removed."))
    if gone:
        _say_forgotten(terminal, len(gone))
    _say_what_is_not_ours(terminal)
    return ExitCode.OK


def _agreed(terminal: Terminal, word: str, yes: bool) -> bool:
    """Return whether the user types the word, or agreed in advance.

    :raises UserError: code SETTINGS if there is no terminal.
    """
    refuse_without_terminal(terminal, yes)
    if yes or terminal.ask(_("To remove this for good, type %(word)s:") % {"word": word}) == word:
        return True
    terminal.say(_("Nothing was removed."))
    return False


def _no_longer_needed(folder: WorkingFolder, ledger: Ledger) -> Iterator[Person]:
    """Yield people who are not in the list, nor in an event with kept data."""
    roll = read_roll(folder, ledger)
    needed = {each.person for each in roll.everybody} | erasure.needed_persons(ledger.database)
    return (each for each in people.persons(ledger.database) if each.key not in needed and not is_mark(each.address))


def _say_forgotten(terminal: Terminal, count: int) -> None:
    said = ngettext(
        "%(n)d person who is in no list and no other event was forgotten.",
        "%(n)d persons who are in no list and no other event were forgotten.",
        count,
    )
    terminal.say(said % {"n": count})


def _say_what_is_not_ours(terminal: Terminal) -> None:
    terminal.say(_("Files that you made yourself (exports, previews, saved mails) are yours to delete."))


def _remove_copies(folder: WorkingFolder, shifted: bool) -> None:
    """Remove the other copies of people's data in the folder.

    These are the rehearsals, the page that a browser showed, older copies of the ledger, and the test ledger.

    :raises UserError: code LEDGER_FAULT if one of them cannot be removed.
    """
    ledger = folder.ledger_path(shifted)
    copies = [folder.rehearsal_dir, *_shown_pages(folder), *sorted(folder.path.glob(f"{ledger.name}.before-*"))]
    if not shifted:
        test = folder.ledger_path(test=True)
        copies += [*sorted(folder.path.glob(f"{test.name}*")), folder.id_path(test=True)]
    for copy in copies:
        _remove(copy)
    with suppress(OSError):  # it does not exist, or holds files that are not ours to remove
        folder.preview_dir.rmdir()


def _has_mails(folder: WorkingFolder) -> bool:
    """Return whether the folder holds mails to people, sent or not."""
    return folder.rehearsal_dir.exists() or bool(_shown_pages(folder))


def _shown_pages(folder: WorkingFolder) -> list[Path]:
    """Return the page that a browser showed, and unfinished copies of it.

    A killed process leaves an unfinished copy.
    """
    place = folder.preview_dir
    return [] if place.is_symlink() else sorted(place.glob(f"{PAGE}*"))


def _remove(copy: Path) -> None:
    try:
        if copy.is_dir() and not copy.is_symlink():
            shutil.rmtree(copy)
        else:
            copy.unlink(missing_ok=True)
    except OSError as error:
        fault = _("cannot be removed: %(why)s") % {"why": reason_of(error)}
        remedy = _("close it where it is open, then give the command again")
        raise UserError(Fault(str(copy), fault, remedy), code=ExitCode.LEDGER_FAULT) from None


def skip(
    invocation: Invocation, who: str, *, event: str | None = None, reason: str | None = None, undo: bool = False
) -> ExitCode:
    """Record that somebody is not to be mailed, or is mailed again.

    This is about one event, or about all events.

    :raises UserError: code USAGE unless exactly one person matches, if no reason is given, or if there is nothing
        to undo.
    """
    if not undo and not (reason and reason.strip()):
        fault = _("why is %(who)s not to be mailed?") % {"who": who}
        remedy = _('add --reason "…": it is what `status` tells the board')
        raise UserError(Fault("", fault, remedy), code=ExitCode.USAGE)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value.id if event is not None else ""
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        roll = read_roll(folder, ledger)
        person = find_person(who, candidates(roll, people.persons(ledger.database)))
        refuse_doubtful(roll, person.key)
        # People who were never mailed are not in the register yet.
        ledger.enlist(listed(roll), now)
        people.leave_out(ledger.database, LeftOut(person.key, about, (reason or "").strip() or _("undone"), undo), now)
    words = {"person": person, "event": about, "reason": (reason or "").strip()}
    if undo:
        sentence = _("%(person)s is mailed again about %(event)s.") if about else _("%(person)s is mailed again.")
    elif about:
        sentence = _("%(person)s is not mailed about %(event)s any more: %(reason)s")
    else:
        sentence = _("%(person)s is not mailed any more: %(reason)s")
    invocation.terminal.say(sentence % words)
    return ExitCode.OK
