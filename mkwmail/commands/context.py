"""Steps that the commands share, from the working folder to the plan.

They read the settings, the event and the members, open the ledger, identify the members, and check the mail server.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mkwmail import clock
from mkwmail.addresses import address_key, is_example
from mkwmail.auth.credentials import credential_for
from mkwmail.clock import VARIABLE, Clock, ShiftedClock, day_and_time, day_in_words
from mkwmail.config.event import Event, example_links
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder, find_folder, is_shared, remember
from mkwmail.config.kinds import rule_of
from mkwmail.config.settings import Settings, Smtp, example_senders, read_settings, with_column
from mkwmail.errors import ExitCode, Fault, UserError, fault_at, user_error
from mkwmail.files import rewrite, set_mode, share, state_folder, writing
from mkwmail.i18n import _, ngettext, some
from mkwmail.ledger import backups, deliveries, people, responses, rounds, runs
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Guest, RefusedMail
from mkwmail.ledger.runs import this_computer
from mkwmail.members.headings import UnknownHeadingsError
from mkwmail.members.member_list import Member, MemberList, example_addresses, read_members
from mkwmail.planning.audience import History, Unsettled
from mkwmail.planning.facts import Telling, read_facts
from mkwmail.planning.member_index import MemberIndex, guest_recipient, identify_members, left_out_reasons
from mkwmail.report.terminal import Terminal, is_handed_to

if TYPE_CHECKING:
    from mkwmail.mail.templates import Templates
    from mkwmail.papers.certificates import Certificates


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the program.

    ``folder``: the working folder, if the user named it. ``shifted``: the clock was set by ``MKWMAIL_NOW``, so only
    a loopback server is accepted and the ledger is the test ledger.
    """

    folder: Path | None
    clock: Clock
    shifted: bool
    terminal: Terminal


def begin(folder: Path | None, quiet: bool = False) -> Invocation:
    """Read the clock of the environment, and announce it if it is shifted.

    ``quiet``: do not announce it yet.

    :raises UserError: if ``MKWMAIL_NOW`` is not a moment.
    """
    try:
        chosen = clock.clock_of_environment()
    except ValueError:
        raise user_error(
            clock.VARIABLE, _("this is not a date with a time"), _("write it as 2020-02-17T09:00"), code=ExitCode.USAGE
        ) from None
    shifted = isinstance(chosen, ShiftedClock)
    invocation = Invocation(folder, chosen, shifted, Terminal())
    if not quiet:
        announce(invocation)
    return invocation


def announce(invocation: Invocation, server: str = "") -> None:
    """Announce the clock if it is shifted.

    ``server``: the server that takes real mail.
    """
    if invocation.shifted:
        words = {"variable": clock.VARIABLE, "moment": day_and_time(invocation.clock.now())}
        said = _("%(variable)s: the clock starts at %(moment)s; the ledger is mkwmail-test.db.") % words
        invocation.terminal.note(f"{said} {is_handed_to(server)}" if server else said, "warning")


def lacking(settings: Settings, folder: Path, environment: Mapping[str, str] = os.environ) -> Fault | None:
    """Return why the program cannot log in; None if no reason is known.

    The command that prints a password is not run.
    """
    smtp = settings.smtp
    if smtp is None or smtp.password_command:
        return None
    try:
        credential_for(smtp, folder, environment)
    except UserError as error:
        return error.faults[0]
    return None


def dead_addresses(refused: Iterable[RefusedMail]) -> Mapping[str, str]:
    """Return address key → why nothing more is sent to that address.

    This holds until the address is corrected in the list, or somebody resolves it. It is only about invalid
    addresses: a full mailbox, or a server that refuses one mail, says nothing about the next mail.
    """
    from mkwmail.responses.bounce_text import Verdict, names_no_mailbox

    found: dict[str, str] = {}
    for each in refused:
        day = {"day": day_in_words(each.at), "reply": each.reply, "event": each.event}
        if each.verdict == Verdict.FAILED and (each.said or names_no_mailbox(each.reply)):
            sentence = _("mail to this address came back on %(day)s (%(event)s): %(reply)s")
        elif each.verdict is None and names_no_mailbox(each.reply):
            sentence = _("a server refused this address on %(day)s (%(event)s): %(reply)s")
        else:
            continue
        found[address_key(each.address)] = sentence % day
    return found


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """The files with which a command works.

    ``warnings``: oddities that do not stop a command.
    """

    folder: WorkingFolder
    settings: Settings
    event_path: Path
    event: Event
    members: MemberList
    warnings: tuple[Fault, ...]

    @property
    def shown_event(self) -> str:
        """The event's file, as people know it."""
        return self.folder.shown(self.event_path)

    @property
    def shown_list(self) -> str:
        """The member list's file, as people know it."""
        return self.folder.shown(self.folder.path / self.settings.members)


def folder_of(invocation: Invocation) -> WorkingFolder:
    """Return the working folder, and remember it.

    In a terminal, outside every working folder, it is the only one that was used before, which is said.

    :raises UserError: code SETTINGS if there is none, or if it is not clear which one is meant.
    """
    here = Path.cwd()
    folder = find_folder(here, invocation.folder, elsewhere=invocation.terminal.interactive)
    if invocation.folder is None and not here.absolute().is_relative_to(folder.path):
        invocation.terminal.note(_("In %(folder)s:") % {"folder": folder.path}, "dim")
    remember(folder)
    return folder


def event_of(invocation: Invocation, event: str) -> tuple[WorkingFolder, Event]:
    """Return the working folder, and the event that is named in it.

    :raises UserError: as :func:`folder_of`; if there is no such event, or its file is faulty.
    """
    folder = folder_of(invocation)
    return folder, read_event(folder.event_path(event), folder).value


def read_sources(invocation: Invocation, event: str, skip_faulty: bool = False) -> Sources:
    """Read the settings, the event and the member list.

    :raises UserError: with the faults of all of them at once.
    """
    folder = folder_of(invocation)
    path = folder.event_path(event)
    faults: list[UserError] = []
    settings = _tried(faults, lambda: read_settings(folder))
    read = _tried(faults, lambda: read_event(path, folder))
    members = None
    if settings is not None:
        members = _tried(faults, lambda: _read_or_ask(invocation.terminal, folder, settings, skip_faulty))
    if settings is None or read is None or members is None:
        every = [fault for error in faults for fault in error.faults]
        raise UserError(*every, code=faults[0].code)
    warnings = read.warnings
    return Sources(folder, settings, path, read.value, members, warnings)


def _tried(faults: list[UserError], reading: Callable[[], T]) -> T | None:
    try:
        return reading()
    except UserError as error:
        faults.append(error)
        return None


def open_ledger(invocation: Invocation, folder: WorkingFolder, *, refuses: bool = False) -> Ledger:
    """Open the folder's ledger, or the test ledger if the clock is shifted.

    If the folder was handed over, say so: what is recorded in it now is not seen where it was taken over. ``refuses``:
    the command itself says it.
    """
    test = invocation.shifted
    now = invocation.clock.now()
    ledger, named = folder.ledger_path(test), folder.id_path(test)
    if is_shared(folder):
        _share(folder)
    opened = Ledger.open(ledger, named, now, this_computer(), state=state_folder)
    closed = None if refuses else runs.last_handover(opened.database)
    if closed is not None and closed.way == "out":
        said = _("This folder was handed over on %(moment)s: what you record here is not seen where it was taken over.")
        invocation.terminal.note(said % {"moment": day_and_time(closed.at)}, "warning")
    return opened


def _share(folder: WorkingFolder) -> None:
    """Share a folder with its group: new files, and those of mkwmail from before it was shared."""
    share(folder.path)
    for path in (*folder.path.glob("mkwmail*"), folder.backups_dir, *folder.backups_dir.glob("*.db")):
        with suppress(OSError):
            set_mode(path)


def back_up(folder: WorkingFolder, settings: Settings, ledger: Ledger, now: datetime) -> tuple[Fault, ...]:
    """Make a backup of the ledger if this run mailed; return why there is none, if that fails.

    The run has done its work by then: a backup that fails is said, and changes nothing else.
    """
    if not ledger.is_noted:
        return ()
    try:
        to = folder.backups_to(settings.backup.to)
        backups.make(ledger.database, ledger.id, to, settings.backup.keep, now)
    except UserError as error:
        return error.faults
    return ()


def read_member_index(folder: WorkingFolder, ledger: Ledger) -> MemberIndex:
    """Read a folder's member list, and identify the members.

    Faulty rows are left out.

    :raises UserError: if the settings or the list cannot be read.
    """
    return roll_of(read_list(folder, read_settings(folder)), ledger)


def read_list(folder: WorkingFolder, settings: Settings, skip_faulty: bool = True) -> MemberList:
    """Read a folder's member list.

    ``skip_faulty``: leave faulty rows out.

    :raises UserError: if it cannot be read.
    """
    path = folder.path / settings.members
    return read_members(path, folder.shown(path), skip_faulty, settings.columns)


def _read_or_ask(terminal: Terminal, folder: WorkingFolder, settings: Settings, skip_faulty: bool) -> MemberList:
    """Read the member list; ask once which columns are meant by headings of its own."""
    while True:
        try:
            return read_list(folder, settings, skip_faulty)
        except UnknownHeadingsError as error:
            if not terminal.interactive or not _ask_about_headings(terminal, folder, settings, error):
                raise
            settings = read_settings(folder)


def _ask_about_headings(
    terminal: Terminal, folder: WorkingFolder, settings: Settings, unknown: UnknownHeadingsError
) -> bool:
    """Ask which headings are meant, and write the answers to the settings.

    Returns False if the user does not know.
    """
    questions = {
        "e-mail": _("Which column holds the addresses? Type its number, or Enter to stop:"),
        "naam": _("Which column holds the names? Type its number, or Enter to stop:"),
        "voornaam": _("Which column holds the first names? Type its number, or Enter to stop:"),
        "tussenvoegsel": _("Which column holds the prefixes of the surnames? Type its number, or Enter to stop:"),
    }
    for name, headings in unknown.candidates.items():
        words = {"list": folder.shown(folder.path / settings.members), "name": name}
        terminal.note(_("No column of %(list)s has the heading %(name)s. It may be one of these:") % words, "warning")
        for number, heading in enumerate(headings, start=1):
            terminal.note(f"  {number}  {heading}")
        answer = terminal.ask(questions[name])
        if not answer.isdecimal() or not 1 <= int(answer) <= len(headings):
            return False
        heading = headings[int(answer) - 1]
        _rewrite_settings(folder, with_column(folder, name, heading))
        written = _('Written to %(file)s, below columns: %(name)s is "%(heading)s".')
        terminal.note(written % {"file": folder.settings_path.name, "name": name, "heading": heading})
    return True


def _rewrite_settings(folder: WorkingFolder, text: str) -> None:
    path = folder.settings_path
    with writing(folder.shown(path), ExitCode.SETTINGS):
        line_end = "\r\n" if b"\r\n" in path.read_bytes() else "\n"
        rewrite(path, text.replace("\n", line_end).encode())


def roll_of(members: MemberList, ledger: Ledger) -> MemberIndex:
    """Identify the members of a list."""
    return replace(identify_members(members.members, ledger.identify), faulty=members.faulty)


def history_of(ledger: Ledger, event: Event) -> History:
    """Return the history of an event from the ledger."""
    versions = tuple(read_facts(document) for document in deliveries.facts_of(ledger.database, event.id))
    told = deliveries.facts_told(ledger.database, event.id)
    answers = responses.answers(ledger.database, event.id)
    guests = responses.guests(ledger.database, event.id)
    refused = responses.refused_mails(ledger.database)
    return History(
        deliveries=deliveries.of_event(ledger.database, event.id),
        answers={each.person: each.answer for each in answers},
        persons=people.persons(ledger.database),
        last_list=rounds.last_list(ledger.database),
        telling=Telling(versions, told, deliveries.entry_method(ledger.database, event.id)),
        answered={each.person: each.given for each in answers},
        guests=tuple(guest_recipient(each) for each in guests if each.address),
        left_out=left_out_reasons(rounds.left_out(ledger.database), event.id),
        dead=dead_addresses(refused) if refused else {},
        strangers=responses.guest_keys(ledger.database),
        unaddressed=tuple(guest_recipient(each) for each in guests if not each.address),
        unsettled=tuple(_unsettled(ledger, event)),
        choices=_choices(ledger, event),
        changed=responses.changed_at(ledger.database, event.id),
    )


def _choices(ledger: Ledger, event: Event) -> Mapping[str, str]:
    """Return person → what they chose besides, in Dutch, as a confirmation says it."""
    if not any(rule_of(name).confirms for name in event.mailings):
        return {}
    from mkwmail.responses.answers import choices_in_words, last_signups

    return {
        person: choices_in_words(row)
        for person, row in last_signups(responses.signups(ledger.database, event.id)).items()
    }


def _unsettled(ledger: Ledger, event: Event) -> Iterator[Unsettled]:
    """Yield the sign-ups of an event that are to be settled."""
    rows = [row for row in responses.signups(ledger.database, event.id) if row.doubt]
    if not rows:
        return
    known = {
        address: person.key
        for person in people.persons(ledger.database)
        for address in (*person.former, person.address)
    }
    for row in rows:
        owner = row.holder or known.get(address_key(row.address) if row.address else "", "")
        # A row from an assistant's address may be the answer of the one member only.
        if len(row.maybe) == 1 and not row.holder and owner not in row.maybe and (owner or not row.address):
            owner = row.maybe[0]
        holder = guest_recipient(Guest(row.holder, row.name, row.address, row.organisation)) if row.holder else None
        who = row.name or row.address or row.number
        yield Unsettled(who, owner, holder, frozenset(row.maybe), row.answer not in ("declined", "absent"))


def server_of(settings: Settings, shifted: bool) -> Smtp:
    """Return the server that takes the mail.

    :raises UserError: code SETTINGS if none is named, or if the clock was shifted and the server is not on this
        computer: a mail with a wrong date must not reach anybody.
    """
    smtp = settings.smtp
    if smtp is None:
        remedy = _("write under smtp: the host of your mail server, or a provider: (docs/mail-server.md)")
        raise user_error("mkwmail.yaml", _("no mail server is set"), remedy, code=ExitCode.SETTINGS)
    if shifted and not smtp.on_loopback:
        fault = _("with %(variable)s set, mail goes to a server on this computer only, not to %(host)s")
        remedy = _("unset %(variable)s, or rehearse: --rehearse")
        raise user_error("", fault, remedy, code=ExitCode.SETTINGS, variable=VARIABLE, host=smtp.host)
    return smtp


def really_handed_to(settings: Settings | None, shifted: bool) -> str:
    """Return the server that takes real mail while the clock is shifted.

    The format is ``host:port``; empty if there is none. A server on this computer may be one that passes mail on.
    """
    smtp = settings.smtp if settings else None
    return f"{smtp.host}:{smtp.port}" if shifted and smtp is not None and smtp.on_loopback else ""


def refuse_examples(sources: Sources, smtp: Smtp, recipients: Iterable[Member]) -> None:
    """Refuse examples in place of real data, except on a loopback server.

    :raises UserError: with every sender, recipient and link at a domain that is reserved for examples.
    """
    if smtp.on_loopback:
        return
    faults = [*example_senders(sources.settings), *example_links(sources.event)]
    if is_example(smtp.host):
        faults.append(Fault("mkwmail.yaml", _("smtp: %(host)s is an example") % {"host": smtp.host}))
    everyone = tuple(recipients)
    examples = example_addresses(everyone)
    if len(examples) == len(everyone) > 1:
        fault = _("this is an example list: none of its addresses reaches anybody")
        remedy = _("save your own list as %(list)s, or name it at members: in mkwmail.yaml; to try out: --rehearse")
        faults.append(fault_at(sources.shown_list, fault, remedy, list=sources.shown_list))
    elif examples:
        fault = ngettext(
            "%(n)d address is an example and reaches nobody: row %(rows)s",
            "%(n)d addresses are examples and reach nobody: rows %(rows)s",
            len(examples),
        )
        remedy = _("put your own members there, or remove these rows; to try out: --rehearse")
        rows = some([str(each.row) for each in examples], 10)
        faults.append(fault_at(sources.shown_list, fault, remedy, n=len(examples), rows=rows))
    if faults:
        raise UserError(*faults, code=ExitCode.SETTINGS)


def certificates_of(
    sources: Sources, ledger: Ledger, history: History, templates: "Templates", now: datetime
) -> "Certificates":
    """Return what makes an event's certificates; the event must have them.

    :raises UserError: if the certificate's template or pictures have a fault.
    """
    from mkwmail.papers.certificates import Certificates

    return Certificates(
        event=sources.event,
        settings=sources.settings,
        templates=templates,
        folder=sources.folder,
        event_path=sources.event_path,
        shown_list=sources.shown_list,
        secret=ledger.secret,
        database=ledger.database,
        answers=history.answers,
        now=now,
    )
