"""Outcome: the result of a run as a value, and its exit code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from mkwmail.delivery.smtp_replies import RunFault
from mkwmail.errors import ExitCode
from mkwmail.i18n import _
from mkwmail.ledger.models import State
from mkwmail.planning.audience import Recipient
from mkwmail.planning.plan import Plan, already_sent, came_too_late, refused_by_server

# The first that applies decides. An interruption is the person's own doing: it comes before the faults that it left
# behind, and after the faults that would have stopped the run anyway.
_ORDER = (
    ExitCode.LEDGER_HELD,
    ExitCode.LEDGER_FAULT,
    ExitCode.SERVER,
    ExitCode.LOGIN,
    ExitCode.FAULTY_FILE,
    ExitCode.SETTINGS,
    ExitCode.INTERRUPTED,
    ExitCode.IN_DOUBT,
    ExitCode.REFUSED,
    ExitCode.WAITING,
)


class Ending(NamedTuple):
    """The end of one recipient's message in this run.

    ``reason``: the reply's words, or why the message was not sent; empty if it was. ``state`` is sent, deferred,
    refused, in doubt, or planned (still to be sent). ``not_before``: when a deferred message may be tried again.
    """

    recipient: Recipient
    state: State
    reason: str = ""
    code: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run; everybody whom it was to mail is in one tuple.

    ``waiting``: those who are still planned; ``skipped``: those whom a person left out during the run.
    ``until``: when the rate limit lets the next one leave, if that ended the run. ``interrupted``: a person
    stopped it before it was done.
    """

    sent: tuple[Ending, ...] = ()
    deferred: tuple[Ending, ...] = ()
    refused: tuple[Ending, ...] = ()
    in_doubt: tuple[Ending, ...] = ()
    waiting: tuple[Ending, ...] = ()
    skipped: tuple[Ending, ...] = ()
    stopped: RunFault | None = None
    until: datetime | None = None
    interrupted: bool = False


def outcome_of(
    endings: Iterable[Ending],
    stopped: RunFault | None,
    until: datetime | None,
    interrupted: bool,
    skipped: Iterable[Ending] = (),
) -> Outcome:
    """Return the endings of a run, sorted by state."""
    by_state: dict[State, list[Ending]] = {}
    for ending in endings:
        by_state.setdefault(ending.state, []).append(ending)
    of = {state: tuple(found) for state, found in by_state.items()}
    return Outcome(
        sent=of.get(State.SENT, ()),
        deferred=of.get(State.DEFERRED, ()),
        refused=of.get(State.REFUSED, ()),
        in_doubt=of.get(State.IN_DOUBT, ()),
        waiting=of.get(State.PLANNED, ()),
        skipped=tuple(skipped),
        stopped=stopped,
        until=until,
        interrupted=interrupted,
    )


def exit_code(outcome: Outcome, after: Plan | None = None, doubtful: int = 0) -> ExitCode:
    """Return the exit code of a run and of what earlier runs left behind.

    Too late counts as refused: the person does not get the mailing, and no later run sends it.

    :param after: the plan as it is after the run; None: only what became of those whom the run was to mail.
    :param doubtful: how many rows of the list wait for a person's word about who they are.
    """
    codes = []
    if outcome.stopped:
        codes.append(outcome.stopped.code)
    if outcome.interrupted:
        codes.append(ExitCode.INTERRUPTED)
    if outcome.in_doubt or (after and after.in_doubt):
        codes.append(ExitCode.IN_DOUBT)
    if outcome.refused or (after and (after.refused or after.expired)):
        codes.append(ExitCode.REFUSED)
    if outcome.deferred or outcome.waiting or doubtful or (after and (after.to_send or after.waiting)):
        codes.append(ExitCode.WAITING)
    return gravest(codes)


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code, of several, that the process returns."""
    found = set(codes)
    return next((code for code in _ORDER if code in found), ExitCode.OK)


def plan_after(plan: Plan, outcome: Outcome, now: datetime) -> Plan:
    """Return the plan as a new one would be after the run."""
    ended = (*outcome.sent, *outcome.deferred, *outcome.refused, *outcome.in_doubt, *outcome.skipped)
    done = {each.recipient.person for each in ended}
    sent, unknown = already_sent(now), _("it is not known whether the server accepted it")
    after = replace(
        plan,
        to_send=tuple(each for each in plan.to_send if each.person not in done),
        skipped=(*plan.skipped, *(replace(each.recipient, reason=each.reason) for each in outcome.skipped)),
        waiting=(
            *plan.waiting,
            *(
                replace(each.recipient, reason=each.reason, not_before=each.not_before or now)
                for each in outcome.deferred
            ),
        ),
        refused=(
            *plan.refused,
            *(replace(each.recipient, reason=refused_by_server(now, each.reason)) for each in outcome.refused),
        ),
        in_doubt=(
            *plan.in_doubt,
            *(replace(each.recipient, reason=each.reason or unknown) for each in outcome.in_doubt),
        ),
        already=(*plan.already, *(replace(each.recipient, reason=sent) for each in outcome.sent)),
    )
    return came_too_late(after) if now > plan.latest else after


def under_their_names(outcome: Outcome, names: Mapping[str, str]) -> Outcome:
    """Return the outcome with other keys for the same persons: key → key."""

    def renamed(endings: Sequence[Ending]) -> tuple[Ending, ...]:
        return tuple(
            each._replace(recipient=replace(each.recipient, person=names[each.recipient.person])) for each in endings
        )

    return replace(
        outcome,
        sent=renamed(outcome.sent),
        deferred=renamed(outcome.deferred),
        refused=renamed(outcome.refused),
        in_doubt=renamed(outcome.in_doubt),
        waiting=renamed(outcome.waiting),
        skipped=renamed(outcome.skipped),
    )
