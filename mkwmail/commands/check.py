"""``check``: everything that can be known before sending."""

from collections.abc import Iterator
from dataclasses import replace

from mkwmail.commands.choice import due_mailings
from mkwmail.commands.composing import composer_of, correcting_of, variants
from mkwmail.commands.guard import server_of
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.oddities import (
    direct_warnings,
    event_warnings,
    form_warnings,
    list_notes,
    list_warnings,
    outdated_warnings,
)
from mkwmail.commands.timetabling import approval_warnings
from mkwmail.commands.workplace import (
    Roll,
    Sources,
    call_roll,
    folder_of,
    history_of,
    moment_of,
    open_ledger,
    plan_for,
    presumed,
    read_sources,
)
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.moments import day_and_time
from mkwmail.report.findings import Checked, Findings, findings_value, show_findings
from mkwmail.report.progress import progress_bar
from mkwmail.sending.password import password_for
from mkwmail.sending.plan import History, Planned
from mkwmail.sending.submission import ServerFacts, probe
from mkwmail.sizes import size
from mkwmail.sources.folder import is_synchronised
from mkwmail.sources.kinds import in_order

_LARGE = 10_000_000  # octets of a message: many servers take no more than 20 MB, some less


def check(
    invocation: Invocation, event: str, *, server: bool = False, skip_faulty: bool = False, json: bool = False
) -> ExitCode:
    """Say what is wrong or odd about an event's mailings; with ``server``, log in to the mail server too."""
    folder_of(invocation).event_path(event)
    try:
        findings = _looked_through(invocation, read_sources(invocation, event, skip_faulty), server)
    except UserError as error:
        findings = Findings(event, faults=error.faults, code=error.code)
    if json:
        invocation.terminal.document(findings_value(findings))
    else:
        show_findings(invocation.terminal, findings)
    return findings.code


def _looked_through(invocation: Invocation, sources: Sources, server: bool) -> Findings:
    event, now = sources.event, invocation.clock.now()
    faults: list[Fault] = []
    warnings = [*sources.warnings, *event_warnings(sources)]
    with open_ledger(invocation, sources.folder) as ledger:
        roll = call_roll(sources.members.members, ledger.identify)
        history = history_of(ledger, event)
        warnings += list_warnings(sources, roll, history)
        warnings += outdated_warnings(sources, roll, history, now)
        due = due_mailings(event, roll, history, now)
        mailings = []
        for name in in_order(event):
            try:
                checked, odd = _mailing(invocation, sources, roll, history, ledger, name)
                mailings.append(replace(checked, left=due.get(name, 0)))
                warnings += odd
            except UserError as error:
                faults += error.faults
        if not faults:
            warnings += approval_warnings(sources, ledger, history, due, now)
    if is_synchronised(sources.folder.path):
        warnings.append(_synchronised(sources))
    code = ExitCode.FAULTY_FILE if faults else ExitCode.OK
    largest = max((each.largest for each in mailings), default=0)
    facts: tuple[tuple[str, str], ...] = ()
    if server:
        try:
            told = _asked(invocation, sources)
            facts = _words_of(told)
            faults += _too_large(told, largest)
        except UserError as error:
            faults += error.faults
            code = code or error.code
    return Findings(
        event=event.id,
        title=f"{event.title}, {day_and_time(event.starts)}",
        faults=tuple(dict.fromkeys(faults)),
        warnings=tuple(dict.fromkeys(warnings)),
        notes=tuple(list_notes(sources, roll, history)),
        mailings=tuple(mailings),
        server=facts,
        code=code or (ExitCode.FAULTY_FILE if faults else ExitCode.OK),
    )


def _mailing(
    invocation: Invocation, sources: Sources, roll: Roll, history: History, ledger: Ledger, name: str
) -> tuple[Checked, list[Fault]]:
    """One mailing, composed for everybody whom it will be for."""
    event, now = sources.event, invocation.clock.now()
    history = correcting_of(sources, name, ledger, history)
    moment = moment_of(event, name, now)
    plan = plan_for(event, name, roll, presumed(event, name, roll, history, moment), moment)
    count = len(plan.to_send)
    if not count:
        # Nobody yet, such as those who attend: the template is tried on everybody.
        plan = replace(plan, to_send=tuple(Planned(each.person, each.member) for each in roll.listings))
    composer = composer_of(sources, name, ledger.secret, history)
    with progress_bar(invocation.terminal, name, len(plan.to_send)) as show:
        outgoing = composer.outgoing(plan, history, ledger, show)
    messages = [each.message(now) for each, _count in variants(outgoing)]
    # Members' values differ by some letters; what is large is in the letter.
    largest = max((message.size for message in messages), default=0)
    place = sources.folder.shown(sources.event_path)
    warnings = list(form_warnings(place, name, sources.settings.form, messages))
    warnings += direct_warnings(name, composer.occasion.template, outgoing)
    if largest > _LARGE:
        fault = _("the mails of %(mailing)s have %(size)s, which many servers refuse")
        words = {"mailing": name, "size": size(largest)}
        warnings.append(Fault(place, fault % words, _("make the attachments smaller, or link to them")))
    return Checked(name, event.mailings[name].send, count, len(messages), largest, moment > now), warnings


def _synchronised(sources: Sources) -> Fault:
    service = is_synchronised(sources.folder.path)
    fault = _("this folder is kept by %(service)s, which can spoil or double the ledger") % {"service": service}
    return Fault(str(sources.folder.path), fault, _("move it to a folder of this computer alone"))


def _asked(invocation: Invocation, sources: Sources) -> ServerFacts:
    smtp = server_of(sources.settings, invocation.shifted)
    return probe(smtp, password_for(smtp, sources.folder.path))


def _words_of(told: ServerFacts) -> tuple[tuple[str, str], ...]:
    logged_in = _("logged in") if told.logged_in else _("no login asked for")
    encrypted = told.tls or _("not encrypted")
    limit = size(told.size) if told.size else _("no fixed limit")
    return (
        (_("Server"), f"{told.host}:{told.port}, {encrypted}, {logged_in}"),
        (_("Largest mail"), limit),
    )


def _too_large(told: ServerFacts, largest: int) -> Iterator[Fault]:
    if told.size and largest > told.size:
        fault = _("the server takes mails up to %(limit)s, and these have %(size)s")
        words = {"limit": size(told.size), "size": size(largest)}
        yield Fault(told.host, fault % words, _("make the attachments smaller, or link to them"))
