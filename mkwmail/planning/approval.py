"""Approval: the sources of a mailing's text, and how two versions differ.

Pure.
"""

import difflib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal, TypeVar

from mkwmail.clock import day_and_time
from mkwmail.config.event import OWN_FILES, Event, shared_among
from mkwmail.config.kinds import mailing_named, rule_of, shown_name
from mkwmail.dutch.dates import number as in_words
from mkwmail.errors import Fault, UserError
from mkwmail.i18n import _, ngettext, some
from mkwmail.ledger.models import TOLD, Approval, Change, Delivery, Proof, Round
from mkwmail.planning.facts import differences as differing_facts
from mkwmail.planning.facts import read_facts

#: Name of a source → its text. For a file that is not text (attachments, a logo): :func:`fingerprint` of its bytes.
Sources = Mapping[str, str]

#: Ends the name of the source that holds the facts: those who were told older facts get an update, not a correction.
FACTS = ": facts"

T = TypeVar("T", bound=Hashable)

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
    return _("the date, place or programme in %(file)s") % {"file": name.removesuffix(FACTS)}


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
    lines = [f"{sign}{line}" for sign, line in _changed(old.splitlines(), new.splitlines())]
    more = len(lines) - _MOST_LINES
    if more <= 0:
        return tuple(lines)
    rest = ngettext("… and %(n)s line more", "… and %(n)s lines more", more) % {"n": more}
    return (*lines[:_MOST_LINES], rest)


def _changed(before: Sequence[T], now: Sequence[T]) -> Iterator[tuple[Literal["-", "+"], T]]:
    """Yield the lines that were removed and added, in their order."""
    matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag != "equal":
            yield from (("-", line) for line in before[first:last])
            yield from (("+", line) for line in now[new_first:new_last])


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
            changed = differences(_without_own_files(given[number].sources), _without_own_files(now))
            if changed:
                found[changed] = found.get(changed, 0) + count
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return tuple(EarlierText(count, changed) for changed, count in ordered)


def replaced_files(approvals: Sequence[Approval], now: Sources) -> tuple[Difference, ...]:
    """Return how members' own files differ from those last approved; not if there are only more of them."""
    before = approvals[-1].sources if approvals else {}
    lacking = [
        name
        for name, text in before.items()
        if name.startswith(OWN_FILES) and set(text.splitlines()) - set(now.get(name, "").splitlines())
    ]
    return differences({name: before[name] for name in lacking}, {name: now.get(name, "") for name in lacking})


def _without_own_files(sources: Sources) -> Sources:
    """Return the sources of what members have in common: a file of one member is no text of another's."""
    return {name: text for name, text in sources.items() if not name.startswith(OWN_FILES)}


def since_proof(proof: Proof | None, now: Sources) -> tuple[str, ...]:
    """Return in sentences to whom a proof was sent, and what has changed since. Empty if none was sent."""
    if proof is None:
        return ()
    words = {"moment": day_and_time(proof.at), "people": some(proof.addresses)}
    changed = differences(proof.sources, now)
    if not changed:
        return (_("nothing has changed since the proof of %(moment)s to %(people)s") % words,)
    told = ("\n    ".join((difference.what, *difference.lines)) for difference in changed)
    return (_("this has changed since the proof of %(moment)s to %(people)s:") % words, *told)


#: Ends the name of the source that holds what certificates of attendance say.
CERTIFICATE = ": certificate"

#: Begins the name of the source that holds a picture of theirs.
CERTIFICATE_FILE = "certificate: "

#: The name of the source that holds their text.
CERTIFICATE_TEMPLATE = "templates/certificate.md"

#: The name of certificates of attendance in a correction.
CERTIFICATES = "Bewijs"

#: The template of assistants' copies. No mailing can have this name, so that it is no other mailing's template.
COPY = "for_information"


@dataclass(frozen=True, slots=True)
class Correcting:
    """A correction of the mailing ``of``, as its text is now.

    ``edition``: the version of that text. ``had``: everybody who was told it in any version; ``earlier``: those
    whose last version differs. ``sources``: the text as it is now. ``changes``: what the mail tells each of the
    ``earlier``, if it differs in lines that can be shown. ``unexplained``: those of them to whom nothing in the mail's
    text differs. ``uncertified``: those who had it and get no certificate, if nothing else has changed.
    """

    of: str
    edition: int
    had: frozenset[str]
    earlier: frozenset[str]
    sources: Sources
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    unexplained: frozenset[str] = frozenset()
    uncertified: frozenset[str] = frozenset()


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
    of: str,
    deliveries: Sequence[Delivery],
    approvals: Mapping[str, Sequence[Approval]],
    now: Sources,
    present: Collection[str],
    explained: bool = False,
) -> Correcting:
    """Return who has which text of a mailing.

    ``present``: those who get a certificate. What it says concerns only them.

    ``explained``: the correction's own text says what was wrong. It is for everybody then, if the text of the mailing
    never changed.

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
    differing = {key for key, text in texts.items() if differences(text, wording)}
    besides = {key for key in differing if differences(_uncertified(texts[key]), _uncertified(wording))}
    uncertified = {
        person
        for person, delivery in last.items()
        if person not in present and delivery.approval in differing and delivery.approval not in besides
    }
    earlier = {person for person, delivery in last.items() if delivery.approval in differing} - uncertified
    edition = _edition([texts[key] for key in sorted(texts)], wording)
    told = {key: corrections(texts[key], wording) for key in differing}
    alike = {key for key in differing if not told[key] and not _template_differs(texts[key], wording)}
    changes = {person: told[last[person].approval or 0] for person in earlier}
    return Correcting(
        of,
        edition,
        had=frozenset(last),
        earlier=frozenset(last if explained and not edition else earlier),
        sources=now,
        changes={
            person: tuple(each for each in those if person in present or each.what != CERTIFICATES)
            for person, those in changes.items()
        },
        unexplained=frozenset(person for person in earlier if last[person].approval in alike),
        uncertified=frozenset(uncertified),
    )


def nothing_to_correct(event: Event, mailing: str, correcting: Correcting) -> Fault:
    """Return the fault of a correction that has nothing to show."""
    fault = _("%(mailing)s would show no difference: nothing in the text of %(of)s has changed since it was sent")
    remedy = _(
        "correct the text first, or write below %(mailing)s: text: what was wrong; if the date, the place or the times "
        "changed, run `mkwmail send %(event)s update`"
    )
    shown = {"mailing": shown_name(mailing), "of": shown_name(correcting.of)}
    return Fault(event.id, fault % shown, remedy % {"event": event.id, "mailing": mailing})


def refuse_if_alike(event: Event, mailing: str, correcting: Correcting) -> None:
    """Refuse a correction of a text that has never changed.

    :raises UserError: unless the correction has a text of its own.
    """
    if correcting.had and not correcting.edition and not mailing_named(event, mailing).text:
        raise UserError(nothing_to_correct(event, mailing, correcting))


def corrections(before: Sources, now: Sources) -> tuple[Change, ...]:
    """Return what a correction tells somebody who got the text of ``before``: the lines that were wrong, old and new.

    A part that the mail's template does not show is not included.
    """
    template = _template(before)
    shown = before.get(template, "")
    old, new = _Parts(before, template), _Parts(now, template)
    changes = [
        Change(what, *_differing(part(old), part(new)))
        for what, marks, part in _PARTS
        if not marks or any(mark in shown for mark in marks)
    ]
    return tuple(change for change in changes if change.old or change.new)


def _template(sources: Sources) -> str:
    """Return the name of the source that is the mail's own template."""
    known = (name for name in sources if name.startswith("templates/") and name.endswith(".md"))
    return next((name for name in known if name not in _SHARED), "")


def _template_differs(before: Sources, now: Sources) -> bool:
    return any(before.get(name) != now.get(name) for name in {_template(before), _template(now), *_SHARED})


class _Parts:
    """The parts of a mailing's sources that a correction can show."""

    def __init__(self, sources: Sources, template: str) -> None:
        self.documents = documents = {name: text for name, text in sources.items() if text.lstrip().startswith("{")}
        entry = next((name for name in documents if name.startswith("mailings: ")), "")
        self.entry = _document(documents.get(entry, ""))
        event = next((name for name in documents if name not in (entry, "mkwmail.yaml")), "")
        self.event = _document(documents.get(event, ""))
        self.template: Sequence[str] = [
            line for line in sources.get(template, "").splitlines() if not _JINJA.search(line)
        ]
        self.files = {name: text for name, text in sources.items() if text.startswith(_HASH)}

    def programme(self) -> list[str]:
        return [
            "; ".join([item["title"], *item.get("speakers", ()), *item.get("description", "").splitlines()])
            for item in self.event.get("programme", ())
        ]

    def hosts(self) -> list[str]:
        return [
            f"{host['name']} ({', '.join(known)})" if known else host["name"]
            for host in self.event.get("hosts", ())
            for known in [[host[key] for key in ("role", "organisation") if host.get(key)]]
        ]

    def attachments(self) -> list[tuple[str, str]]:
        names = [PurePath(name).name for name in shared_among(self.entry.get("attachments", ()))]
        return [(name, self.files.get(name, "")) for name in names]

    def certificate(self) -> list[str]:
        says = _document(next((text for name, text in self.documents.items() if name.endswith(CERTIFICATE)), ""))
        hours, points = says.get("hours"), says.get("pe_points")
        lines = {
            "Duur": f"{in_words(hours)} uur" if hours is not None else "",
            "PE-punten": in_words(points) if points and points is not True else "",
            "Accreditatie": says.get("accredited", ""),
            "Ondertekend door": says.get("signed_by", ""),
        }
        return [f"{what}: {value}" for what, value in lines.items() if value]


def _document(text: str) -> dict[str, Any]:
    """Return a source that is a JSON document; its texts have line ends. An old one may be unreadable: empty."""
    try:
        read = json.loads(text, strict=False) if text else {}
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _differing(before: Sequence[str | tuple[str, str]], now: Sequence[str | tuple[str, str]]) -> tuple[str, str]:
    """Return the lines that were removed, and those that were added."""
    changed = list(_changed(before, now))
    old, new = ([line if isinstance(line, str) else line[0] for way, line in changed if way == sign] for sign in "-+")
    if old and old == new:  # files of the same name
        return " ".join(f"{name} (eerdere versie)" for name in old), " ".join(f"{name} (nieuwe versie)" for name in new)
    return " ".join(filter(None, old)), " ".join(filter(None, new))


def _paragraphs(text: str | None) -> list[str]:
    """Return a text as its sentences, without Markdown's marks."""
    # Only a correction needs it, and the desk starts sooner without.
    from mkwmail.mail.markdown import text_of

    return [one for line in text_of(text or "").splitlines() for one in _SENTENCE.split(line.strip()) if one]


_SHARED = ("templates/signature.md", "templates/footer.md", "templates/phrases.md")
_JINJA = re.compile(r"\{[{%#]|[}%#]\}")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")

# A correction's name for a part, the words in a template that show it (none: every template does), and its lines.
_PARTS: tuple[tuple[str, tuple[str, ...], Callable[[_Parts], Sequence[str | tuple[str, str]]]], ...] = (
    ("Onderwerp", (), lambda parts: [parts.entry.get("subject", "")]),
    ("Thema", ("event.theme", "masthead(", "facts("), lambda parts: [parts.event.get("theme", "")]),
    ("Tekst", ("mailing.text",), lambda parts: _paragraphs(parts.entry.get("text"))),
    ("Tekst", (), lambda parts: parts.template),
    ("Toelichting", ("event.introduction",), lambda parts: _paragraphs(parts.event.get("introduction"))),
    ("Programma", ("programme(", "event.programme"), _Parts.programme),
    ("Organisatie", ("hosts(", "event.hosts", "host_names("), _Parts.hosts),
    ("Bijlage", (), _Parts.attachments),
    (CERTIFICATES, (), _Parts.certificate),
)


def with_corrected(own: Sources, corrected: Correcting) -> dict[str, str]:
    """Return a correction's sources: its own, and the text that it corrects."""
    return {**own, **{f"{corrected.of}: {name}": text for name, text in corrected.sources.items()}}


def _corrected(of: str, sources: Sources) -> Sources | None:
    """Return the text that a correction brought, from its sources. None if it corrected another mailing."""
    prefix = f"{of}: "
    found = {name.removeprefix(prefix): text for name, text in sources.items() if name.startswith(prefix)}
    return found or None


def _wording(sources: Sources) -> Sources:
    # Members have not had an earlier text if only the frame of assistants' copies has changed.
    return {
        name: text
        for name, text in _without_own_files(sources).items()
        if not (name.endswith(FACTS) or name == f"templates/{COPY}.md")
    }


def _uncertified(sources: Sources) -> Sources:
    """Return the sources without those of the certificates."""
    return {
        name: text
        for name, text in sources.items()
        if not (name.endswith(CERTIFICATE) or name.startswith(CERTIFICATE_FILE) or name == CERTIFICATE_TEMPLATE)
    }


def _edition(texts: Sequence[Sources], now: Sources) -> int:
    """Return the version of the text. It is one higher with every change, also if it is changed back."""
    number, last = -1, None
    for text in (*texts, now):
        if last is None or differences(last, text):
            number, last = number + 1, text
    return number


def laid_out(document: str) -> str:
    """Lay out a JSON document so that differences read well.

    Each value, and each line of a text, is on a line of its own.
    """
    return json.dumps(json.loads(document), ensure_ascii=False, indent=1).replace("\\n", "\n")
