"""``inbox``: read the mailbox, and record what came back."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mkwmail.auth.credentials import Credential, credential_for
from mkwmail.clock import clock_time
from mkwmail.commands.answers import assisted, calendar_asked, our_mails, rows_of
from mkwmail.commands.bounces import bounce_of, sent_message
from mkwmail.commands.context import Invocation, folder_of, open_ledger
from mkwmail.commands.prompts import choose
from mkwmail.commands.signups import ANSWER_KEYS
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.providers import imap_scope
from mkwmail.config.settings import Imap, Settings, read_settings
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.i18n import _
from mkwmail.ledger import deliveries, people, responses
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Answer, Batch, Bounce, KeptSignup, Stray
from mkwmail.ledger.responses import Finding, InDoubt, KeptMail, Position
from mkwmail.mail.compose import UNSUBSCRIBE
from mkwmail.mail.context import TOKEN
from mkwmail.report.incoming import MailboxReport, ReplyLine, came_value, show_came
from mkwmail.report.terminal import Terminal
from mkwmail.responses.bounces import match
from mkwmail.responses.calendar_replies import understood
from mkwmail.responses.incoming import (
    Incoming,
    Kind,
    Ours,
    answers_by_mail,
    is_wanted,
    read_incoming,
)
from mkwmail.responses.mailbox import GROUP, LARGEST_MAIL, FolderState, Mailbox, MailboxError, open_mailbox
from mkwmail.responses.signup_changes import SAID

_SECONDS = 600.0  # for a first run through a large mailbox
_EARLIER = timedelta(days=1)  # SINCE compares days in the server's time zone


@dataclass(slots=True)
class MailboxFindings:
    """The findings of a run, whether or not they were recorded."""

    mails: int = 0
    too_large: int = 0
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    strays: dict[str, list[Stray]] = field(default_factory=lambda: defaultdict(list))
    doubts: dict[str, list[KeptSignup]] = field(default_factory=lambda: defaultdict(list))
    bounces: list[tuple[str, str, Bounce]] = field(default_factory=list)  # event, person, bounce
    settled: list[Finding] = field(default_factory=list)
    kinds: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))


def inbox(invocation: Invocation, event: str | None, *, dry_run: bool = False, json: bool = False) -> ExitCode:
    """Read the mailbox, record answers and reports, and go through the replies of people.

    :param event: show this event only; the mails of all events are read.
    :raises UserError: if the mailbox cannot be read; what was read before that is recorded.
    """
    folder = folder_of(invocation)
    settings = read_settings(folder)
    about = read_event(folder.event_path(event), folder).value.id if event else ""
    now = invocation.clock.now()
    terminal = invocation.terminal
    with open_ledger(invocation, folder) as ledger, ledger.hold("inbox", now):
        ledger.settle(now)
        found, error = read_mailbox(ledger, folder, settings, now, _SECONDS, dry_run=dry_run)
        came = _came(ledger, found, about)
        if json:
            terminal.document(came_value(came))
        else:
            show_came(terminal, came, about)
            if dry_run:
                terminal.note(_("Nothing was recorded (--dry-run)."))
            elif terminal.interactive and came.replies and error is None:
                _ask_about_replies(terminal, folder, settings, ledger, about, now)
    if error is not None:
        raise error
    return ExitCode.OK


def imap_of(settings: Settings) -> Imap:
    """Return the mailbox of the settings.

    :raises UserError: code SETTINGS if none is named.
    """
    if settings.mailbox is None:
        remedy = _("write in mkwmail.yaml: mailbox: {host: imap.example.org}; or save the mails, and import them")
        raise user_error("mkwmail.yaml", _("no mailbox is set"), remedy, code=ExitCode.SETTINGS)
    return settings.mailbox


def mailbox_login(
    settings: Settings, folder: WorkingFolder, environment: Mapping[str, str] = os.environ
) -> tuple[str, Credential | None]:
    """Return the username for the mailbox, and its password or tokens.

    :raises UserError: as :func:`credential_for`.
    """
    login = imap_of(settings).login(settings.smtp)
    # The variable has the password of the mail server, which may be another account.
    another = login is not settings.smtp
    own = {} if another else environment
    credential = credential_for(login, folder.path, own, needs=imap_scope(settings), for_mailbox=another)
    return imap_of(settings).username or login.username or "", credential


def read_mailbox(
    ledger: Ledger, folder: WorkingFolder, settings: Settings, now: datetime, seconds: float, *, dry_run: bool = False
) -> tuple[MailboxFindings, UserError | None]:
    """Read what is new in all folders, and record it group by group.

    Return what was found, and the fault that ended the reading, if any. The ledger must be held.

    :param seconds: the time for everything.
    """
    found, imap = MailboxFindings(), imap_of(settings)
    ours, assistants = our_mails(ledger), assisted(folder, ledger)
    if not ours.messages:
        return found, None
    error: UserError | None = None
    until = responses.mailbox_waits_until(ledger.database)
    if until is not None and until > now:
        return found, _asked_to_wait(imap, until.astimezone(now.tzinfo))
    try:
        username, credential = mailbox_login(settings, folder)
        account = f"{username} {imap.host}:{imap.port}"
        with open_mailbox(imap, username, credential, seconds) as box:
            reader = _Reader(ledger, box, ours, assistants, account, now, dry_run, found)
            gone = _read_folders(reader, box, imap)
            reader.look_in_sent()
        if gone:
            error = MailboxError(*gone, code=ExitCode.SETTINGS)
    except UserError as fault:
        if fault.code is ExitCode.LEDGER_FAULT:
            raise
        error = fault
    if not dry_run:
        wait = error.wait if isinstance(error, MailboxError) else 0
        until = now + timedelta(seconds=wait) if wait else None
        responses.note_mailbox_read(ledger.database, now, failed=error is not None, until=until)
    return found, error


def _read_folders(reader: "_Reader", box: Mailbox, imap: Imap) -> list[Fault]:
    """Read each folder, and return the faults of those that are not there: they do not stop the others."""
    gone: list[Fault] = []
    for name in imap.folders:
        try:
            state = box.examine(name)
        except MailboxError as fault:
            if fault.code is not ExitCode.SETTINGS:
                raise
            gone += fault.faults
        else:
            reader.read(state)
    return gone


def _asked_to_wait(imap: Imap, until: datetime) -> MailboxError:
    fault = _("the mailbox asked to wait until %(time)s") % {"time": clock_time(until)}
    return MailboxError(Fault(f"{imap.host}:{imap.port}", fault, _("try again later")), code=ExitCode.SERVER)


@dataclass(frozen=True, slots=True)
class MailboxReading:
    """A reading in numbers. ``failing``: since when the mailbox cannot be read; ``waiting``: replies by people."""

    answers: int
    bounces: int
    waiting: int
    failing: datetime | None
    error: UserError | None


def read_for_due(
    ledger: Ledger, folder: WorkingFolder, settings: Settings, now: datetime, seconds: float
) -> MailboxReading:
    """Read the mailbox as :func:`read_mailbox` does, and return the numbers."""
    found, error = read_mailbox(ledger, folder, settings, now, seconds)
    answers = sum(map(len, found.answers.values()))
    failing = responses.mailbox_failing_since(ledger.database) if error is not None else None
    return MailboxReading(answers, len(found.bounces), len(responses.waiting_replies(ledger.database)), failing, error)


@dataclass(slots=True)
class _Reader:
    """One reading of the mailbox."""

    ledger: Ledger
    box: Mailbox
    ours: Ours
    assistants: Mapping[str, tuple[str, ...]]  # address key → members
    account: str
    now: datetime
    dry_run: bool
    found: MailboxFindings

    def read(self, state: FolderState) -> None:
        """Read what is new in the open folder."""
        before = responses.mailbox_position(self.ledger.database, self.account, state.name)
        first = before.uid + 1 if before is not None and before.validity == state.validity else 1
        if first > state.last_uid:
            return
        since = (min(each.at for each in deliveries.sent_mails(self.ledger.database)) - _EARLIER).date()
        found = self.box.search(first, state.last_uid, since, self.ours.domains, (TOKEN, UNSUBSCRIBE))
        token = self.box.with_text(first, state.last_uid, since, TOKEN)
        uids = sorted({*found, *token})
        groups = [uids[start : start + GROUP] for start in range(0, len(uids), GROUP)]
        for group in groups:
            mails = self._fetched(state.name, group, token)
            self._record(mails, state, group[-1])
        self._record([], state, state.last_uid)

    def _fetched(self, folder: str, uids: Sequence[int], token: set[int]) -> list[Incoming]:
        headers = self.box.headers(uids)
        wanted = [each for each in headers if each.uid in token or each.calendar or is_wanted(each.fields, self.ours)]
        self.found.too_large += sum(each.size > LARGEST_MAIL for each in wanted)
        fitting = [each.uid for each in wanted if each.size <= LARGEST_MAIL]
        return [read_incoming(data, f"{folder}/{uid}", self.ours) for uid, data in self.box.mails(fitting)]

    def _record(self, mails: Sequence[Incoming], state: FolderState, uid: int) -> None:
        """Record a group of mails, and that the folder was read so far, in one transaction."""
        database = self.ledger.database
        if self.dry_run:
            self._learn([each for each in mails if each.digest not in responses.known_mails(database)], state.name)
            return
        with database.transaction():
            known = responses.known_mails(database)
            fresh = list({each.digest: each for each in mails if each.digest not in known}.values())
            self._learn(fresh, state.name)
            responses.advance_mailbox(database, self.account, state.name, Position(state.validity, uid), self.now)

    def _learn(self, mails: Sequence[Incoming], folder: str) -> None:
        self.found.mails += len(mails)
        for each in mails:
            self.found.kinds[each.kind] += 1
        self._learn_from_calendars(mails)
        self._learn_from_answers(mails)
        self._learn_from_reports(mails)
        self._settle(mails)
        if not self.dry_run:
            responses.keep_mails(
                self.ledger.database, [_kept(each, folder, self.now) for each in mails if each.kind is not Kind.OTHER]
            )

    def _learn_from_calendars(self, mails: Sequence[Incoming]) -> None:
        replies = [reply for each in mails for reply in each.replies]
        if not replies:
            return
        for event in sorted({event for event, _person in self.ours.messages.values()}):
            recorded = responses.answers(self.ledger.database, event)
            meant = understood(replies, calendar_asked(event, self.ledger, self.assistants), recorded)
            self._keep_answers(event, meant.answers, meant.strays)

    def _learn_from_answers(self, mails: Sequence[Incoming]) -> None:
        events = {each.about[0] for each in mails if each.kind is Kind.ANSWER and each.about}
        recorded = {event: responses.answers(self.ledger.database, event) for event in events}
        found = answers_by_mail(mails, self.ours, recorded, self.now)
        for event in sorted(found.rows):
            self.found.doubts[event] += found.doubts(event)
            self._keep_answers(event, found.answers.get(event, ()), (), rows_of(self.ledger, event, found))

    def _keep_answers(
        self, event: str, answers: Sequence[Answer], strays: Sequence[Stray], rows: tuple[KeptSignup, ...] = ()
    ) -> None:
        self.found.answers[event] += answers
        self.found.strays[event] += strays
        if self.dry_run:
            return
        if answers or rows:
            responses.record_batch(self.ledger.database, event, Batch(_("the mailbox"), tuple(answers), rows), self.now)
        responses.record_strays(self.ledger.database, event, strays, self.now)

    def _learn_from_reports(self, mails: Sequence[Incoming]) -> None:
        reports = [one for each in mails if each.kind is Kind.REPORT for one in each.returned]
        if not reports:
            return
        sent = [sent_message(each) for each in deliveries.sent_mails(self.ledger.database)]
        pairs = [(each, each.message) for each in match(reports, sent) if each.message and each.returned.verdict]
        bounces = [bounce_of(each, self.now) for each, _message in pairs]
        news = bounces if self.dry_run else responses.record_bounces(self.ledger.database, bounces)
        for bounce, (_each, message) in zip(bounces, pairs, strict=True):
            if bounce in news and message is not None:
                self.found.bounces.append((message.event, message.person, bounce))

    def _settle(self, mails: Sequence[Incoming]) -> None:
        """Count a message in doubt as sent if a report or a reply refers to it."""
        open_ones = {each.message_id: each for each in self._traceable()}
        for each in mails:
            how = "report" if each.kind is Kind.REPORT else "reply"
            for name in each.refers:
                doubt = open_ones.pop(name, None)
                if doubt is not None:
                    self._settled(doubt, how)

    def _traceable(self) -> tuple[InDoubt, ...]:
        return responses.mails_in_doubt(self.ledger.database, traceable=True)

    def _settled(self, doubt: InDoubt, how: str) -> None:
        self.found.settled.append(Finding(doubt.round, doubt.person, how, self.now))
        if not self.dry_run:
            with self.ledger.database.transaction():
                deliveries.resolve(self.ledger.database, doubt.round, doubt.person, "sent", self.now)
                responses.record_finding(self.ledger.database, doubt, how, self.now)

    def look_in_sent(self) -> None:
        """Count messages in doubt as sent if they are in the folder with sent mail. Absence settles nothing."""
        doubts = self._traceable()
        already = {(each.round, each.person) for each in self.found.settled}
        doubts = tuple(each for each in doubts if (each.round, each.person) not in already)
        folder = self.box.sent_folder() if doubts else ""
        if not folder:
            return
        self.box.examine(folder)
        for doubt in doubts:
            if self.box.with_id(doubt.message_id):
                self._settled(doubt, "sent")


def _kept(mail: Incoming, folder: str, now: datetime) -> KeptMail:
    event, person = mail.about or ("", "")
    return KeptMail(mail.digest, mail.kind, event, person, folder, mail.message_id, min(mail.at or now, now))


def _came(ledger: Ledger, found: MailboxFindings, about: str) -> MailboxReport:
    """Return what to show: of one event, or of all."""
    persons = people.persons(ledger.database)
    names = {person.key: person.name or person.address for person in persons}
    events = [each for each in sorted({*found.answers, *found.strays, *found.doubts}) if about in ("", each)]
    waiting = [
        each for each in responses.waiting_replies(ledger.database) if about in ("", each.event) or not each.event
    ]
    left = [each for each in responses.mails_in_doubt(ledger.database) if about in ("", each.round.event)]
    return MailboxReport(
        mails=found.mails,
        too_large=found.too_large,
        automatic=found.kinds[Kind.AUTOMATIC],
        answers=[(event, names.get(each.person, ""), each) for event in events for each in found.answers[event]],
        strays=[(event, names.get(each.person or "", ""), each) for event in events for each in found.strays[event]],
        doubts=[(event, each) for event in events for each in found.doubts[event]],
        bounces=[(event, names.get(person, ""), each) for event, person, each in found.bounces if about in ("", event)],
        settled=[(names.get(each.person, ""), each) for each in found.settled if about in ("", each.round.event)],
        in_doubt=len(left),
        replies=[
            ReplyLine(names.get(each.person, ""), each.event, each.at) for each in waiting if each.kind == "reply"
        ],
        opt_outs=[
            ReplyLine(names.get(each.person, ""), each.event, each.at) for each in waiting if each.kind != "reply"
        ],
    )


# Replies by people


def _ask_about_replies(
    terminal: Terminal, folder: WorkingFolder, settings: Settings, ledger: Ledger, about: str, now: datetime
) -> None:
    """Go through the replies that wait, with their texts fetched for the screen only."""
    ours, names = our_mails(ledger), {each.key: each.name or each.address for each in people.persons(ledger.database)}
    waiting = [
        each
        for each in responses.waiting_replies(ledger.database)
        if about in ("", each.event) and each.kind == "reply"
    ]
    imap = imap_of(settings)
    username, credential = mailbox_login(settings, folder)
    with open_mailbox(imap, username, credential, _SECONDS) as box:
        texts = list(_texts(box, waiting, ours))
    # The connection is closed: a person may think for longer than a server waits.
    for number, (kept, text) in enumerate(texts, start=1):
        reply = ReplyLine(names.get(kept.person, ""), kept.event, kept.at)
        terminal.say("")
        terminal.say(f"{number}/{len(texts)}  {reply.words()}", "bold")
        terminal.say(text or _("(the mail is not in the folder any more)"))
        question = _("  y = comes, n = does not come, p = perhaps, x = not about coming, Enter = later:")
        typed = choose(terminal, question, [*ANSWER_KEYS, "x"])
        if not typed:
            continue
        answer = ANSWER_KEYS.get(typed)
        with ledger.database.transaction():
            if answer is not None:
                given = (Answer(kept.person, answer.value, SAID, now),)
                responses.record_batch(ledger.database, kept.event, Batch(_("the mailbox"), given), now)
            responses.settle_reply(ledger.database, kept.digest, now)


def _texts(box: Mailbox, waiting: Sequence[KeptMail], ours: Ours) -> Iterator[tuple[KeptMail, str]]:
    opened = ""
    for kept in waiting:
        if kept.folder != opened:
            box.examine(kept.folder)
            opened = kept.folder
        found = box.with_id(kept.message_id) if kept.message_id else []
        text = ""
        for _uid, data in box.mails(found[:5]):
            mail = read_incoming(data, "", ours)
            if mail.digest == kept.digest:
                text = mail.text
        yield kept, text


def try_mailbox(
    settings: Settings, folder: WorkingFolder, credential: tuple[str, Credential | None] | None = None
) -> int:
    """Log in to the mailbox and open its folders; return their number. Nothing is read.

    :raises UserError: if that fails.
    """
    imap = imap_of(settings)
    username, given = credential or mailbox_login(settings, folder)
    with open_mailbox(imap, username, given, 60.0) as box:
        for name in imap.folders:
            box.examine(name)
    return len(imap.folders)
