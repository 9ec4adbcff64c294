"""``check``: everything that can be known before sending."""

from dataclasses import dataclass, replace

from mkwmail.commands.asking import ask_domain, ask_server, quota
from mkwmail.commands.choice import due_mailings
from mkwmail.commands.composing import composer_of, correcting_of, variants
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.logins import lacking
from mkwmail.commands.oddities import (
    direct_warnings,
    event_warnings,
    form_warnings,
    list_notes,
    list_warnings,
    outdated_warnings,
)
from mkwmail.commands.renaming import former_names, renamed_fault
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
from mkwmail.sending.plan import History, Planned
from mkwmail.sending.schedule import due_by_date, superseded
from mkwmail.sizes import size
from mkwmail.sources.folder import is_synchronised
from mkwmail.sources.kinds import in_order


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to ask too: the mail server, name servers about the sender's domain, with its DKIM key's selector."""

    server: bool = False
    domain: bool = False
    selector: str | None = None


_LARGE = 10_000_000  # octets of a message: many servers take no more than 20 MB, some less


def check(
    invocation: Invocation, event: str, asked: Asked, *, skip_faulty: bool = False, json: bool = False
) -> ExitCode:
    """Say what is wrong or odd about an event's mailings."""
    folder_of(invocation).event_path(event)
    try:
        findings = _looked_through(invocation, read_sources(invocation, event, skip_faulty), asked)
    except UserError as error:
        findings = Findings(event, faults=error.faults, code=error.code)
    if json:
        invocation.terminal.document(findings_value(findings))
    else:
        show_findings(invocation.terminal, findings)
    return findings.code


def _looked_through(invocation: Invocation, sources: Sources, asked: Asked) -> Findings:
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
            left = due | dict.fromkeys(superseded(event, due_by_date(event, now), history.deliveries), 0)
            warnings += approval_warnings(sources, ledger, history, left, now)
        facts: list[tuple[str, str]] = []
        if asked.server:
            times, late = quota(sources, ledger, mailings, now)
            facts += times
            warnings += late
    login = None if asked.server else lacking(sources.settings, sources.folder.path)
    if login is not None:
        warnings.append(login)
    if is_synchronised(sources.folder.path):
        warnings.append(_synchronised(sources))
    code = ExitCode.FAULTY_FILE if faults else ExitCode.OK
    largest = max((each.largest for each in mailings), default=0)
    try:
        if asked.server:
            told, wrong = ask_server(invocation, sources, largest)
            facts[:0] = told
            faults += wrong
        if asked.domain:
            found, weak = ask_domain(sources, asked.selector)
            facts += found
            warnings += weak
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
        server=tuple(facts),
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
    warnings = [renamed_fault(sources, name, each) for each in former_names(sources, roll, ledger, history, plan, now)]
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
    warnings += form_warnings(place, name, sources.settings.form, messages)
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
