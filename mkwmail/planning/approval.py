"""Approval is of the sources: what a mailing's text depends on, and what differs between two of them. Pure."""

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mkwmail.config.event import Event
from mkwmail.config.kinds import Kind, kind_of, mailing_named
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.models import TOLD, Approval, Delivery, Round
from mkwmail.planning.facts import differences as differing_facts
from mkwmail.planning.facts import read_facts

#: Name of a source → its text; for what is not text (attachments, a logo) :func:`fingerprint` of its bytes.
Sources = Mapping[str, str]

#: Ends the name of the source that holds the facts: who was told older ones gets an update, no correction.
FACTS = ": facts"

_HASH = "sha256:"
_MOST_LINES = 8


def fingerprint(data: bytes) -> str:
    """How bytes that cannot be shown as lines stand among the sources."""
    return f"{_HASH}{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One source that is not as it was. ``lines``: what went (``-``) and came (``+``), the first few."""

    source: str
    what: str  # a sentence
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierText:
    """So many got an earlier text of a mailing, with what differs now."""

    count: int
    differences: tuple[Difference, ...]


def differences(before: Sources, now: Sources, words: Mapping[str, str] | None = None) -> tuple[Difference, ...]:
    """What differs between two versions of a mailing's sources, source by source; empty where nothing does.

    Line ends make no difference, for they make none in the mail. ``words``: how sources that are no files are called.
    """
    called = {name: _called(name) for name in (*before, *now)} | dict(words or {})
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None and new is not None:
            found.append(Difference(name, _("%(source)s was added") % {"source": called[name]}))
        elif new is None:
            found.append(Difference(name, _("%(source)s was removed") % {"source": called[name]}))
        elif old is not None and old.splitlines() != new.splitlines():
            lines = _facts(old, new) if name.endswith(FACTS) else ()
            what = _("%(source)s has changed") % {"source": called[name]}
            found.append(Difference(name, what, lines or _lines(old, new)))
    return tuple(found)


def _called(name: str) -> str:
    if not name.endswith(FACTS):
        return name
    return _("what %(file)s says of date, place and programme") % {"file": name.removesuffix(FACTS)}


def _facts(old: str, new: str) -> tuple[str, ...]:
    """What differs between two versions of the facts, as a mail would tell it; empty where it would not."""
    told = differing_facts(read_facts(old), read_facts(new))
    return tuple(
        f"{sign}{change.what}: {said}"
        for change in told
        for sign, said in (("-", change.old), ("+", change.new))
        if said
    )


def _lines(old: str, new: str) -> tuple[str, ...]:
    if old.startswith(_HASH) or new.startswith(_HASH):
        return ()
    before, now = old.splitlines(), new.splitlines()
    changed: list[str] = []
    matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag != "equal":
            changed += [f"-{line}" for line in before[first:last]]
            changed += [f"+{line}" for line in now[new_first:new_last]]
    return _few(changed)


def _few(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - _MOST_LINES
    if more <= 0:
        return tuple(lines)
    rest = ngettext("… and %(n)s line more", "… and %(n)s lines more", more) % {"n": more}
    return (*lines[:_MOST_LINES], rest)


def earlier_texts(
    of: Round, deliveries: Iterable[Delivery], approvals: Iterable[Approval], now: Sources
) -> tuple[EarlierText, ...]:
    """How many were told an earlier text of a round than its sources give now, most first.

    In doubt counts as told. Who was mailed under no approval at all is not counted: nothing is known of it.
    """
    given = {approval.id: approval for approval in approvals}
    counts = Counter(
        each.approval for each in deliveries if each.round == of and each.state in TOLD and each.approval in given
    )
    found: dict[tuple[Difference, ...], int] = {}
    for number, count in counts.items():
        if number is not None:
            changed = differences(given[number].sources, now)
            if changed:
                found[changed] = found.get(changed, 0) + count
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return tuple(EarlierText(count, changed) for changed, count in ordered)


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
