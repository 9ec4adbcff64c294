"""``send --dry-run``, ``send --rehearse`` and ``proof``: mails to look at, before anybody gets them.

The first two send nothing; a proof is one mail of each variant, to the secretary or the chair.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mkwmail.addresses import is_example, mailable
from mkwmail.auth.credentials import credential_for
from mkwmail.clock import ShiftedClock, day_and_time
from mkwmail.commands.approved_sources import correcting_of
from mkwmail.commands.compose_mailing import OutgoingMails, composer_of
from mkwmail.commands.context import (
    Invocation,
    Sources,
    history_of,
    open_ledger,
    read_sources,
    refuse_examples,
    server_of,
)
from mkwmail.commands.output import PAGE, replace_file
from mkwmail.commands.preview import page_of, show_variants
from mkwmail.commands.prompts import confirmed, refuse_without_terminal
from mkwmail.commands.send import (
    PreparedMailing,
    SendOptions,
    jobs_for,
    prepare_mailing,
    prepared,
    proposal_of,
    run,
    summed_up,
)
from mkwmail.config.kinds import mailing_named, shown_name
from mkwmail.config.settings import Pace, Smtp, example_senders
from mkwmail.delivery.outcome import Outcome, gravest, under_their_names
from mkwmail.delivery.rehearsal import RehearsalServer
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.smtp_replies import Meaning, meaning, run_fault
from mkwmail.delivery.transport import Reply
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import writing
from mkwmail.i18n import _, mails, some
from mkwmail.ledger import rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.runs import this_computer
from mkwmail.mail.letter import Message
from mkwmail.planning.member_index import chosen_mailing, identify_members, listed_member, plan_for
from mkwmail.planning.timetable import moment_of, presumed
from mkwmail.report.recipients import Summary, mail_view, show_by_reason, show_proposal, show_summary, summary_value
from mkwmail.report.terminal import Terminal, fault_lines


def dry_run(invocation: Invocation, event: str, mailing: str | None, options: SendOptions) -> ExitCode:
    """Show what `send` would do now: the plan, and one mail per variant."""
    terminal, now = invocation.terminal, invocation.clock.now()
    sources = read_sources(invocation, event, options.skip_faulty)
    with open_ledger(invocation, sources.folder) as ledger:
        ready = prepared(invocation, sources, mailing, ledger)
        count = min(len(ready.outgoing), options.limit or len(ready.outgoing))
        summary = summed_up(ready, Outcome(), count, now)
        proposal = proposal_of(invocation, ready, ledger, count) if ready.outgoing else None
    if options.json:
        terminal.document(summary_value(summary))
    elif proposal is None:
        show_summary(terminal, summary, now)
    else:
        show_proposal(terminal, proposal)
        show_variants(terminal, ready.outgoing[:count], now)
        terminal.say()
        terminal.say(_("A dry run: nothing was sent."), "bold")
    try:
        smtp = server_of(sources.settings, invocation.shifted)
        refuse_examples(sources, smtp, [each.member for each in ready.plan.to_send])
    except UserError as error:
        terminal.note(_("Without --dry-run, this would be refused:"), "warning")
        for line in fault_lines(error.faults[:5]):
            terminal.note(f"  {line}", "warning")
    return ExitCode.OK


def rehearse(invocation: Invocation, event: str, mailing: str | None, options: SendOptions) -> ExitCode:
    """Send the mailing to the embedded server, as if at its own moment."""
    terminal = invocation.terminal
    sources = read_sources(invocation, event, options.skip_faulty)
    with open_ledger(invocation, sources.folder) as ledger:
        index = identify_members(sources.members.members, ledger.identify)
        history = history_of(ledger, sources.event)
        now = invocation.clock.now()
        name = chosen_mailing(sources.event, mailing, index, history, now, "send --rehearse")
        history = correcting_of(sources, name, ledger, history)
        moment = moment_of(sources.event, name, now)
        past = presumed(sources.event, name, index, history, moment)
        plan = plan_for(sources.event, name, index, past, moment)
        composer = composer_of(sources, name, ledger, past, now, moment)
        ready = prepare_mailing(terminal, sources, index, past, plan, composer, ledger)
    folder = sources.folder.rehearsal_dir
    with writing(folder):
        summary = _practised(invocation, ready, folder, moment, options)
        page = page_of(sources, composer, ready.outgoing[: options.limit], moment)
        replace_file(folder / PAGE, page.encode())
    if options.json:
        terminal.document(summary_value(summary))
    elif summary.code is ExitCode.OK and summary.sent:
        words = {"mails": mails(summary.sent), "mailing": shown_name(name), "moment": day_and_time(moment)}
        sentence = _("Rehearsed: %(mails)s (%(mailing)s), as if it were %(moment)s. Nobody got anything.")
        terminal.say(sentence % words, "good")
        show_by_reason(terminal, _("Skipped"), summary.skipped)
        words = {"folder": sources.folder.shown(folder), "page": sources.folder.shown(folder / PAGE)}
        sentence = _("They are in %(folder)s/; %(page)s is in your browser, to leaf through all of them.")
        if not options.browser:
            sentence = _(
                "They are in %(folder)s/: open %(page)s in a browser (or add --browser) to leaf through all of them."
            )
        terminal.say(sentence % words)
    else:
        show_summary(terminal, summary, moment)
    if options.browser:
        import webbrowser

        webbrowser.open((folder / PAGE).as_uri())
    return summary.code


def _practised(
    invocation: Invocation, ready: PreparedMailing, folder: Path, moment: datetime, options: SendOptions
) -> Summary:
    """Rehearse on a ledger that is thrown away; return the summary."""
    outgoing = ready.outgoing[: options.limit]
    clock = ShiftedClock(moment)
    with (
        TemporaryDirectory(prefix="mkwmail-") as place,
        Ledger.open(Path(place, "practice.db"), Path(place, "practice.id"), moment, this_computer()) as practice,
        RehearsalServer(folder) as server,
        practice.hold("send --rehearse", moment),
    ):
        practice.settle(moment)
        rows = [listed_member(each.member) for each in ready.plan.to_send]
        persons = [each.person for each in ready.plan.to_send]
        keys = {real: there.key for real, there in zip(persons, practice.record_persons(rows, moment), strict=True)}
        of = ready.plan.round
        rounds.approve(practice.database, of.event, of.mailing, ready.composer.sources, moment)
        # The practice ledger begins without facts, so their version does not matter there.
        told = OutgoingMails(outgoing.letters, [each._replace(facts=None) for each in outgoing], outgoing.certificates)
        jobs = jobs_for(told, of.event, (), practice, keys)
        connect = partial(open_session, server.smtp, None)
        outcome = run(invocation.terminal, jobs, ready.plan, practice, connect, Pace(), clock)
        real = {there: here for here, there in keys.items()}
        return summed_up(ready, under_their_names(outcome, real), len(outgoing), clock.now())


def proof(invocation: Invocation, event: str, mailing: str, addresses: Sequence[str], *, yes: bool = False) -> ExitCode:
    """Send each address one mail of each variant; record that it had one.

    :raises UserError: if an address cannot be mailed, or nothing can be sent.
    """
    terminal = invocation.terminal
    refuse_without_terminal(terminal, yes)
    recipients = _mailable(addresses)
    sources = read_sources(invocation, event)
    mailing_named(sources.event, mailing)
    smtp = server_of(sources.settings, invocation.shifted)
    _refuse_examples(sources, smtp, recipients)
    messages, whose, approved = _messages(invocation, sources, mailing, recipients)
    _show(terminal, messages, recipients, list(dict.fromkeys(whose.values())))
    if not yes and not confirmed(terminal, sources.event.id, f"proof of {mailing}", len(messages)):
        terminal.note(_("Nothing was sent."), "bold")
        return ExitCode.INTERRUPTED
    code, reached = _sent(terminal, smtp, sources, messages, whose)
    if reached:
        with open_ledger(invocation, sources.folder) as ledger:
            now = invocation.clock.now()
            rounds.record_proof(ledger.database, sources.event.id, mailing, reached, approved, now)
    return code


def _mailable(addresses: Sequence[str]) -> list[str]:
    recipients, faults = [], []
    for address in addresses:
        try:
            recipients.append(mailable(address))
        except ValueError as error:
            faults.append(Fault(address, str(error)))
    if faults:
        raise UserError(*faults, code=ExitCode.USAGE)
    return list(dict.fromkeys(recipients))


def _refuse_examples(sources: Sources, smtp: Smtp, recipients: Sequence[str]) -> None:
    if smtp.on_loopback:
        return
    fault = _("this is an address for examples, and reaches nobody")
    examples = [address for address in recipients if is_example(address.rpartition("@")[2])]
    faults = [*example_senders(sources.settings), *(Fault(address, fault) for address in examples)]
    if faults:
        raise UserError(*faults, code=ExitCode.SETTINGS)


def _messages(
    invocation: Invocation, sources: Sources, mailing: str, recipients: Sequence[str]
) -> tuple[list[Message], dict[str, str], Mapping[str, str]]:
    """Return one message for each variant and recipient, Message-ID → whose version, and the sources of the mailing.

    It is the mail that the first member of the variant gets.
    """
    event, now = sources.event, invocation.clock.now()
    with open_ledger(invocation, sources.folder) as ledger:
        index = identify_members(sources.members.members, ledger.identify)
        history = history_of(ledger, event)
        history = correcting_of(sources, mailing, ledger, history)
        moment = moment_of(event, mailing, now)
        plan = plan_for(event, mailing, index, presumed(event, mailing, index, history, moment), moment)
        # The audience is still empty, such as the attendees: compose it for everybody.
        planned = plan.to_send or index.everybody
        composer = composer_of(sources, mailing, ledger, history, now, moment, proof=True)
        composer = composer if plan.to_send else composer.without_files()
        composition = composer.compose(planned, history, ledger.secret)
    domain = sources.settings.sender.email.rpartition("@")[2]
    first = {id(each.letter): each for each in reversed(composition.addressed)}
    messages, whose = [], {}
    for addressed in reversed(first.values()):
        for recipient in recipients:
            values = addressed.complete(f"{secrets.token_hex(16)}@{domain}", now)
            name = values["to_name"] or values["to_address"]
            # Mails are Dutch, whatever the program speaks.
            values |= {"to_name": f"zoals {name} hem krijgt", "to_address": recipient}
            message = addressed.letter.address(values, composer.content)
            messages.append(message)
            whose[message.message_id] = name
    return messages, whose, composer.sources


def _show(terminal: Terminal, messages: Sequence[Message], recipients: Sequence[str], whose: Sequence[str]) -> None:
    view = mail_view(messages[0])
    count = mails(len(messages) // len(recipients))
    to = _("%(count)s each to %(people)s") % {"count": count, "people": some(recipients)}
    version = _("as %(people)s gets it") if len(whose) == 1 else _("as these get it: %(people)s")
    as_whom = (_("Version"), version % {"people": some(whose)})
    terminal.facts([(_("From"), view.sender), (_("Subject"), view.subject), (_("To"), to), as_whom])


def _sent(
    terminal: Terminal, smtp: Smtp, sources: Sources, messages: Sequence[Message], whose: Mapping[str, str]
) -> tuple[ExitCode, list[str]]:
    """Send; return the exit code, and the addresses that a mail reached."""
    session = open_session(smtp, credential_for(smtp, sources.folder.path))
    replies: dict[str, Reply] = {}
    try:
        for message, reply in session.submit(iter(messages), lambda message: True):
            replies[message.message_id] = reply
    finally:
        session.close()
    codes = [
        _say(terminal, message, whose[message.message_id], replies.get(message.message_id)) for message in messages
    ]
    reached = [message.recipient for message, code in zip(messages, codes, strict=True) if code is ExitCode.OK]
    return gravest(codes), list(dict.fromkeys(reached))


def _say(terminal: Terminal, message: Message, whose: str, reply: Reply | None) -> ExitCode:
    """Print what became of one mail; return its exit code."""
    address = message.recipient
    if reply is None:
        terminal.say(_("%(address)s: not sent, the connection ended") % {"address": address}, "warning")
        return ExitCode.WAITING
    words = {"address": address, "reply": str(reply), "member": whose}
    match meaning(reply):
        case Meaning.SENT:
            terminal.say(_("%(address)s: sent, as %(member)s gets it") % words, "good")
            return ExitCode.OK
        case Meaning.REFUSED:
            terminal.say(_("%(address)s: refused (%(reply)s)") % words, "bad")
            return ExitCode.REFUSED
        case Meaning.IN_DOUBT:
            terminal.say(_("%(address)s: in doubt, it may have arrived (%(reply)s)") % words, "warning")
            return ExitCode.IN_DOUBT
        case Meaning.RUN:
            fault = run_fault(reply)
            terminal.say(f"{address}: {fault.reason}", "bad")
            terminal.say(f"    → {fault.remedy}")
            return fault.code
        case _:
            terminal.say(_("%(address)s: not now (%(reply)s)") % words, "warning")
            return ExitCode.WAITING
