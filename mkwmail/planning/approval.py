"""Approval: the sources of a mailing's text, and how two versions differ.

Pure.
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mkwmail.config.event import Event
from mkwmail.config.kinds import mailing_named, rule_of
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.models import TOLD, Approval, Delivery, Round
from mkwmail.planning.facts import differences as differing_facts
from mkwmail.planning.facts import read_facts

#: Name of a source → its text. For a file that is not text (attachments, a logo): :func:`fingerprint` of its bytes.
Sources = Mapping[str, str]

#: Ends the name of the source that holds the facts: those who were told older facts get an update, not a correction.
FACTS = ": facts"

_HASH = "sha256:"
_MOST_LINES = 8


def fingerprint(data: bytes) -> str:
    """Return the text that represents bytes among the sources.

    It is for files that cannot be shown as lines.
    """
    return f"{_HASH}{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One source that has changed.

    ``lines``: the first few that were removed (``-``) and added (``+``).
    """

    source: str
    what: str  # a sentence
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierText:
    """An earlier text of a mailing.

    ``count``: how many people got it. ``differences``: what differs from it now.
    """

    count: int
    differences: tuple[Difference, ...]


def differences(before: Sources, now: Sources, words: Mapping[str, str] | None = None) -> tuple[Difference, ...]:
    """Return what differs between two versions of a mailing's sources.

    There is one difference for each source; empty if nothing differs.

    Line ends make no difference, for they make none in the mail. ``words``: the names of sources that are not files.
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
    """Return what differs between two versions of the facts.

    The lines are those of an update; empty if an update would not tell the difference.
    """
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
    """Return the earlier texts of a round, the most frequent first.

    In doubt counts as told. People who were mailed without an approval are not counted: their text is not known.
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


#: The template of assistants' copies. No mailing can have this name, so that it is no other mailing's template.
COPY = "for_information"


@dataclass(frozen=True, slots=True)
class Correcting:
    """A correction of the mailing ``of``, as its text is now.

    ``edition``: the version of that text. ``had``: everybody who was told it in any version; ``earlier``: those
    whose last version differs. ``sources``: the text as it is now.
    """

    of: str
    edition: int
    had: frozenset[str]
    earlier: frozenset[str]
    sources: Sources


def corrected_mailing(event: Event, mailing: str, deliveries: Iterable[Delivery]) -> str | None:
    """Return the mailing that a correction corrects.

    It is the one that its entry names, else the last one that was sent.
    """
    named = mailing_named(event, mailing).of
    if named is not None:
        return named
    went = [each for each in deliveries if each.state in TOLD and not rule_of(each.round.mailing).corrects]
    return max(went, key=lambda each: each.since).round.mailing if went else None


def correcting(
    of: str, deliveries: Sequence[Delivery], approvals: Mapping[str, Sequence[Approval]], now: Sources
) -> Correcting:
    """Return who has which text of a mailing.

    ``approvals``: those of the mailing and of every correction, by name; a correction's include the text that it
    corrected (:func:`with_corrected`). ``now``: the mailing's sources as they are.
    """
    texts: dict[int, Sources] = {}
    for mailing, given in approvals.items():
        for each in given:
            text = _corrected(of, each.sources) if rule_of(mailing).corrects else None
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
    """Return a correction's sources: its own, and the text that it corrects."""
    return {**own, **{f"{corrected.of}: {name}": text for name, text in corrected.sources.items()}}


def _corrected(of: str, sources: Sources) -> Sources | None:
    """Return the text that a correction brought, from its sources.

    None if it corrected another mailing.
    """
    prefix = f"{of}: "
    found = {name.removeprefix(prefix): text for name, text in sources.items() if name.startswith(prefix)}
    return found or None


def _wording(sources: Sources) -> Sources:
    # Members have not had an earlier text if only the frame of assistants' copies has changed.
    return {
        name: text for name, text in sources.items() if not (name.endswith(FACTS) or name == f"templates/{COPY}.md")
    }


def _edition(texts: Sequence[Sources], now: Sources) -> int:
    """Return the version of the text.

    It is one higher with every change, also if it is changed back.
    """
    number, last = -1, None
    for text in (*texts, now):
        if last is None or differences(last, text):
            number, last = number + 1, text
    return number
