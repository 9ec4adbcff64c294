"""What a correction corrects, which text of it everybody has, and who has an earlier one. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mkwmail.ledger.records import TOLD, Approval, Delivery
from mkwmail.sending.approval import FACTS, Sources, differences
from mkwmail.sources.event import Event
from mkwmail.sources.kinds import Kind, kind_of, mailing_named


@dataclass(frozen=True, slots=True)
class Correcting:
    """A correction of the mailing ``of``, as its text is now.

    ``edition``: the version of that text. ``had``: everybody who was told it in any version; ``earlier``: those
    whose last version says something else. ``sources``: the text as it is now.
    """

    of: str
    edition: int
    had: frozenset[str]
    earlier: frozenset[str]
    sources: Sources


def corrected_mailing(event: Event, mailing: str, deliveries: Iterable[Delivery]) -> str | None:
    """The mailing that a correction is of: the one its entry names, else the last one that went."""
    named = mailing_named(event, mailing).of
    if named is not None:
        return named
    went = [each for each in deliveries if each.state in TOLD and kind_of(each.round.mailing) is not Kind.CORRECTION]
    return max(went, key=lambda each: each.since).round.mailing if went else None


def correcting(
    of: str, deliveries: Sequence[Delivery], approvals: Mapping[str, Sequence[Approval]], now: Sources
) -> Correcting:
    """Who has which text of a mailing.

    ``approvals``: of the mailing and of every correction, by name; a correction's hold what it corrected
    (:func:`with_corrected`). ``now``: the mailing's sources as they are.
    """
    texts: dict[int, Sources] = {}
    for mailing, given in approvals.items():
        for each in given:
            text = _corrected(of, each.sources) if kind_of(mailing) is Kind.CORRECTION else None
            if mailing == of or text is not None:
                texts[each.id] = _wording(each.sources if mailing == of else text or {})
    wording = _wording(now)
    last: dict[str, Delivery] = {}
    for delivery in deliveries:
        known = last.get(delivery.person)
        if delivery.state in TOLD and delivery.approval in texts and (known is None or known.since <= delivery.since):
            last[delivery.person] = delivery
    earlier = {
        person
        for person, delivery in last.items()
        if delivery.approval is not None and differences(texts[delivery.approval], wording)
    }
    return Correcting(
        of, _edition([texts[key] for key in sorted(texts)], wording), frozenset(last), frozenset(earlier), now
    )


def with_corrected(own: Sources, corrected: Correcting) -> dict[str, str]:
    """A correction's sources: its own, and the text that it brings."""
    return {**own, **{f"{corrected.of}: {name}": text for name, text in corrected.sources.items()}}


def _corrected(of: str, sources: Sources) -> Sources | None:
    """The text that a correction brought, from its sources; None where it was of another mailing."""
    prefix = f"{of}: "
    found = {name.removeprefix(prefix): text for name, text in sources.items() if name.startswith(prefix)}
    return found or None


def _wording(sources: Sources) -> Sources:
    return {name: text for name, text in sources.items() if not name.endswith(FACTS)}


def _edition(texts: Sequence[Sources], now: Sources) -> int:
    """The version of the text: one higher with every change, also when it is changed back."""
    number, last = -1, None
    for text in (*texts, now):
        if last is None or differences(last, text):
            number, last = number + 1, text
    return number
