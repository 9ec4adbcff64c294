"""A mailing's letters and messages, from templates and attachments."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

from mkwmail.commands.context import Sources, certificates_of
from mkwmail.config.event import CalendarMethod, Event
from mkwmail.config.event_file import LINK_FIELDS
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import CORRECTION, mailing_named, rule_of, templates_of
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import reason_of, shipped
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, rounds
from mkwmail.ledger.database import Database
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Facts
from mkwmail.ledger.people import CODE_LENGTH, code_for
from mkwmail.mail.calendar_part import entry_uid
from mkwmail.mail.compose import Addressed, Composition, compose, message_id
from mkwmail.mail.context import Addressee, Change, Lazily, MailingContext
from mkwmail.mail.letter import Content, Letter, Message, no_content
from mkwmail.mail.merge import PersonalFile, files_in
from mkwmail.mail.mime import Attachment, Picture, read_attachment
from mkwmail.mail.templates import SHARED_TEMPLATES, Templates
from mkwmail.planning.approval import (
    CERTIFICATES,
    COPY,
    FACTS,
    Correcting,
    corrected_mailing,
    correcting,
    differences,
    fingerprint,
    laid_out,
    nothing_to_correct,
    with_corrected,
)
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.facts import facts_of, read_facts, words_of
from mkwmail.planning.member_index import MemberIndex
from mkwmail.planning.plan import Plan, WithEarlierText, with_earlier_text

if TYPE_CHECKING:
    from mkwmail.mail.personal_files import PersonalFiles
    from mkwmail.papers.certificates import Certificates

_PROOF = "proef"


class OutgoingMail(NamedTuple):
    """One person's message, before its date is known.

    ``date``: that of an earlier try, whose bytes are sent again; its values are complete. ``facts``: the version of
    the event's facts that it carries. ``content`` gives the person's own files.
    """

    recipient: Recipient
    addressed: Addressed
    message_id: str
    facts: Facts | None
    date: datetime | None = None
    content: Content = no_content

    def complete(self, moment: datetime) -> Mapping[str, str]:
        """Return every value in the letter, dated ``moment``.

        An earlier try keeps its own date.
        """
        return self.addressed.values if self.date else self.addressed.complete(self.message_id, moment)

    def message(self, moment: datetime) -> Message:
        """Return the message, dated ``moment``."""
        return self.addressed.letter.address(self.complete(moment), self.content)

    @property
    def files(self) -> tuple[PersonalFile, ...]:
        """The person's own files."""
        return files_in(self.addressed.values)


class OutgoingMails(Sequence[OutgoingMail]):
    """Everybody's message, composed on access.

    ``letters`` are available without that.
    """

    def __init__(
        self, letters: Sequence[Letter], outgoing: Sequence[OutgoingMail], certificates: "Certificates | None" = None
    ) -> None:
        self.letters = letters
        self.certificates = certificates
        self._outgoing = outgoing

    def __len__(self) -> int:
        return len(self._outgoing)

    @overload
    def __getitem__(self, index: int) -> OutgoingMail: ...
    @overload
    def __getitem__(self, index: slice) -> "OutgoingMails": ...
    def __getitem__(self, index: int | slice) -> "OutgoingMail | OutgoingMails":
        if isinstance(index, slice):
            return OutgoingMails(self.letters[index], self._outgoing[index], self.certificates)
        return self._outgoing[index]


@dataclass(frozen=True, slots=True)
class Composer:
    """All that is needed to compose a mailing's letters.

    ``sources``: the texts that an approval covers (:mod:`mkwmail.planning.approval`).
    """

    context: MailingContext
    templates: Templates
    sources: Mapping[str, str]
    facts: Facts
    files: "PersonalFiles | None" = None
    certificates: "Certificates | None" = None

    def enclosing(
        self, sources: Sources, ledger: Ledger, history: History, now: datetime, *, to_send: bool = False
    ) -> "Composer":
        """Return the composer with the certificates of this mailing, if it brings any.

        ``now``: before the day of the event the certificates are examples, which are not sent (``to_send``).

        :raises UserError: if the certificate's template or pictures have a fault, or only examples could be sent.
        """
        if not _certifies(self.context.event, self.context.name, history):
            return self
        made = certificates_of(sources, ledger, history, self.templates, now)
        if to_send and made.example:
            fault = _("the day of the event is still to come, so there are no certificates to send")
            raise user_error(sources.shown_event, fault, _("send it after the event"), code=ExitCode.USAGE)
        return replace(self, certificates=made)

    def without_files(self) -> "Composer":
        """Return the composer without the members' own files, to try the template on everybody."""
        return replace(self, files=None)

    def content(self, sha256: str) -> bytes:
        """Return a person's own file, of the last composition, by its SHA-256."""
        found = self.certificates.made.get(sha256) if self.certificates else None
        if found is None and self.files is not None:
            return self.files.content(sha256)
        return found if found is not None else no_content(sha256)

    def _enclosed(self, recipients: Sequence[Recipient]) -> tuple[dict[str, tuple[PersonalFile, ...]], frozenset[str]]:
        """Return person → their own files, and the persons who get a certificate."""
        everyone = [(each.person, each.member) for each in recipients]
        files = self.files.of(everyone) if self.files else {}
        if self.certificates is None:
            return files, frozenset()
        certificates = self.certificates.of(everyone)
        both = {person: (*files.get(person, ()), file) for person, file in certificates.items()}
        return {**files, **both}, frozenset(certificates)

    def compose(
        self,
        recipients: Sequence[Recipient],
        history: History,
        secret: bytes,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Composition:
        """Compose all letters.

        Assistants get their copies from a template of its own.

        :raises UserError: with the faults of all templates and members.
        """
        copies = [number for number, each in enumerate(recipients) if each.copy_of]
        if not copies:
            return self._composed(self.context, recipients, history, secret, progress)
        own = [number for number, each in enumerate(recipients) if not each.copy_of]
        context = _copy_context(self.context)
        parts = (
            self._composed(self.context, [recipients[number] for number in own], history, secret, progress),
            self._composed(context, [recipients[number] for number in copies], history, secret, lambda _done: None),
        )
        places = {number: (part, at) for part, some in enumerate((own, copies)) for at, number in enumerate(some)}

        def addressed(number: int) -> Addressed:
            part, at = places[number]
            return parts[part].addressed[at]

        letters = [parts[part].of[at] for part, at in (places[number] for number in range(len(recipients)))]
        return Composition(Lazily(len(recipients), addressed), letters)

    def _composed(
        self,
        context: MailingContext,
        recipients: Sequence[Recipient],
        history: History,
        secret: bytes,
        progress: Callable[[int], None],
    ) -> Composition:
        event = context.event.id
        # Computed once: each is used before anything is composed, and again when the message is made.
        codes = "" if context.proof else "".join([code_for(secret, event, each.person) for each in recipients])
        updates = rule_of(context.name).tells_changes
        corrected = history.correcting.changes if history.correcting is not None else {}
        self._refuse_unexplained(recipients, history)
        facts = read_facts(self.facts.document)
        asks = context.event.calendar.method is CalendarMethod.REQUEST  # else all share one UID
        telling = history.telling
        # A file of one person is for that person alone, so that assistants get none.
        files, certified = self._enclosed([each for each in recipients if not each.copy_of])

        def changes_of(each: Recipient) -> tuple[Change, ...]:
            answer = history.answers.get(each.person)
            return telling.changes_for(each.person, facts, answer) if updates else corrected.get(each.person, ())

        def addressee(number: int) -> Addressee:
            each, code = recipients[number], codes[number * CODE_LENGTH : (number + 1) * CODE_LENGTH] or _PROOF
            if each.copy_of:
                return copy(each)
            return Addressee(
                each.person,
                each.member,
                code,
                history.answers.get(each.person),
                entry_uid(secret, event, each.person) if asks else "",
                changes_of(each),
                telling.told_other_times(each.person, facts),
                telling.told.get(each.person) == (self.facts.version,),
                files=files.get(each.person, ()),
                certified=each.person in certified,
                choices=history.choices.get(each.person, ""),
            )

        def copy(each: Recipient) -> Addressee:
            answers = {history.answers.get(one.person) for one in each.copy_of}
            members = [
                Addressee(one.person, one.member, _PROOF if context.proof else code_for(secret, event, one.person))
                for one in each.copy_of
            ]
            return Addressee(
                each.person,
                each.member,
                code="",
                answer=answers.pop() if len(answers) == 1 else None,
                changes=tuple(dict.fromkeys(change for one in each.copy_of for change in changes_of(one))),
                has_entry=telling.told.get(each.person) == (self.facts.version,),
                copy_of=tuple(members),
            )

        return compose(context, self.templates, Lazily(len(recipients), addressee), progress)

    def _refuse_unexplained(self, recipients: Sequence[Recipient], history: History) -> None:
        """Refuse a correction that would not say to its readers what was wrong.

        :raises UserError: if nothing in the mail's text differs, and it has no text of its own.
        """
        correcting = history.correcting
        if correcting is None or self.context.mailing.text:
            return
        if correcting.unexplained.intersection(each.person for each in recipients):
            raise UserError(nothing_to_correct(self.context.event, self.context.name, correcting))

    def outgoing(
        self, plan: Plan, history: History, ledger: Ledger, progress: Callable[[int], None] = lambda done: None
    ) -> OutgoingMails:
        """Return everybody's message.

        An earlier try's bytes are used again if the sources and the address have not changed.

        :raises UserError: with the faults of all templates and members.
        """
        composition = self.compose(plan.to_send, history, ledger.secret, progress)
        tries = {each.person: each.tries for each in history.deliveries if each.round == plan.round}
        same = self._approvals_of_the_same(ledger)
        begun = self.context.event.starts if self.context.begun else None
        domain = self.context.settings.sender.email.rpartition("@")[2]
        again = {
            number: earlier
            for number, recipient in enumerate(plan.to_send)
            if (earlier := _earlier_try(recipient, same, self.facts, begun, ledger)) is not None
        }

        def outgoing(number: int) -> OutgoingMail:
            if number in again:
                return again[number]
            recipient, of = plan.to_send[number], plan.round
            version = tries.get(recipient.person, 0)
            name = message_id(ledger.secret, of.event, of.mailing, of.edition, recipient.person, version, domain)
            return OutgoingMail(recipient, composition.addressed[number], name, self.facts, content=self.content)

        letters = [
            again[number].addressed.letter if number in again else letter
            for number, letter in enumerate(composition.of)
        ]
        return OutgoingMails(letters, Lazily(len(letters), outgoing), self.certificates)

    def _approvals_of_the_same(self, ledger: Ledger) -> frozenset[int]:
        given = rounds.of_mailing(ledger.database, self.context.event.id, self.context.name)
        return frozenset(each.id for each in given if not differences(each.sources, self.sources))


class Enclosed(NamedTuple):
    """How many mails have a certificate, how many other files of their own, and the size in octets of the largest."""

    certificates: int = 0
    files: int = 0
    largest: int = 0

    def __str__(self) -> str:
        certificates = ngettext("%(n)d with a certificate", "%(n)d with a certificate", self.certificates)
        files = ngettext("%(n)d with a file of its own", "%(n)d with files of their own", self.files)
        said = [words % {"n": n} for n, words in ((self.certificates, certificates), (self.files, files)) if n]
        return ", ".join(said)


def enclosed(outgoing: OutgoingMails) -> Enclosed:
    """Count the mails with files of their own."""
    if not any(letter.is_personal for letter in outgoing.letters):
        return Enclosed()
    whose = [each.files for each in outgoing]
    return Enclosed(
        sum(any(file.certificate for file in files) for files in whose),
        sum(any(not file.certificate for file in files) for files in whose),
        max((sum(file.octets for file in files) for files in whose), default=0),
    )


def variants(mailbag: OutgoingMails) -> list[tuple[OutgoingMail, int]]:
    """Return each letter's first message and its number of members."""
    counts = Counter(map(id, mailbag.letters))
    firsts: dict[int, int] = {}
    for number, letter in enumerate(mailbag.letters):
        firsts.setdefault(id(letter), number)
    return [(mailbag[number], counts[key]) for key, number in firsts.items()]


def _earlier_try(
    recipient: Recipient, same: frozenset[int], facts: Facts, begun: datetime | None, ledger: Ledger
) -> OutgoingMail | None:
    retry = recipient.retry
    if retry is None or retry.letter is None or retry.message_id is None or retry.date is None:
        return None
    if retry.approval not in same:
        return None
    # A mail of before the event has a calendar entry, which a mail has no more once the event has begun.
    if begun is not None and retry.date < begun:
        return None
    # Facts changed and changed back are a new version: its calendar entry has another SEQUENCE.
    if retry.values.get("to_address") != recipient.member.email or retry.facts != facts.version:
        return None
    if recipient.copy_of and not _names_the_same(retry.values, recipient.copy_of):
        return None
    addressee = Addressee(recipient.person, recipient.member, code="")
    letter = Letter.load(deliveries.letter(ledger.database, retry.letter))
    addressed = Addressed(addressee, letter, retry.values)
    return OutgoingMail(recipient, addressed, retry.message_id, facts, retry.date, kept_content(ledger.database))


def kept_content(database: Database) -> Content:
    """Return the function that gives personal files from the ledger."""

    def content(sha256: str) -> bytes:
        from mkwmail.ledger.papers import file

        return file(database, sha256)

    return content


def _names_the_same(values: Mapping[str, str], members: Sequence[Recipient]) -> bool:
    """Return whether an earlier try's values name these members of an assistant, and nobody else."""
    named = [text for field, text in values.items() if field.startswith("copy_of.") and field.endswith(".name")]
    return sorted(named) == sorted(each.name or each.address for each in members)


def _copy_context(context: MailingContext) -> MailingContext:
    """Return the context of the assistants' copies.

    An entry that asks for an answer is only for the member; an assistant's calendar would answer for itself.
    """
    event = context.event
    if event.calendar.method is CalendarMethod.REQUEST:
        without = event.calendar.model_copy(update={"method": CalendarMethod.NONE})
        event = event.model_copy(update={"calendar": without})
    return replace(context, event=event, template=COPY, copied=context.template, personal=False)


def correcting_of(sources: Sources, mailing: str, ledger: Ledger, history: History) -> History:
    """Return the history, for a correction with the mailing it corrects.

    :raises UserError: if that is not a mailing of the event, or one of its files cannot be read.
    """
    event = sources.event
    of = corrected_mailing(event, mailing, history.deliveries) if rule_of(mailing).corrects else None
    if of is None:
        return history
    corrections = {each.round.mailing for each in history.deliveries if rule_of(each.round.mailing).corrects}
    given = {name: rounds.of_mailing(ledger.database, event.id, name) for name in {of, mailing, *corrections}}
    now = composer_of(sources, of, ledger.secret, replace(history, correcting=None)).sources
    explained = bool(mailing_named(event, mailing).text)
    present = {person for person, answer in history.answers.items() if answer == "present"}
    return replace(history, correcting=correcting(of, history.deliveries, given, now, present, explained))


def earlier_text_of(
    sources: Sources, index: MemberIndex, ledger: Ledger, history: History, now: datetime
) -> WithEarlierText | None:
    """Return those who have an earlier text of the mailing that `correction` would correct, or None.

    None too if that text cannot be read now.
    """
    try:
        return with_earlier_text(
            sources.event, index.listings, correcting_of(sources, CORRECTION, ledger, history), now
        )
    except UserError:  # told where that mailing is composed
        return None


def composer_of(
    sources: Sources,
    mailing: str,
    secret: bytes,
    history: History,
    *,
    moment: datetime | None = None,
    proof: bool = False,
    automatic: bool = False,
) -> Composer:
    """Return the composer of a mailing.

    ``moment``: when it is sent; None if only its sources are wanted. ``automatic``: the mailing is sent without a
    person present.

    :raises UserError: if there is no such mailing or template, a file cannot be read, or the method of the calendar
        entry differs from that of the entries that were sent.
    """
    _refuse_another_method(sources, history.telling.method)
    cancelled = history.cancelled is not None or rule_of(mailing).cancels
    facts = facts_of(sources.event, cancelled)
    version = history.telling.version_of(facts)
    folder, settings = sources.folder, sources.settings
    event, pictures = _with_pictures(sources, _proof_of(sources.event) if proof else sources.event, mailing)
    entry = mailing_named(event, mailing)
    logo = _file(folder, folder.path / settings.logo) if settings.logo else None
    names = (*entry.shared_files, *_corrected_files(event, history.correcting))
    attachments = tuple(_file(folder, sources.event_path.parent / name) for name in dict.fromkeys(names))
    templates = Templates((folder.templates_dir, shipped("templates")))
    context = MailingContext(
        event=event,
        name=mailing,
        mailing=entry,
        template=_template_name(sources, mailing, templates_of(mailing, entry)),
        settings=settings,
        uid=entry_uid(secret, event.id),
        sequence=version,
        cancelled=cancelled,
        original=history.correcting.of if history.correcting else None,
        attachments=attachments,
        personal=bool(entry.personal_files) or _certifies(event, mailing, history),
        logo=logo,
        pictures=pictures,
        proof=proof,
        automatic=automatic,
        moment=moment,
        entry_if_lacking=not rule_of(mailing).carries_entry,
    )
    method = event.calendar.method
    carries = method is not CalendarMethod.NONE and not context.begun
    carried = Facts(version, facts.document(), method.value if carries else "")
    files = _personal_files(sources, context)
    approved = _approved_sources(sources, context, templates) | (files.sources() if files else {})
    if history.correcting is not None:
        approved = with_corrected(approved, history.correcting)
    return Composer(context, templates, approved, carried, files)


def _certifies(event: Event, mailing: str, history: History) -> bool:
    """Return whether those who were present get a certificate with the mailing.

    A correction brings it if what it says was wrong. If nobody turns out to have been present, it brings none.
    """
    if event.certificate is None or rule_of(mailing).certifies:
        return event.certificate is not None
    told = history.correcting.changes.values() if history.correcting is not None else ()
    wrong = any(change.what == CERTIFICATES for changes in told for change in changes)
    return wrong and "present" in history.answers.values()


def _personal_files(sources: Sources, context: MailingContext) -> "PersonalFiles | None":
    rules = context.mailing.personal_files
    if not rules:
        return None
    from mkwmail.mail.personal_files import PersonalFiles

    shared = sum(len(file.data) for file in context.attachments)
    members = sources.members.members
    return PersonalFiles(rules, members, sources.folder, sources.event_path, sources.shown_list, shared)


def _corrected_files(event: Event, correcting: Correcting | None) -> Iterator[str]:
    """Yield the attachments that were wrong: a correction has the right ones."""
    if correcting is None:
        return
    told = " ".join(change.new for changes in correcting.changes.values() for change in changes)
    for name in mailing_named(event, correcting.of).shared_files:
        if Path(name).name in told:
            yield name


def _refuse_another_method(sources: Sources, method: str) -> None:
    wanted = sources.event.calendar.method.value
    if not method or wanted == method:
        return
    fault = _("calendar: method: is %(wanted)s, but calendar entries were sent with %(method)s")
    remedy = _("make it %(method)s again: entries with another method would be added to those, or leave them unchanged")
    raise user_error(sources.shown_event, fault, remedy, wanted=wanted, method=method)


def _proof_of(event: Event) -> Event:
    """Return the event with a sign-up link that is not anybody's.

    A click in a proof must not sign up a member.
    """
    registration = event.registration
    if registration is None or registration.url is None:
        return event
    url = registration.url
    for field in LINK_FIELDS:
        url = url.replace(f"{{{field}}}", _PROOF)
    return event.model_copy(update={"registration": registration.model_copy(update={"url": url})})


def _file(folder: WorkingFolder, path: Path) -> Attachment:
    try:
        return read_attachment(path)
    except OSError as error:
        raise user_error(folder.shown(path), _("cannot be read: %(why)s"), why=reason_of(error)) from None


def _with_pictures(sources: Sources, event: Event, mailing: str) -> tuple[Event, tuple[Picture, ...]]:
    if "![" not in event.model_dump_json():
        return event, ()
    from mkwmail.config.attachments import attachment_path, picture_width, with_pictures

    pictures: dict[str, Picture] = {}

    def id_of(name: str) -> str:
        file = _file(sources.folder, attachment_path(sources.event_path, name))
        new = Picture(file, f"picture.{len(pictures) + 1}@mkwmail", picture_width(file.data) or 0)
        return pictures.setdefault(fingerprint(file.data), new).content_id

    return with_pictures(event, mailing, id_of), tuple(pictures.values())


def _template_name(sources: Sources, mailing: str, names: Sequence[str]) -> str:
    """Return the first of these templates that exists.

    :raises UserError: if the mailing says only its text, and has none and no template of the user's.
    """
    places = (own := sources.folder.templates_dir, shipped("templates"))
    found = (name for name in names if any((place / f"{name}.md").is_file() for place in places))
    template = next(found, names[-1])
    says = mailing_named(sources.event, mailing).text or (own / f"{template}.md").is_file()
    if rule_of(mailing).says_only_its_text and not says:
        fault = _("%(mailing)s has no text: its mails would be empty")
        raise user_error(sources.shown_event, fault, _("write below %(mailing)s: text: …"), mailing=mailing)
    return template


def _approved_sources(sources: Sources, context: MailingContext, templates: Templates) -> dict[str, str]:
    """Return everything on which the mails' content depends.

    The keys are the names under which the user knows the sources.
    """
    settings = sources.settings
    shown_event, entry = sources.shown_event, mailing_named(sources.event, context.name)
    shown = {"association", "sender", "reply_to", "form", "footer"}
    found = {
        shown_event: laid_out(json.dumps(words_of(sources.event))),
        f"{shown_event}{FACTS}": laid_out(facts_of(sources.event).document()),
        f"mailings: {context.name}": laid_out(
            entry.model_dump_json(include={"subject", "text", "attachments", "template"}, exclude_none=True)
        ),
        "mkwmail.yaml": laid_out(settings.model_dump_json(include=shown, exclude_none=True)),
    }
    for name in (f"{context.template}.md", f"{COPY}.md", *SHARED_TEMPLATES):
        found[f"templates/{name}"] = templates.source(name)
    logo = [context.logo] if context.logo else []
    for file in (*context.attachments, *logo, *(picture.file for picture in context.pictures)):
        found[file.name] = fingerprint(file.data)
    if context.event.certificate is not None and rule_of(context.name).certifies:
        from mkwmail.papers.certificates import approved_sources

        found |= approved_sources(context.event, shown_event, sources.event_path, templates)
    return found
