"""A mailing's letters and messages, from templates and attachments."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, overload

from mkwmail.commands.approved_sources import read_files, sources_of
from mkwmail.commands.context import Sources, certificates_of
from mkwmail.config.event import LINK_FIELDS, CalendarMethod, Event
from mkwmail.config.kinds import mailing_named, rule_of
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import CODE_LENGTH, Change, Facts, code_for
from mkwmail.mail.calendar_part import entry_uid
from mkwmail.mail.compose import Addressed, Composition, compose, message_id
from mkwmail.mail.context import Addressee, Lazily, MailingContext
from mkwmail.mail.letter import Content, Letter, Message, no_content
from mkwmail.mail.merge import PersonalFile, files_in
from mkwmail.mail.templates import Templates
from mkwmail.planning.approval import (
    CERTIFICATES,
    COPY,
    differences,
    nothing_to_correct,
)
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.facts import facts_of, read_facts
from mkwmail.planning.plan import Plan

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
    return OutgoingMail(
        recipient, addressed, retry.message_id, facts, retry.date, partial(deliveries.file, ledger.database)
    )


def _names_the_same(values: Mapping[str, str], members: Sequence[Recipient]) -> bool:
    """Return whether an earlier try's values name these members of an assistant, and no others."""
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


def composer_of(
    sources: Sources,
    mailing: str,
    ledger: Ledger,
    history: History,
    now: datetime,
    moment: datetime | None,
    *,
    proof: bool = False,
    to_send: bool = False,
    automatic: bool = False,
    templates: Templates | None = None,
) -> Composer:
    """Return the composer of a mailing.

    ``moment``: when it is sent; None if that is not known. ``to_send``: it is sent now; before the day of the event
    certificates are examples, which are not sent. ``automatic``: the mailing is sent without a person present.
    ``templates``: those of an earlier mailing of the folder, of which most are shared.

    :raises UserError: if there is no such mailing or template, a file cannot be read, the method of the calendar
        entry differs from that of the entries that were sent, the certificate's template or pictures have a fault, or
        only examples of certificates could be sent.
    """
    cancelled = history.cancelled is not None or rule_of(mailing).cancels
    facts = facts_of(sources.event, cancelled)
    version = history.telling.version_of(facts)
    event = _proof_of(sources.event) if proof else sources.event
    read = read_files(sources, mailing, history, event)
    approved = sources_of(sources, mailing, history, read)
    event, entry = read.event, mailing_named(read.event, mailing)
    certifies = _certifies(event, mailing, history)
    context = MailingContext(
        event=event,
        name=mailing,
        mailing=entry,
        template=read.template,
        settings=sources.settings,
        uid=entry_uid(ledger.secret, event.id),
        sequence=version,
        cancelled=cancelled,
        original=history.correcting.of if history.correcting else None,
        attachments=read.attachments,
        personal=bool(entry.personal_files) or certifies,
        logo=read.logo,
        pictures=read.pictures,
        proof=proof,
        automatic=automatic,
        moment=moment,
        entry_if_lacking=not rule_of(mailing).carries_entry,
    )
    method = event.calendar.method
    carries = method is not CalendarMethod.NONE and not context.begun
    carried = Facts(version, facts.document(), method.value if carries else "")
    templates = templates or Templates(sources.folder.template_folders)
    certificates = certificates_of(sources, ledger, history, templates, now) if certifies else None
    if to_send and certificates is not None and certificates.example:
        fault = _("the day of the event is still to come, so there are no certificates to send")
        raise user_error(sources.shown_event, fault, _("send it after the event"), code=ExitCode.USAGE)
    return Composer(context, templates, approved, carried, _personal_files(sources, context), certificates)


def _certifies(event: Event, mailing: str, history: History) -> bool:
    """Return whether those who were present get a certificate with the mailing.

    A correction brings it if what it says was wrong. Without anybody present, it brings none.
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
