"""A mailing's letters from what people wrote: templates, attachments, and the messages that come of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mkwmail.commands.workplace import Sources
from mkwmail.errors import Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import code_for
from mkwmail.letters.attachments import Attachment, read_attachment
from mkwmail.letters.compose import Addressed, Composition, Occasion, compose, message_id
from mkwmail.letters.entry import entry_uid
from mkwmail.letters.letter import Letter
from mkwmail.letters.message import Message
from mkwmail.letters.names import Addressee
from mkwmail.letters.templates import Templates
from mkwmail.sending.approval import differences, fingerprint
from mkwmail.sending.plan import History, Plan, Planned
from mkwmail.shipped import shipped
from mkwmail.sources.event import Event
from mkwmail.sources.folder import WorkingFolder
from mkwmail.sources.kinds import Kind, kind_of, mailing_named, templates_of

_SHARED_TEMPLATES = (
    *("signature.md", "calendar.txt", "phrases.md", "blocks.html", "blocks.txt"),
    *("layout.html", "layout.txt", "mail.css"),
)
_PROOF = "proef"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One person's message before its date is known: an addressed letter, or the bytes of an earlier try."""

    planned: Planned
    letter: Letter
    values: Mapping[str, str]
    message_id: str
    addressed: Addressed | None

    def complete(self, moment: datetime) -> Mapping[str, str]:
        """Every value that the letter is filled with, dated ``moment`` unless it is an earlier try's."""
        return self.addressed.complete(self.message_id, moment) if self.addressed else self.values

    def message(self, moment: datetime) -> Message:
        """The message."""
        return self.letter.address(self.complete(moment))


@dataclass(frozen=True, slots=True)
class Composer:
    """A mailing's letters, ready to be composed for whoever gets them.

    ``sources`` are what an approval is of (:mod:`mkwmail.sending.approval`).
    """

    occasion: Occasion
    templates: Templates
    sources: Mapping[str, str]

    def compose(
        self,
        planned: Sequence[Planned],
        history: History,
        secret: bytes,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Composition:
        """All letters.

        :raises UserError: with the faults of all templates and members.
        """
        event = self.occasion.event.id
        addressees = [
            Addressee(
                each.person,
                each.member,
                _PROOF if self.occasion.proof else code_for(secret, event, each.person),
                history.answers.get(each.person),
                entry_uid(secret, event, each.person),
            )
            for each in planned
        ]
        return compose(self.occasion, self.templates, addressees, progress)

    def outgoing(
        self, plan: Plan, history: History, ledger: Ledger, progress: Callable[[int], None] = lambda done: None
    ) -> tuple[Outgoing, ...]:
        """Everybody's message: an earlier try's bytes where sources and address are as they were.

        :raises UserError: with the faults of all templates and members.
        """
        composition = self.compose(plan.to_send, history, ledger.secret, progress)
        tries = {each.person: each.tries for each in history.deliveries if each.round == plan.round}
        same = self._approvals_of_the_same(ledger)
        domain = self.occasion.settings.sender.email.rpartition("@")[2]
        result = []
        for planned, addressed in zip(plan.to_send, composition.addressed, strict=True):
            earlier = _earlier_try(planned, same, ledger)
            if earlier is not None:
                result.append(earlier)
                continue
            of = plan.round
            version = tries.get(planned.person, 0)
            name = message_id(ledger.secret, of.event, of.mailing, of.edition, planned.person, version, domain)
            result.append(Outgoing(planned, addressed.letter, addressed.values, name, addressed))
        return tuple(result)

    def _approvals_of_the_same(self, ledger: Ledger) -> frozenset[int]:
        approvals = ledger.approvals(self.occasion.event.id, self.occasion.name)
        return frozenset(each.id for each in approvals if not differences(each.sources, self.sources))


def variants(outgoing: Sequence[Outgoing]) -> list[tuple[Outgoing, int]]:
    """The first message of each letter, and how many members get that letter."""
    counts: dict[int, int] = {}
    first: dict[int, Outgoing] = {}
    for each in outgoing:
        key = id(each.letter)
        first.setdefault(key, each)
        counts[key] = counts.get(key, 0) + 1
    return [(each, counts[key]) for key, each in first.items()]


def _earlier_try(planned: Planned, same: frozenset[int], ledger: Ledger) -> Outgoing | None:
    retry = planned.retry
    if retry is None or retry.letter is None or retry.message_id is None or retry.approval not in same:
        return None
    if retry.values.get("to_address") != planned.member.email:
        return None
    return Outgoing(planned, Letter.load(ledger.letter(retry.letter)), retry.values, retry.message_id, None)


def composer_of(sources: Sources, mailing: str, secret: bytes, proof: bool = False) -> Composer:
    """What composes a mailing.

    :raises UserError: where there is no such mailing or template, or a file cannot be read.
    """
    event = _proof_of(sources.event) if proof else sources.event
    entry = mailing_named(event, mailing)
    folder, settings = sources.folder, sources.settings
    logo = _file(folder, folder.path / settings.logo) if settings.logo else None
    attachments = tuple(_file(folder, sources.event_path.parent / name) for name in entry.attachments)
    templates = Templates((folder.templates_dir, shipped("templates")))
    occasion = Occasion(
        event=event,
        name=mailing,
        mailing=entry,
        template=_template_name(folder, templates_of(mailing, entry)),
        settings=settings,
        uid=entry_uid(secret, event.id),
        cancelled=kind_of(mailing) is Kind.CANCELLATION,
        attachments=attachments,
        logo=logo,
        proof=proof,
    )
    return Composer(occasion, templates, _approved_sources(sources, occasion, templates))


def _proof_of(event: Event) -> Event:
    """The event with a sign-up link that is nobody's: a click in a proof signs nobody up."""
    registration = event.registration
    if registration is None or registration.url is None:
        return event
    url = registration.url
    for field in ("{code}", "{member_id}", "{email}"):
        url = url.replace(field, _PROOF)
    return event.model_copy(update={"registration": registration.model_copy(update={"url": url})})


def _file(folder: WorkingFolder, path: Path) -> Attachment:
    try:
        return read_attachment(path)
    except OSError as error:
        fault = _("cannot be read: %(why)s") % {"why": error.strerror or error}
        raise UserError(Fault(folder.shown(path), fault)) from None


def _template_name(folder: WorkingFolder, names: Sequence[str]) -> str:
    places = (folder.templates_dir, shipped("templates"))
    found = (name for name in names if any((place / f"{name}.md").is_file() for place in places))
    return next(found, names[-1])


def _approved_sources(sources: Sources, occasion: Occasion, templates: Templates) -> dict[str, str]:
    """What the mails' content depends on, by the name under which a person knows it."""
    settings = sources.settings
    shown = {"association", "sender", "reply_to", "form"}
    found = {
        sources.folder.shown(sources.event_path): _lines(
            sources.event.model_dump_json(exclude={"mailings"}, exclude_none=True)
        ),
        f"mailings: {occasion.name}": _lines(
            occasion.mailing.model_dump_json(include={"subject", "text", "attachments", "template"}, exclude_none=True)
        ),
        "mkwmail.yaml": _lines(settings.model_dump_json(include=shown, exclude_none=True)),
    }
    for name in (f"{occasion.template}.md", *_SHARED_TEMPLATES):
        found[f"templates/{name}"] = templates.source(name)
    for file in (*occasion.attachments, *([occasion.logo] if occasion.logo else [])):
        found[file.name] = fingerprint(file.data)
    return found


def _lines(document: str) -> str:
    """A JSON document with a line for each value and each line of a text, so that differences read well."""
    return json.dumps(json.loads(document), ensure_ascii=False, indent=1).replace("\\n", "\n")
