"""``schedule``: an event's timetable, its approval, the outlook for a month, and the crontab line.

The crontab line sends approved mailings automatically.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from mkwmail.auth.credentials import VARIABLE as PASSWORD
from mkwmail.auth.store import Store
from mkwmail.commands.approved_sources import changed, correcting_of
from mkwmail.commands.compose_mailing import composer_of
from mkwmail.commands.context import (
    Invocation,
    Sources,
    folder_of,
    history_of,
    lacking,
    open_ledger,
    read_list,
    read_sources,
)
from mkwmail.commands.prompts import (
    ask_about_move,
    ask_about_names,
    former_names,
    said_yes,
    settled_members,
    take_ledger,
)
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import id_in
from mkwmail.config.kinds import mailing_named, shown_name
from mkwmail.config.settings import Settings, Smtp, read_settings
from mkwmail.delivery import crontab
from mkwmail.delivery.crontab import CronJob
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _
from mkwmail.ledger import rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.planning.approval import since_proof
from mkwmail.planning.member_index import MemberIndex, identify_members, listed
from mkwmail.planning.schedule import Slot, go_ahead_for
from mkwmail.planning.timetable import moment_of, plan_ahead, slots_to_approve, timetable
from mkwmail.report.terminal import Terminal, progress_bar
from mkwmail.report.timetable import (
    approved_words,
    count_words,
    outlook_rows,
    outlook_value,
    show_outlook,
    show_timetable,
)

DAYS = 30  # how far the outlook goes


def timetable_of(sources: Sources, index: MemberIndex, ledger: Ledger, now: datetime) -> tuple[Slot, ...]:
    """The timetable as the ledger has it."""
    event, history = sources.event, history_of(ledger, sources.event)
    differing = partial(changed, sources, ledger, history)
    return timetable(event, sources.settings.hours, index, history, rounds.scheduled(ledger.database), differing, now)


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """Requests to ``schedule`` besides showing the timetable."""

    yes: bool = False
    withdraw: bool = False
    install: bool = False
    uninstall: bool = False
    show: bool = False


def schedule(invocation: Invocation, event: str, mailings: Sequence[str], options: ScheduleOptions) -> ExitCode:
    """Show the timetable, and approve or withdraw the named mailings.

    Without names, approve or withdraw all that are open.

    :raises UserError: if a mailing cannot be approved, or if there is no terminal and no ``yes``; nothing is
        approved then.
    """
    terminal, now = invocation.terminal, invocation.clock.now()
    sources = read_sources(invocation, event)
    for name in mailings:
        mailing_named(sources.event, name)
    with open_ledger(invocation, sources.folder) as ledger:
        job = crontab.job_for(sources.folder.path, ledger.id)
        index = identify_members(sources.members.members, ledger.identify)
        slots = timetable_of(sources, index, ledger, now)
        show_timetable(terminal, sources.event, slots)
        terminal.say()
        for fault in (fault for slot in slots for fault in slot.faults):
            terminal.note(str(fault), "warning")
        if options.withdraw:
            _withdraw(terminal, ledger, slots, mailings, now)
            code = ExitCode.OK
        elif options.uninstall:
            code = ExitCode.OK
        else:
            code = _approved(
                invocation, sources, index, ledger, slots_to_approve(sources.event.id, slots, mailings), options
            )
    if options.install or options.uninstall:
        change_crontab(terminal, job, options.install, options.show)
    elif not options.withdraw:
        # A ledger for tests has nothing that cron should send.
        asks = terminal.interactive and code is ExitCode.OK and not invocation.shifted
        _offer(terminal, sources.event.id, job, options.show, asks)
    if not (options.uninstall or options.withdraw):
        _warn_of_login(terminal, sources.settings, sources.folder.path)
    return code


def _approved(
    invocation: Invocation,
    sources: Sources,
    index: MemberIndex,
    ledger: Ledger,
    wanted: Sequence[Slot],
    options: ScheduleOptions,
) -> ExitCode:
    """Compose the mailings to approve, ask, and record the approval."""
    terminal, now = invocation.terminal, invocation.clock.now()
    if not wanted:
        terminal.say(_("There is nothing to approve now."))
        return ExitCode.OK
    names = [slot.mailing for slot in wanted]
    if not options.yes and not terminal.interactive:
        if options.install:
            return ExitCode.OK
        fault = _("not approved, because there is no terminal to confirm it: %(names)s") % {
            "names": ", ".join(map(shown_name, names))
        }
        raise user_error("", fault, _("look at it first (preview), then add --yes"), code=ExitCode.SETTINGS)
    if ledger.other_computer or ledger.compare().is_news:
        # Ask now: `due` has no terminal, and would stop at this question.
        with ledger.hold("schedule", now):
            take_ledger(invocation, ledger)
    ask_about_move(invocation, ledger, sources.event)
    index = settled_members(invocation, sources, index, ledger)
    history = history_of(ledger, sources.event)
    for name in names:
        plan = plan_ahead(sources.event, name, index, history, now)
        ask_about_names(invocation, ledger, sources, name, former_names(sources, index, ledger, history, plan, now))
    found = {name: _composed(terminal, sources, name, index, ledger, now) for name in names}
    for name, approved in found.items():
        for said in since_proof(rounds.last_proof(ledger.database, sources.event.id, name), approved):
            terminal.note(f"{shown_name(name)}: {said}", "warning")
    if not options.yes:
        words = {"count": count_words(len(names)), "names": ", ".join(map(shown_name, names)), "n": len(names)}
        question = _("To approve %(count)s as things are now (%(names)s), type %(n)d:")
        if terminal.ask(question % words) != str(len(names)):
            terminal.note(_("Nothing was approved."), "bold")
            return ExitCode.INTERRUPTED
    ledger.record_persons(listed(index), now)
    for name, approved in found.items():
        rounds.schedule(ledger.database, go_ahead_for(sources.event, name, index.keys), approved, now)
    terminal.say(approved_words(names), "good")
    return ExitCode.OK


def _composed(
    terminal: Terminal, sources: Sources, name: str, index: MemberIndex, ledger: Ledger, now: datetime
) -> dict[str, str]:
    """Return the sources to approve, after composing everybody's mail.

    A fault is then found now, and not when the mailing is due.

    :raises UserError: with the faults of all templates and members.
    """
    history = correcting_of(sources, name, ledger, history_of(ledger, sources.event))
    moment = moment_of(sources.event, name, now)
    composer = composer_of(sources, name, ledger, history, now, moment)
    plan = plan_ahead(sources.event, name, index, history, now)
    # The audience is still empty, such as the attendees: compose it for everybody.
    planned = plan.to_send or index.listings
    composer = composer if plan.to_send else composer.without_files()
    with progress_bar(terminal, shown_name(name), len(planned)) as show:
        composer.compose(planned, history, ledger.secret, show)
    return dict(composer.sources)


def _withdraw(
    terminal: Terminal, ledger: Ledger, slots: Sequence[Slot], mailings: Sequence[str], now: datetime
) -> None:
    names = [slot.mailing for slot in slots if slot.given is not None and (not mailings or slot.mailing in mailings)]
    given = {slot.mailing: slot.given for slot in slots}
    for name in names:
        approval = given[name]
        if approval is not None:
            rounds.withdraw(ledger.database, approval.event, name, now)
    if names:
        terminal.say(
            _("Withdrawn: %(names)s. `mkwmail due` does not send them.") % {"names": ", ".join(map(shown_name, names))},
            "bold",
        )
    else:
        terminal.say(_("Nothing of this was approved."))


# The crontab


def change_crontab(terminal: Terminal, job: CronJob, install: bool, show: bool = False) -> None:
    """Put the line of a folder into the user's crontab, or take it out; say so.

    ``show``: print the line too.

    :raises UserError: if cron does not accept it.
    """
    if sys.platform == "win32":
        _show_line(terminal, job, install)
        return
    before = crontab.read_crontab()
    line = crontab.line_of(job)
    after = crontab.with_line(before, line, job.marker) if install else crontab.without_line(before, job)
    if after == before:
        done = _("Your crontab had it already.") if install else _("Your crontab has no line for this folder.")
    else:
        crontab.write_crontab(after)
        done = (
            _("On: this computer sends them automatically, as long as it is on.")
            if install
            else _("Taken out of your crontab.")
        )
    terminal.say(done)
    if show:
        _show_line(terminal, job)


def _show_line(terminal: Terminal, job: CronJob, install: bool = True) -> None:
    """Print the line for the crontab; on Windows, the command that makes or removes the task."""
    if sys.platform == "win32":
        terminal.say(_("Type this once, in a window that was opened as administrator:"))
        terminal.say(f"  {crontab.task_command(job) if install else crontab.no_task_command(job)}")
    else:
        terminal.say(_("The line for your crontab:"))
        terminal.say(f"  {crontab.line_of(job)}")


def _offer(terminal: Terminal, event: str, job: CronJob, show: bool, asks: bool) -> None:
    """Offer to send automatically; with ``show``, print the line or the task that does so."""
    terminal.say()
    windows = sys.platform == "win32"
    if show:
        _show_line(terminal, job)
    elif not windows and crontab.line_of(job).encode() in _crontab_lines():
        terminal.say(_("Your crontab runs `mkwmail due` every half hour."), "dim")
    elif windows or not asks:
        terminal.say(_("To send them automatically: mkwmail schedule %(event)s --install") % {"event": event})
    else:
        terminal.say(_("What is approved can be sent automatically, as long as this computer is on."))
        if said_yes(terminal, _("Send automatically from now on? y/n:")):
            crontab.write_crontab(crontab.with_line(crontab.read_crontab(), crontab.line_of(job), job.marker))
            terminal.say(_("On. To stop it: mkwmail schedule %(event)s --uninstall") % {"event": event}, "good")


def _crontab_lines() -> list[bytes]:
    try:
        return crontab.read_crontab().splitlines()
    except UserError:
        return []


def _warn_of_login(terminal: Terminal, settings: Settings, folder: Path) -> None:
    smtp = settings.smtp
    if smtp is None or not smtp.username or smtp.password_command or smtp.password_file:
        return
    if lacking(settings, folder, environment={}):
        warning = _("cron finds no login: type mkwmail login (it does not know %(variable)s).")
        terminal.note(warning % {"variable": PASSWORD}, "warning")
    elif unreached := _out_of_crons_reach(smtp):
        terminal.note(unreached, "warning")


def _out_of_crons_reach(smtp: Smtp) -> str:
    """Return why cron may not find a stored login; empty if it finds it."""
    if sys.platform != "linux" or not Store.of_user().is_in_ring(smtp):
        return ""
    return _(
        "The login is in the system's keyring, which cron usually cannot reach: uninstall the extra "
        "`keyring`, and type mkwmail login."
    )


def outlook(invocation: Invocation, *, json: bool = False) -> ExitCode:
    """Show what will be sent in the next days; send nothing.

    :raises UserError: if a file is faulty.
    """
    folder, now = folder_of(invocation), invocation.clock.now()
    until = now + timedelta(days=DAYS)
    rows: list[tuple[datetime, Event, Slot]] = []
    with open_ledger(invocation, folder) as ledger:
        settings = read_settings(folder)
        members = read_list(folder, settings, skip_faulty=False)
        index = identify_members(members.members, ledger.identify)
        # `due` ignores events without an approved mailing, even if their files are faulty.
        given = {each.event for each in rounds.scheduled(ledger.database)}
        for event_id in sorted(given & set(map(id_in, folder.event_paths()))):
            event_path = folder.event_path(event_id)
            read = read_event(event_path, folder)
            sources = Sources(folder, settings, event_path, read.value, members, read.warnings)
            slots = timetable_of(sources, index, ledger, now)
            rows += [(goes, read.value, slot) for goes, slot in outlook_rows(slots, now, until)]
    rows.sort(key=lambda row: row[0])
    if json:
        invocation.terminal.document(outlook_value(rows, DAYS))
    else:
        show_outlook(invocation.terminal, rows, DAYS)
    return ExitCode.OK
