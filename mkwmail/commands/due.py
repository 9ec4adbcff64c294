"""``due``: the command that cron runs.

It sends mailings that are approved and due, retries deferred mail, and prints nothing if all is well.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from mkwmail.auth.credentials import credential_for
from mkwmail.clock import ZONE
from mkwmail.commands.approved_sources import changed
from mkwmail.commands.compose_mailing import composer_of
from mkwmail.commands.context import (
    Invocation,
    Sources,
    announce,
    back_up,
    history_of,
    open_ledger,
    read_list,
    really_handed_to,
    refuse_examples,
    server_of,
)
from mkwmail.commands.notify import record_current, tell, told_now
from mkwmail.commands.prompts import former_names
from mkwmail.commands.send import jobs_for, note_skips, prepare_mailing, run
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder, find_folder, id_in
from mkwmail.config.kinds import latest_of, mailing_named, order_of, rule_of, shown_name
from mkwmail.config.settings import Settings, read_settings
from mkwmail.delivery.outcome import Outcome, exit_code, gravest, plan_after
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.smtp_replies import RunFault
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode, UserError
from mkwmail.i18n import _
from mkwmail.ledger import deliveries, people, responses, rounds, runs
from mkwmail.ledger.last_seen import Comparison
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import ScheduledApproval, State
from mkwmail.ledger.people import is_mark
from mkwmail.members.member_list import MemberList
from mkwmail.planning.approval import Difference
from mkwmail.planning.audience import History
from mkwmail.planning.member_index import MemberIndex, identify_members, listed, moved_to_others, plan_for
from mkwmail.planning.oddities import changed_names
from mkwmail.planning.plan import Plan
from mkwmail.planning.schedule import (
    CONCERNS,
    UNREADABLE,
    WHEN,
    Share,
    closing,
    day_begins,
    may_mail,
    next_opening,
    share_of,
    superseded,
    too_soon,
    waits_for_mailbox,
)
from mkwmail.planning.timetable import plan_ahead
from mkwmail.report import notices
from mkwmail.report.notices import Notice
from mkwmail.report.terminal import was_handed_to
from mkwmail.report.timetable import DueDelivery, due_value, is_worth_a_word, show_went

_MAILBOX_SECONDS = 60.0
_TOLD_FOR = timedelta(days=7)  # how long a missed mailing is reported


@dataclass
class DueResult:
    """The findings and the work of a run.

    ``whole``: the run was completed, so these are all notices. ``codes``: parts of the exit code besides those of
    the notices. ``mailbox`` counts only if nothing else does.
    """

    notices: list[Notice] = field(default_factory=list)
    delivered: list[DueDelivery] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)
    settings: Settings | None = None
    whole: bool = True
    mailbox: ExitCode = ExitCode.OK


@dataclass(frozen=True, slots=True)
class _Ready:
    """An approved mailing that is due, and that nothing keeps back."""

    sources: Sources
    given: ScheduledApproval
    opens: datetime
    latest: datetime
    plan: Plan
    share: Share

    @property
    def mailing(self) -> str:
        return self.given.mailing


class Automatic:
    """One run of ``due``. The ledger must be held and settled."""

    def __init__(self, invocation: Invocation, folder: WorkingFolder, ledger: Ledger) -> None:
        self._invocation = invocation
        self._folder = folder
        self._ledger = ledger
        self._now = invocation.clock.now()
        self._reported = runs.reported(ledger.database)
        self.found = DueResult()
        self._unreadable: datetime | None = None  # since when
        self._index = MemberIndex(())
        self._altered: dict[str, tuple[Difference, ...]] = {}  # of the event being judged: mailing → changes

    def _note(self, notice: Notice) -> None:
        self.found.notices.append(notice)

    def run(self, settings: Settings) -> None:
        """Judge all approved mailings, then deliver those that are due."""
        self.found.settings = settings
        given = [each for each in rounds.scheduled(self._ledger.database) if self._concerns(each)]
        if not given:
            return
        members = self._members(settings)
        if members is None:
            return
        index = self._index = identify_members(members.members, self._ledger.identify)
        if (slipped := notices.slipped(index)) is not None:
            self._note(slipped)
            self.found.whole = False
            return
        self._ledger.record_persons(listed(index), self._now)
        if index.replacing:
            self._note(notices.replacing(changed_names(index.replacing)))
        if others := moved_to_others(index, people.persons(self._ledger.database)):
            self._note(notices.moved_to_others(others))
        unclear = [each for each in index.doubtful if each.change is None]
        if unclear:
            names = [each.name or each.address for each in unclear]
            self._note(notices.doubtful(names))
        by_event: dict[str, list[ScheduledApproval]] = defaultdict(list)
        for each in given:
            by_event[each.event].append(each)
        ready: list[_Ready] = []
        judged: list[tuple[Sources, ScheduledApproval]] = []
        for sources, approved in self._events(by_event, settings, members):
            self._note_unsettled(sources.event)
            ready += self._judged(sources, approved)
            judged += [(sources, each) for each in approved]
        self._deliver(sorted(ready, key=lambda each: (each.opens, order_of(each.mailing))))
        self._note_too_late(ready)
        for sources, each in judged:
            self._look_back(sources, each)

    def _concerns(self, given: ScheduledApproval) -> bool:
        """Return whether anything is left to do for an approved mailing."""
        if self._now <= given.latest:
            return True
        name = f"missed:{given.event}:{given.mailing}:{given.latest.isoformat()}"
        known = self._reported.get(name)
        if known is None:
            return self._now <= given.latest + CONCERNS
        return known.said is not None and known.first is not None and self._now < known.first + _TOLD_FOR

    def read_mailbox(self, settings: Settings) -> None:
        """Read what came in. If that fails, mails are sent all the same."""
        if settings.mailbox is None:
            return
        # Most runs have no mailbox.
        from mkwmail.commands.inbox import read_for_due
        from mkwmail.report.incoming import mailbox_unread, replies_wait

        read = read_for_due(self._ledger, self._folder, settings, self._now, _MAILBOX_SECONDS)
        self._unreadable = read.failing
        if read.error is not None:
            self.found.mailbox = read.error.code
            failing = read.failing or self._now
            if self._now - failing >= UNREADABLE or read.error.code in (ExitCode.LOGIN, ExitCode.SETTINGS):
                self._note(mailbox_unread(read.error, failing))
        if read.waiting:
            self._note(replies_wait(read.waiting, read.answers, read.bounces))

    # Reading the files

    def _members(self, settings: Settings) -> MemberList | None:
        try:
            return read_list(self._folder, settings, skip_faulty=False)
        except UserError as error:
            self._faulty("members", error, _("the member list is faulty: nothing is sent automatically"), _DUTCH_LIST)
            self.found.whole = False
            return None

    def _faulty(self, name: str, error: UserError, what: str, dutch: str) -> None:
        self._note(notices.faulty(name, error.code, error.faults, what, dutch))

    def _events(
        self, given: dict[str, list[ScheduledApproval]], settings: Settings, members: MemberList
    ) -> Iterator[tuple[Sources, list[ScheduledApproval]]]:
        """Yield the events with an approved mailing, read from their files."""
        paths = defaultdict(list)
        for path in self._folder.event_paths():
            paths[id_in(path)].append(path)
        for event, approved in given.items():
            if not paths[event]:
                self._note(notices.no_event(event, [each.mailing for each in approved]))
                continue
            try:
                # For two files with one id, report the same single fault as `check`.
                path = self._folder.event_path(event) if len(paths[event]) > 1 else paths[event][0]
                read = read_event(path, self._folder)
            except UserError as error:
                what = _("%(event)s: its file is faulty: nothing is sent automatically") % {"event": event}
                dutch = f"Het bestand van {event} is niet in orde: er gaat niets van uit."
                self._faulty(f"event:{event}", error, what, dutch)
                continue
            yield Sources(self._folder, settings, path, read.value, members, read.warnings), approved

    # Judging

    def _judged(self, sources: Sources, approved: Sequence[ScheduledApproval]) -> list[_Ready]:
        """Return one event's mailings to send now; note what blocks the others."""
        event, history = sources.event, history_of(self._ledger, sources.event)
        self._altered = {}
        due: list[str] = []
        going: list[_Ready] = []
        late: list[tuple[ScheduledApproval, datetime]] = []
        for given in approved:
            name = given.mailing
            if rule_of(name).by_name_only:
                continue
            if name not in event.mailings:
                if self._now <= given.latest:
                    self._note(notices.no_longer(event, name))
                continue
            latest = latest_of(event, name)
            opens = (mailing_named(event, name).send if WHEN in given.terms else None) or given.opens
            if self._now > latest:
                late.append((given, latest))
                continue
            if opens <= self._now:
                due.append(name)
            try:
                ready = self._unhindered(sources, history, given, opens, latest)
            except UserError as error:
                self._cannot(event, name, error)
                continue
            if ready is not None:
                going.append(ready)
        names = [each.mailing for each in going if each.share.to_send]
        over = {name: by for name, by in superseded(event, due, history.deliveries).items() if name in due}
        over |= too_soon([name for name in due if name not in over], names, history.deliveries)
        self._note_changed(event, [name for name in self._altered if name not in over])
        self._note_passed_over(event, over, history)
        for given, latest in late:
            self._note_missed(sources, history, given, latest)
        return [each for each in going if each.mailing not in over]

    def _note_unsettled(self, event: Event) -> None:
        """Note the sign-ups that are to be settled, until the event is over."""
        unsettled = history_of(self._ledger, event).unsettled
        if unsettled and self._now <= event.ends:
            self._note(notices.unsettled(event, [each.who for each in unsettled]))

    def _cannot(self, event: Event, name: str, error: UserError) -> None:
        what = _("%(event)s: %(mailing)s cannot be sent") % {"event": event.id, "mailing": shown_name(name)}
        dutch = f"{notices.begin(notices.what_of(event, name))} kan niet worden verstuurd."
        self._faulty(f"mailing:{event.id}:{name}", error, what, dutch)

    def _unhindered(
        self, sources: Sources, history: History, given: ScheduledApproval, opens: datetime, latest: datetime
    ) -> _Ready | None:
        """Return a mailing that is due, or None.

        None means that its time is still to come, or that a noted notice keeps it back.

        :raises UserError: if its files cannot be read, or its audience cannot be determined.
        """
        event, name, now = sources.event, given.mailing, self._now
        different = changed(sources, self._ledger, history, given)
        if opens > now:
            if different:
                self._altered[name] = different
            else:
                self._announce(sources, history, name, opens)
            return None
        plan = plan_for(event, name, self._index, history, now)
        if plan.to_send and waits_for_mailbox(name, self._unreadable, now):
            from mkwmail.report.incoming import reminder_waits

            self._note(reminder_waits(event, name, self._unreadable or now))
            return None
        share = _share(plan, given, self._index, history)
        if different:
            if plan.to_send:
                self._altered[name] = different
            return None
        if plan.to_send and share.gone:
            self._note(notices.shrunk(event, name, share.gone))
            return None
        earlier = former_names(sources, self._index, self._ledger, history, plan, now) if plan.to_send else ()
        if earlier:
            self._note(notices.renamed(event, name, earlier[0]))
            return None
        unsure = rounds.unsure(self._ledger.database, event.id, name) if plan.to_send else None
        if unsure is not None:
            self._note(notices.unsure(event, name, unsure.since, unsure.until))
            return None
        return _Ready(sources, given, opens, latest, plan, share)

    def _announce(self, sources: Sources, history: History, name: str, opens: datetime) -> None:
        """Note, the day before a reminder, how many mails will be sent.

        The notice also says when the last answers were recorded, so that the secretary can see whether all are in.
        """
        hours, event = sources.settings.hours, sources.event
        goes = next_opening(hours, opens)
        eve = goes.astimezone(ZONE).date() - timedelta(days=1)
        if not rule_of(name).reminds or self._now.astimezone(ZONE).date() != eve:
            return
        count = len(plan_ahead(event, name, self._index, history, self._now).to_send)
        if count and day_begins(hours, self._now):
            imported = [each.at for each in responses.signups(self._ledger.database, event.id) if each.at is not None]
            answered = [each.given for each in responses.answers(self._ledger.database, event.id)]
            last = max([*imported, *answered], default=None)
            self._note(notices.tomorrow(event, name, count, goes, last))

    def _note_changed(self, event: Event, names: Sequence[str]) -> None:
        """Note what was changed since approval. One change often concerns several mailings, and is reported once."""
        by_change: dict[tuple[Difference, ...], list[str]] = defaultdict(list)
        for name in names:
            by_change[self._altered[name]].append(name)
        for different, mailings in by_change.items():
            self._note(notices.changed(event, mailings, different))

    def _note_passed_over(self, event: Event, over: dict[str, str], history: History) -> None:
        begun = {each.round.mailing for each in history.deliveries}
        for name, by in over.items():
            # If it was sent before, nothing was left out: people who join later get the later mailing.
            if name not in begun:
                self._note(notices.passed_over(event, name, by))

    def _note_missed(self, sources: Sources, history: History, given: ScheduledApproval, latest: datetime) -> None:
        """Note the mails that were not sent before the latest moment.

        The people are determined once; the notice is reported for a week.
        """
        event, name = sources.event, given.mailing
        if self._passed_over(event, name, history):
            return
        key = notices.missed_name(event, name, latest)
        try:
            plan = plan_for(event, name, self._index, history, self._invocation.clock.now())
        except UserError as error:
            self._cannot(event, name, error)
            return
        if key in self._reported:
            of_it = (each for each in history.deliveries if each.round.mailing == name)
            expired = {each.person for each in of_it if each.state is State.EXPIRED}
            late = [each for each in plan.expired if each.person in expired]
        else:
            late = [each for each in plan.expired if given.others or each.person in given.persons]
            deliveries.expire(self._ledger.database, plan.round, [each.person for each in late], self._now)
        if late:
            self._note(notices.missed(event, name, [each.name or each.address for each in late], latest))
        elif key not in self._reported:
            # Mark it as checked: people who join the list from now on were not missed.
            runs.note_reported(self._ledger.database, [key], self._now, mailed=True)

    def _note_too_late(self, ready: Sequence[_Ready]) -> None:
        """Note the mailings whose latest moment passed during this run."""
        now = self._invocation.clock.now()
        for each in ready:
            if now > each.latest:
                history = history_of(self._ledger, each.sources.event)
                self._note_missed(each.sources, history, each.given, each.latest)

    def _passed_over(self, event: Event, name: str, history: History) -> bool:
        if f"once:passed:{event.id}:{name}" in self._reported:
            return True
        return name in superseded(event, [name], history.deliveries)

    # Delivering

    def _deliver(self, ready: Sequence[_Ready]) -> None:
        for each in ready:
            event, hours = each.sources.event, each.sources.settings.hours
            if each.share.added:
                names = [full_name(planned.member.name) or planned.member.email for planned in each.share.added]
                self._note(notices.added(event, each.mailing, names))
            if each.plan.waiting:
                self.found.codes.append(ExitCode.WAITING)
            if not each.share.to_send:
                continue
            now = self._invocation.clock.now()
            if now > each.latest:
                continue
            if not may_mail(hours, now):
                self.found.codes.append(ExitCode.WAITING)
                continue
            try:
                outcome, after = self._delivered(each, min(each.latest, closing(hours, now)))
            except UserError as error:
                if error.code is ExitCode.LEDGER_FAULT:
                    raise
                if error.code is ExitCode.LOGIN:
                    # This mailing is not the cause, and all others would fail too.
                    stops = RunFault.of(error.faults[0], error.code)
                    self._note(notices.stopped(stops.code, stops.reason, stops.remedy))
                    return
                self._cannot(event, each.mailing, error)
                continue
            self.found.delivered.append(DueDelivery(event, each.mailing, outcome, after.too_late))
            self.found.codes.append(exit_code(outcome, after))
            if outcome.stopped is not None:
                fault = outcome.stopped
                self._note(notices.stopped(fault.code, fault.reason, fault.remedy))
            if outcome.stopped is not None or outcome.interrupted:
                return

    def _delivered(self, each: _Ready, until: datetime) -> tuple[Outcome, Plan]:
        """Compose and deliver a mailing; return its outcome and the new plan.

        :param until: the moment after which this run sends nothing.
        :raises UserError: if nothing can be sent.
        """
        sources, terminal, ledger = each.sources, self._invocation.terminal, self._ledger
        event, settings = sources.event, sources.settings
        # Read again: the history now has the earlier mailings of this run, and the answers given meanwhile.
        now = self._invocation.clock.now()
        history = history_of(ledger, event)
        whole = plan_for(event, each.mailing, self._index, history, now)
        share = _share(whole, each.given, self._index, history)
        plan = replace(whole, to_send=share.to_send)
        composer = composer_of(sources, each.mailing, ledger, history, now, now, to_send=True, automatic=True)
        ready = prepare_mailing(terminal, sources, self._index, history, plan, composer, ledger)
        smtp = server_of(settings, self._invocation.shifted)
        refuse_examples(sources, smtp, [one.member for one in plan.to_send])
        credential = credential_for(smtp, sources.folder.path)
        rounds.remember_list(ledger.database, plan.round, len(self._index.listings), now)
        note_skips(plan, ledger, now)
        earlier = [one for one in history.deliveries if one.round == plan.round]
        jobs = jobs_for(ready.outgoing, event.id, earlier, ledger, {})
        connect = partial(open_session, smtp, credential)
        outcome = run(
            terminal, jobs, replace(plan, latest=until), ledger, connect, settings.pace, self._invocation.clock
        )
        return outcome, plan_after(plan, outcome, self._invocation.clock.now())

    # Mail in doubt or refused

    def _look_back(self, sources: Sources, given: ScheduledApproval) -> None:
        """Note mail in doubt or refused, while something can be done about it."""
        event, name, now = sources.event, given.mailing, self._invocation.clock.now()
        if (name not in event.mailings and rule_of(name).needs_entry) or now > latest_of(event, name):
            return
        history = history_of(self._ledger, event)
        if rule_of(name).by_name_only:
            self._look_back_by_hand(event, name, history)
            return
        left = {each.state for each in history.deliveries if each.round.mailing == name}
        if not left & {State.IN_DOUBT, State.SENDING, State.REFUSED}:
            return
        try:
            plan = plan_for(event, name, self._index, history, now)
        except UserError:  # reported already
            return
        if plan.in_doubt:
            self._note(notices.in_doubt(event, name, [one.name or one.address for one in plan.in_doubt]))
        if plan.refused:
            self._note(notices.refused(event, name, [one.name or one.address for one in plan.refused]))

    def _look_back_by_hand(self, event: Event, name: str, history: History) -> None:
        names = {person.key: person.name for person in history.persons}
        by_state: dict[State, list[str]] = defaultdict(list)
        for each in history.deliveries:
            if each.round.mailing == name and not is_mark(each.address):
                by_state[each.state].append(names.get(each.person) or each.address)
        if by_state[State.IN_DOUBT]:
            self._note(notices.in_doubt(event, name, by_state[State.IN_DOUBT]))
        if by_state[State.REFUSED]:
            self._note(notices.refused(event, name, by_state[State.REFUSED]))
        waiting = len(by_state[State.DEFERRED]) + len(by_state[State.PLANNED])
        if waiting:
            self._note(notices.by_hand(event, name, waiting))


_DUTCH_LIST = "De ledenlijst is niet in orde: er gaat niets vanzelf uit."


def _share(plan: Plan, given: ScheduledApproval, index: MemberIndex, history: History) -> Share:
    guests = frozenset(each.person for each in (*history.guests, *history.holders))
    successors = {each.key: each.successor for each in history.persons if each.successor}
    return share_of(plan, given, index.everybody, guests, successors)


COMMAND = "due"

# How long another run may hold the ledger before that is reported: two runs of cron often overlap.
_PATIENCE = timedelta(hours=1)


def due(invocation: Invocation, *, json: bool = False) -> ExitCode:
    """Send the mailings that are approved and due.

    The exit code says what is left, even if nothing is printed about it.

    :raises UserError: if there is no working folder, or its ledger cannot be used.
    """
    # Never in another folder than the one it was started for.
    folder = find_folder(Path.cwd(), invocation.folder)
    with open_ledger(invocation, folder, refuses=True) as ledger:
        settings, found = _settings(folder)
        if not found.notices:
            found = _found(invocation, folder, ledger, settings)
        if json:
            invocation.terminal.document(due_value(found.delivered, found.notices))
        went = tuple(each for each in found.delivered if is_worth_a_word(each))
        telling = told_now(ledger, settings, found.notices, invocation.clock.now())
        server = really_handed_to(settings, invocation.shifted)
        if went or telling.said:
            announce(invocation, server if went or telling.mailed else "")
        if not json:
            show_went(invocation.terminal, went)
        if server and any(each.outcome.sent or each.outcome.in_doubt for each in went):
            screen = invocation.terminal.beside() if json else invocation.terminal
            screen.say(was_handed_to(server), "warning")
        tell(invocation, folder, settings, ledger, telling)
        if found.whole:
            record_current(ledger, found.notices)
    return gravest([*found.codes, *(notice.code for notice in found.notices)]) or found.mailbox


def _settings(folder: WorkingFolder) -> tuple[Settings | None, DueResult]:
    try:
        return read_settings(folder), DueResult()
    except UserError as error:
        what = _("the settings are faulty: nothing is sent automatically")
        dutch = "De instellingen zijn niet in orde: er gaat niets vanzelf uit."
        return None, DueResult([notices.faulty("settings", error.code, error.faults, what, dutch)], whole=False)


def _found(invocation: Invocation, folder: WorkingFolder, ledger: Ledger, settings: Settings | None) -> DueResult:
    clock, now = invocation.clock, invocation.clock.now()
    if ledger.other_computer:
        return DueResult([notices.other_computer()], whole=False)
    automatic = Automatic(invocation, folder, ledger)
    try:
        with ledger.hold(COMMAND, now):
            compared = _compared(ledger)
            if isinstance(compared, UserError):
                return DueResult([notices.no_ledger(compared.code, compared.faults[0])], whole=False)
            ledger.settle(now)
            if compared.is_news:
                ledger.keep_note(compared)
                automatic.found.notices.append(notices.moved(compared.there, compared.here))
            if settings is not None:
                automatic.read_mailbox(settings)
                automatic.run(settings)
                automatic.found.notices += map(notices.no_backup, back_up(folder, settings, ledger, clock.now()))
    except UserError as error:
        if error.code is not ExitCode.LEDGER_HELD:
            raise
        return _held(ledger, error, now)
    return automatic.found


def _compared(ledger: Ledger) -> Comparison | UserError:
    """Compare the ledger with its note.

    Returns an error if nothing may be sent from it. It is reported once a day, like all notices.
    """
    try:
        found = ledger.compare()
    except UserError as error:
        return error
    return found.refusal() or found


def _held(ledger: Ledger, error: UserError, now: datetime) -> DueResult:
    holder = runs.holder_of(ledger.database.path)
    if holder is None or now - holder.since < _PATIENCE:
        return DueResult(codes=[ExitCode.LEDGER_HELD], whole=False)
    return DueResult([notices.held(error.faults[0].fault, holder.since)], whole=False)
