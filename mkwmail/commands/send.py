"""``send``: plan, compose, confirm, deliver, sum up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from mkwmail.auth.credentials import credential_for
from mkwmail.clock import Clock
from mkwmail.commands.approved_sources import correcting_of, earlier_text_of
from mkwmail.commands.compose_mailing import Composer, OutgoingMails, composer_of, enclosed, variants
from mkwmail.commands.context import (
    Invocation,
    Sources,
    back_up,
    history_of,
    open_ledger,
    read_sources,
    really_handed_to,
    refuse_examples,
    server_of,
)
from mkwmail.commands.prompts import (
    ask_about_move,
    ask_about_names,
    confirmed,
    former_faults,
    former_names,
    refuse_without_terminal,
    settled_members,
    take_ledger,
)
from mkwmail.config.folder import is_synchronised
from mkwmail.config.settings import Pace
from mkwmail.delivery.delivery import deliver
from mkwmail.delivery.outcome import Outcome, exit_code, plan_after
from mkwmail.delivery.rate_limit import time_needed
from mkwmail.delivery.run import Job
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.transport import Open, interruptible
from mkwmail.errors import ExitCode
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Claim, Delivery, ScheduledApproval
from mkwmail.mail.context import Lazily
from mkwmail.mail.letter import Message
from mkwmail.planning.approval import differences, earlier_texts, refuse_if_alike, replaced_files, since_proof
from mkwmail.planning.audience import History
from mkwmail.planning.member_index import (
    MemberIndex,
    chosen_mailing,
    identified,
    identify_members,
    left_out_reasons,
    plan_for,
)
from mkwmail.planning.oddities import (
    earlier_text_fault,
    list_changed,
    list_oddities,
    misplaced_faults,
    replaced_fault,
    salutation_note,
    twin_faults,
)
from mkwmail.planning.plan import Plan
from mkwmail.planning.schedule import go_ahead_for
from mkwmail.report.recipients import (
    PersonWithReason,
    Proposal,
    Summary,
    mail_view,
    show_proposal,
    show_summary,
    summary_value,
)
from mkwmail.report.terminal import Terminal, delivery_progress, duration, is_handed_to, progress_bar, was_handed_to

if TYPE_CHECKING:
    from mkwmail.planning.renamed import Former


@dataclass(frozen=True, slots=True)
class PreparedMailing:
    """A mailing that can be sent: its plan, and all messages composed."""

    sources: Sources
    index: MemberIndex
    history: History
    plan: Plan
    composer: Composer
    outgoing: OutgoingMails


def prepare_mailing(
    terminal: Terminal,
    sources: Sources,
    index: MemberIndex,
    history: History,
    plan: Plan,
    composer: Composer,
    ledger: Ledger,
) -> PreparedMailing:
    """Compose every message of a plan.

    :raises UserError: with the faults of all templates and members; no mail is sent then.
    """
    with progress_bar(terminal, _("Composing"), len(plan.to_send)) as show:
        outgoing = composer.outgoing(plan, history, ledger, show)
    return PreparedMailing(sources, index, history, plan, composer, outgoing)


def jobs_for(
    outgoing: OutgoingMails, event: str, earlier: Sequence[Delivery], ledger: Ledger, keys: Mapping[str, str]
) -> Sequence[Job]:
    """Store the letters and people's own files, and return the jobs for delivery.

    ``earlier``: the deliveries of this round so far. ``keys``: person → their key in this ledger, if that differs.
    """
    tries = {each.person: each.tries for each in earlier}
    letters = (first.addressed.letter for first, _count in variants(outgoing))
    kept = {id(letter): deliveries.keep_letter(ledger.database, letter.dump()) for letter in letters}
    content = partial(deliveries.file, ledger.database)
    if any(letter.is_personal for letter in outgoing.letters):
        _keep_files(outgoing, event, ledger, keys)

    def job(number: int) -> Job:
        each = outgoing[number]
        person, letter = each.recipient.person, each.addressed.letter
        recipient = replace(each.recipient, person=keys[person]) if person in keys else each.recipient
        tried, name = tries.get(person, 0) + 1, kept[id(letter)]

        def prepare(moment: datetime) -> tuple[Message, Claim]:
            values = each.complete(moment)
            message = letter.address(values, content)
            about = (message.message_id, each.date or moment, message.digest)
            return message, Claim(recipient.person, recipient.address, name, values, *about, tried, each.facts)

        return Job(recipient, prepare, tried)

    return Lazily(len(outgoing), job)


def _keep_files(outgoing: OutgoingMails, event: str, ledger: Ledger, keys: Mapping[str, str]) -> None:
    """Keep the exact bytes of people's own files, before the first message is sent. One file at a time is in memory."""
    database = ledger.database
    with database.transaction():
        for each in outgoing:
            person = keys.get(each.recipient.person, each.recipient.person)
            for file in each.files:
                if not deliveries.has_file(database, event, person, file.sha256):
                    deliveries.keep_file(database, event, person, each.content(file.sha256))
        if outgoing.certificates is not None:
            outgoing.certificates.keep(database, [each.recipient.person for each in outgoing], keys)


def run(
    terminal: Terminal, jobs: Sequence[Job], plan: Plan, ledger: Ledger, connect: Open, pace: Pace, clock: Clock
) -> Outcome:
    """Deliver with a progress bar; Ctrl-C finishes the current message."""
    of = plan.round

    def left_out() -> Mapping[str, str]:
        return left_out_reasons(rounds.left_out(ledger.reader), of.event)

    with interruptible() as stop, delivery_progress(terminal, len(jobs)) as progress:
        outcome = deliver(jobs, of, ledger, connect, pace, clock, stop, progress, plan.latest, left_out)
    skips = [(each.recipient.person, each.reason) for each in outcome.skipped]
    rounds.record_skips(ledger.database, of, skips, clock.now())
    return outcome


def summed_up(ready: PreparedMailing, outcome: Outcome, planned: int, now: datetime) -> Summary:
    """Return the summary after a run of ``planned`` mails."""
    after = plan_after(ready.plan, outcome, now)
    return Summary(
        event=ready.sources.event.id,
        mailing=ready.plan.round.mailing,
        planned=planned,
        outcome=outcome,
        after=after,
        code=exit_code(outcome, after, len(ready.index.doubtful)),
        faulty=faulty_entries(ready.sources),
        unsettled=tuple(each.who for each in ready.history.unsettled),
    )


def note_skips(plan: Plan, ledger: Ledger, now: datetime) -> None:
    """Record who is left out and why.

    Rows of somebody who is mailed under another row are not recorded.
    """
    mailed = {each.person for each in plan.to_send}
    skips = [(each.person, each.reason) for each in plan.skipped if each.person not in mailed]
    rounds.record_skips(ledger.database, plan.round, skips, now)


def faulty_entries(sources: Sources) -> tuple[PersonWithReason, ...]:
    """Return the faulty rows of the member list, which were left out."""
    return tuple(
        PersonWithReason(row.name, row.address, "; ".join(f"{fault.place}: {fault.fault}" for fault in row.faults))
        for row in sources.members.faulty
    )


@dataclass(frozen=True, slots=True)
class SendOptions:
    """The options of ``send``. ``limit``: at most so many in this run.

    ``browser``: show the page of a rehearsal in the browser.
    """

    limit: int | None = None
    yes: bool = False
    skip_faulty: bool = False
    json: bool = False
    browser: bool = False


def send(invocation: Invocation, event: str, mailing: str | None, options: SendOptions) -> ExitCode:
    """Send a mailing to everybody who should get it and has not had it.

    :raises UserError: if nothing can be sent; then no mail was sent.
    """
    terminal = invocation.terminal
    refuse_without_terminal(terminal, options.yes)
    sources = read_sources(invocation, event, options.skip_faulty)
    smtp = server_of(sources.settings, invocation.shifted)
    server = really_handed_to(sources.settings, invocation.shifted)
    _warn_of_synchronising(terminal, sources)
    with open_ledger(invocation, sources.folder, refuses=True) as ledger:
        now = invocation.clock.now()
        with ledger.hold(f"send {sources.event.id}", now):
            take_ledger(invocation, ledger)
            if server:
                terminal.note(is_handed_to(server), "warning")
            ask_about_move(invocation, ledger, sources.event)
            ready = prepared(invocation, sources, mailing, ledger)
            ask_about_names(invocation, ledger, sources, ready.plan.round.mailing, _former_names(ready, ledger, now))
            if rounds.unsure(ledger.database, sources.event.id, ready.plan.round.mailing) is not None:
                from mkwmail.commands.restore import ask_if_sent

                ask_if_sent(invocation, ledger, sources, ready.plan, ready.history)
            refuse_examples(sources, smtp, [each.member for each in ready.plan.to_send])
            # Check for a login first, so that the user does not type a count in vain.
            credential = credential_for(smtp, sources.folder.path) if ready.outgoing else None
            if ready.outgoing and not _confirmed(invocation, ready, ledger, options):
                terminal.note(_("Nothing was sent."), "bold")
                return ExitCode.INTERRUPTED
            connect = partial(open_session, smtp, credential)
            summary = _carried_out(invocation, ready, ledger, connect, options)
            earlier = _earlier_text(ready, ledger, invocation.clock.now())
            for fault in back_up(sources.folder, sources.settings, ledger, invocation.clock.now()):
                terminal.note(_("No backup could be made: %(why)s") % {"why": fault}, "warning")
    now = invocation.clock.now()
    screen = terminal.beside() if options.json else terminal
    if options.json:
        terminal.document(summary_value(summary))
    else:
        show_summary(terminal, summary, now)
    if earlier:
        screen.say(earlier, "warning")
    if server and (summary.outcome.sent or summary.outcome.in_doubt):
        screen.say(was_handed_to(server), "warning")
    return summary.code


def _earlier_text(ready: PreparedMailing, ledger: Ledger, now: datetime) -> str:
    """Return that people have an earlier text of the last mailing, and the command; empty if there are none."""
    of = ready.plan.round
    given = rounds.of_mailing(ledger.database, of.event, of.mailing)
    first = all(each.round.mailing == of.mailing for each in ready.history.deliveries)
    if first and not any(differences(each.sources, ready.composer.sources) for each in given):
        # There was no other mailing, and its text never changed: the deliveries need not be read again.
        return ""
    history = history_of(ledger, ready.sources.event)
    found = earlier_text_of(ready.sources, ready.index, ledger, history, now)
    return str(earlier_text_fault(ready.sources.event, ready.sources.shown_event, found)) if found else ""


def _warn_of_synchronising(terminal: Terminal, sources: Sources) -> None:
    service = is_synchronised(sources.folder.path)
    if service:
        warning = _(
            "This folder is synchronised by %(service)s: send from one computer only, or the ledger may be damaged."
        )
        terminal.note(warning % {"service": service}, "warning")


def prepared(invocation: Invocation, sources: Sources, mailing: str | None, ledger: Ledger) -> PreparedMailing:
    """Plan the mailing as of now, and compose every message."""
    event, members, now = sources.event, sources.members.members, invocation.clock.now()
    history = history_of(ledger, event)
    index = identify_members(members, ledger.identify)
    settled = settled_members(invocation, sources, index, ledger)
    if settled is not index:
        index, history = settled, history_of(ledger, event)
    name = chosen_mailing(event, mailing, index, history, now, "send")
    history = correcting_of(sources, name, ledger, history)
    if history.correcting is not None:
        refuse_if_alike(event, name, history.correcting)
    plan = plan_for(event, name, index, history, now)
    composer = composer_of(sources, name, ledger, history, now, now, to_send=True)
    return prepare_mailing(invocation.terminal, sources, index, history, plan, composer, ledger)


def _confirmed(invocation: Invocation, ready: PreparedMailing, ledger: Ledger, options: SendOptions) -> bool:
    """Show what would be sent; return whether the user confirms it."""
    count = min(len(ready.outgoing), options.limit or len(ready.outgoing))
    screen = invocation.terminal.beside() if options.json else invocation.terminal
    # The head stays on the screen with the question, which may take two lines.
    room = screen.height - 2 if not options.yes and screen.leafable else None
    show_proposal(screen, proposal_of(invocation, ready, ledger, count), room)
    if options.yes:
        return True
    along = str(enclosed(ready.outgoing[:count]))
    return confirmed(invocation.terminal, ready.sources.event.id, ready.plan.round.mailing, count, along)


def proposal_of(invocation: Invocation, ready: PreparedMailing, ledger: Ledger, count: int) -> Proposal:
    """Return the proposal to confirm. It needs at least one message."""
    now = invocation.clock.now()
    firsts = [each for each, _count in variants(ready.outgoing)]
    views = [mail_view(each.message(now)) for each in firsts]
    return Proposal(
        event=ready.sources.event,
        plan=ready.plan,
        sample=views[0],
        subjects=len({view.subject for view in views}),
        count=count,
        odd=tuple(_odd(ready, ledger, count)),
        checked=tuple(_checked(ready, ledger, count, now)),
        along=str(enclosed(ready.outgoing[:count])),
        own=frozenset(file.name for file in firsts[0].files),
        members=f"{ready.sources.shown_list}: {'; '.join(ready.sources.members.how_read)}",
        options=" --skip-faulty" if ready.sources.members.faulty else "",
    )


def _former_names(ready: PreparedMailing, ledger: Ledger, now: datetime) -> "tuple[Former, ...]":
    return former_names(ready.sources, ready.index, ledger, ready.history, ready.plan, now)


def _odd(ready: PreparedMailing, ledger: Ledger, count: int) -> Iterator[str]:
    """Yield what only this run says, and a person should look at before confirming; the most important first."""
    sources, of = ready.sources, ready.plan.round
    yield from ready.plan.odd
    yield from list_changed(ready.index, rounds.scheduled(ledger.database))
    left_out = len(sources.members.faulty)
    if left_out:
        faulty = ngettext(
            "%(n)d faulty row of the list is left out", "%(n)d faulty rows of the list are left out", left_out
        )
        yield faulty % {"n": left_out}
    given = rounds.of_mailing(ledger.database, of.event, of.mailing)
    for earlier in earlier_texts(of, ready.history.deliveries, given, ready.composer.sources):
        had = ngettext(
            "%(n)d had an earlier text of this mailing; they can get `correction`",
            "%(n)d had an earlier text of this mailing; they can get `correction`",
            earlier.count,
        )
        yield had % {"n": earlier.count}
        for difference in earlier.differences:
            yield "\n    ".join((difference.what, *difference.lines))
    for difference in replaced_files(given, ready.composer.sources):
        yield "\n    ".join((difference.what, *difference.lines))
    yield from since_proof(rounds.last_proof(ledger.database, of.event, of.mailing), ready.composer.sources)
    takes = time_needed(sources.settings.pace, count)
    if takes is not None:
        yield _("at the pace in mkwmail.yaml this takes %(time)s") % {"time": duration(takes)}


def _checked(ready: PreparedMailing, ledger: Ledger, count: int, now: datetime) -> Iterator[str]:
    """Yield the oddities that `check` shows too, the most important first."""
    sources, shown_list = ready.sources, ready.sources.shown_list
    yield from map(str, former_faults(sources, ready.plan.round.mailing, _former_names(ready, ledger, now)))
    if ready.index.replacing:
        yield str(replaced_fault(ready.index, shown_list))
    yield from map(str, misplaced_faults(ready.index, shown_list))
    yield from map(str, twin_faults([each.member for each in ready.index.listings], shown_list))
    going = ready.plan.to_send[:count]
    yield from salutation_note((each.member for each in going if not each.copy_of), sources.settings.form)
    yield from map(str, sources.warnings)
    if ready.composer.files is not None:
        yield from map(str, ready.composer.files.unused())
    if ready.composer.certificates is not None:
        unaddressed = ((each.person, each.member) for each in ready.history.unaddressed)
        yield from map(str, ready.composer.certificates.by_hand(unaddressed))
    for each in ready.index.moved:
        words = {"name": each.name, "old": each.old_address, "new": each.address}
        yield _("%(name)s has another address now: %(old)s became %(new)s") % words
    yield from list_oddities(sources.members, shown_list)


def _carried_out(
    invocation: Invocation, ready: PreparedMailing, ledger: Ledger, connect: Open, options: SendOptions
) -> Summary:
    """Record the approval, deliver, and return the summary."""
    outgoing = ready.outgoing[: options.limit]
    outcome = Outcome()
    if outgoing:
        _record(invocation, ready, ledger, len(outgoing))
        of = ready.plan.round
        earlier = [each for each in ready.history.deliveries if each.round == of]
        jobs = jobs_for(outgoing, of.event, earlier, ledger, {})
        settings = ready.sources.settings
        outcome = run(invocation.terminal, jobs, ready.plan, ledger, connect, settings.pace, invocation.clock)
    return summed_up(ready, outcome, len(outgoing), invocation.clock.now())


def _go_ahead(ready: PreparedMailing, going: int, now: datetime) -> ScheduledApproval:
    """Return the approval that the user gave.

    With it, `due` may retry mail that the server defers, and mail people who join the list later. If only some
    people were to be mailed, no one else is mailed until the user approves that.
    """
    event, mailing = ready.sources.event, ready.plan.round.mailing
    if going < len(ready.outgoing):
        mailed = [each.person for each in ready.plan.to_send[:going]]
        return go_ahead_for(event, mailing, mailed, at=now, others=False)
    return go_ahead_for(event, mailing, ready.index.keys, at=now)


def _record(invocation: Invocation, ready: PreparedMailing, ledger: Ledger, going: int) -> None:
    """Record identities, approval, list and skips before the first claim."""
    now, plan = invocation.clock.now(), ready.plan
    ledger.record_persons_as(identified(ready.index), now)
    rounds.schedule(ledger.database, _go_ahead(ready, going, now), ready.composer.sources, now)
    rounds.remember_list(ledger.database, plan.round, len(ready.index.listings), now)
    note_skips(plan, ledger, now)
