"""``send --dry-run`` and ``send --rehearse``: no mail leaves the computer."""

from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mkwmail.clock import ShiftedClock, day_and_time
from mkwmail.commands.approved_sources import correcting_of
from mkwmail.commands.compose_mailing import OutgoingMails, composer_of
from mkwmail.commands.context import Invocation, history_of, open_ledger, read_sources, refuse_examples, server_of
from mkwmail.commands.output import PAGE, Page, replace_file
from mkwmail.commands.preview import passages_of, show_variants
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
from mkwmail.config.fields import WithWarnings
from mkwmail.config.kinds import shown_name
from mkwmail.config.settings import Pace
from mkwmail.delivery.outcome import Outcome, under_their_names
from mkwmail.delivery.rehearsal import RehearsalServer
from mkwmail.delivery.smtp_client import open_session
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import reason_of
from mkwmail.i18n import _, mails
from mkwmail.ledger import rounds
from mkwmail.ledger.host import this_computer
from mkwmail.ledger.ledger import Ledger
from mkwmail.planning.member_index import chosen_mailing, identify_members, listed_member, plan_for
from mkwmail.planning.timetable import moment_of, presumed
from mkwmail.report.recipients import Summary, show_by_reason, show_proposal, show_summary, summary_value
from mkwmail.report.terminal import fault_lines


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
        composer = composer_of(sources, name, ledger.secret, past, moment=moment)
        composer = composer.enclosing(sources, ledger, past, now)
        ready = prepare_mailing(terminal, sources, index, past, plan, composer, ledger)
    folder = sources.folder.rehearsal_dir
    try:
        summary = _practised(invocation, ready, folder, moment, options)
        page = Page(
            WithWarnings(sources.event, sources.warnings),
            name,
            ready.outgoing[: options.limit],
            moment,
            sources.settings.form,
            passages_of(sources, composer),
        )
        replace_file(folder / PAGE, page.html().encode())
    except OSError as error:
        fault = _("cannot be written: %(why)s")
        raise user_error(str(folder), fault, code=ExitCode.LEDGER_FAULT, why=reason_of(error)) from None
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
