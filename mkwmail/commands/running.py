"""A mailing under way: planned, composed, delivered, summed up. `send` and its rehearsal share it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mkwmail.clock import Clock
from mkwmail.commands.composing import Composer, Mailbag, Outgoing, variants
from mkwmail.commands.unreached import left_out_reasons
from mkwmail.commands.workplace import Roll, Sources
from mkwmail.dutch.names import full_name
from mkwmail.language import _
from mkwmail.lazily import Lazily
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.records import Delivery
from mkwmail.report.people import Entry
from mkwmail.report.progress import delivery_progress, progress_bar
from mkwmail.report.summary import Summary
from mkwmail.report.terminal import Terminal
from mkwmail.sending.delivery import Job, Prepared, deliver
from mkwmail.sending.outcome import Outcome, exit_code
from mkwmail.sending.plan import History, Plan
from mkwmail.sending.standing import standing
from mkwmail.sending.stop import interruptible
from mkwmail.sending.transport import Open
from mkwmail.sources.settings import Pace


@dataclass(frozen=True, slots=True)
class Ready:
    """A mailing that can go: the plan, and everybody's message composed."""

    sources: Sources
    roll: Roll
    history: History
    plan: Plan
    composer: Composer
    outgoing: Mailbag


def make_ready(
    terminal: Terminal,
    sources: Sources,
    roll: Roll,
    history: History,
    plan: Plan,
    composer: Composer,
    ledger: Ledger,
) -> Ready:
    """Compose every message of a plan.

    :raises UserError: with the faults of all templates and members: then nobody is mailed.
    """
    with progress_bar(terminal, _("Composing"), len(plan.to_send)) as show:
        outgoing = composer.outgoing(plan, history, ledger, show)
    return Ready(sources, roll, history, plan, composer, outgoing)


def jobs_for(outgoing: Mailbag, earlier: Sequence[Delivery], ledger: Ledger, keys: Mapping[str, str]) -> Sequence[Job]:
    """The messages as delivery wants them, their letters kept.

    ``earlier``: where people stand in this round already. ``keys``: who each is in this ledger, where that
    differs.
    """
    tries = {each.person: each.tries for each in earlier}
    kept = {id(first.letter): ledger.keep_letter(first.letter.dump()) for first, _count in variants(outgoing)}

    def job(number: int) -> Job:
        each = outgoing[number]
        member = each.planned.member
        return Job(
            person=keys.get(each.planned.person, each.planned.person),
            address=member.email,
            name=full_name(member.name),
            prepare=_preparing(each, kept[id(each.letter)]),
            tries=tries.get(each.planned.person, 0) + 1,
            facts=each.facts,
        )

    return Lazily(len(outgoing), job)


def _preparing(each: Outgoing, letter: str) -> Callable[[datetime], Prepared]:
    retry = each.planned.retry

    def prepare(moment: datetime) -> Prepared:
        # An earlier try keeps its own date: the same bytes go again.
        date = retry.date if each.addressed is None and retry and retry.date else moment
        values = each.complete(date)
        return Prepared(each.letter.address(values), letter, values, date)

    return prepare


def run(
    terminal: Terminal,
    jobs: Sequence[Job],
    plan: Plan,
    ledger: Ledger,
    connect: Open,
    pace: Pace,
    clock: Clock,
) -> Outcome:
    """Deliver, with a progress bar; Ctrl-C finishes the message under way."""
    of = plan.round

    def left_out() -> Mapping[str, str]:
        return left_out_reasons(ledger.left_out_now(), of.event)

    with interruptible() as stop, delivery_progress(terminal, len(jobs)) as progress:
        outcome = deliver(jobs, of, ledger, connect, pace, clock, stop, progress, plan.latest, left_out)
    ledger.record_skips(of, [(each.person, each.reason) for each in outcome.skipped], clock.now())
    return outcome


def summed_up(ready: Ready, outcome: Outcome, planned: int, now: datetime) -> Summary:
    """How everybody stands after a run of so many."""
    after = standing(ready.plan, outcome, now)
    return Summary(
        event=ready.sources.event.id,
        mailing=ready.plan.round.mailing,
        planned=planned,
        outcome=outcome,
        after=after,
        code=exit_code(outcome, after, len(ready.roll.doubtful)),
        faulty=faulty_entries(ready.sources),
    )


def note_skips(plan: Plan, ledger: Ledger, now: datetime) -> None:
    """Record who is left out and why, but for rows of somebody who is mailed under another one."""
    mailed = {each.person for each in plan.to_send}
    ledger.record_skips(
        plan.round, [(each.person, each.reason) for each in plan.skipped if each.person not in mailed], now
    )


def faulty_entries(sources: Sources) -> tuple[Entry, ...]:
    """The rows of the member list that were left out, with their faults."""
    return tuple(
        Entry(row.name, row.address, "; ".join(f"{fault.place}: {fault.fault}" for fault in row.faults))
        for row in sources.members.faulty
    )
