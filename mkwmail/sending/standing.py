"""How everybody stands after a run: the plan that was carried out, with what became of each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mkwmail.language import _
from mkwmail.sending.outcome import Ending, Outcome
from mkwmail.sending.plan import Plan, Skip, Waiting, already_sent, came_too_late, refused_by_server


def standing(plan: Plan, outcome: Outcome, now: datetime) -> Plan:
    """The plan as it would be made afresh after its run: whom it would still mail, who waits, and so on."""
    ended = (*outcome.sent, *outcome.deferred, *outcome.refused, *outcome.in_doubt, *outcome.skipped)
    done = {each.person for each in ended}
    sent, unknown = already_sent(now), _("it is not known whether the server took it")
    after = replace(
        plan,
        to_send=tuple(each for each in plan.to_send if each.person not in done),
        skipped=(*plan.skipped, *(_skip(each, each.reason) for each in outcome.skipped)),
        waiting=(*plan.waiting, *(_waiting(each, now) for each in outcome.deferred)),
        refused=(*plan.refused, *(_skip(each, refused_by_server(now, each.reason)) for each in outcome.refused)),
        in_doubt=(*plan.in_doubt, *(_skip(each, each.reason or unknown) for each in outcome.in_doubt)),
        already=(*plan.already, *(_skip(each, sent) for each in outcome.sent)),
    )
    return came_too_late(after) if now > plan.latest else after


def _waiting(ending: Ending, now: datetime) -> Waiting:
    return Waiting(ending.person, ending.name, ending.address, ending.reason, ending.not_before or now)


def _skip(ending: Ending, reason: str) -> Skip:
    return Skip(ending.person, ending.name, ending.address, reason)


def under_their_names(outcome: Outcome, names: Mapping[str, str]) -> Outcome:
    """The outcome with other keys for the same persons: key → key."""

    def renamed(endings: Sequence[Ending]) -> tuple[Ending, ...]:
        return tuple(each._replace(person=names[each.person]) for each in endings)

    return replace(
        outcome,
        sent=renamed(outcome.sent),
        deferred=renamed(outcome.deferred),
        refused=renamed(outcome.refused),
        in_doubt=renamed(outcome.in_doubt),
        waiting=renamed(outcome.waiting),
        skipped=renamed(outcome.skipped),
    )
