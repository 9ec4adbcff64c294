"""``status``: who got what, who did not, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from mkwmail.clock import day_in_words
from mkwmail.commands.approved_sources import changed, earlier_text_of
from mkwmail.commands.context import Invocation, Sources, folder_of, history_of, open_ledger, read_list, roll_of
from mkwmail.commands.output import write_output
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import in_order, rule_of
from mkwmail.config.settings import Keep, Settings, read_settings
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _
from mkwmail.ledger import erasure, responses, rounds, runs
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import COMING, Delivery, State
from mkwmail.ledger.people import Person, folded, is_mark
from mkwmail.members.member_list import MemberList, doubles
from mkwmail.members.same_name import same_place
from mkwmail.planning.audience import History
from mkwmail.planning.member_index import MemberIndex, plan_for, unaddressed, with_copies_named
from mkwmail.planning.next_steps import (
    Due,
    SendMode,
    calls_to_make,
    doubtful_steps,
    next_steps,
    places_of,
    silent,
    standings,
    to_phone,
)
from mkwmail.planning.plan import outdated, twice
from mkwmail.planning.schedule import WHEN, begun, due_by_date, next_opening, superseded
from mkwmail.planning.timetable import plan_ahead
from mkwmail.report.answers import (
    Attendance,
    calls_value,
    catering_line,
    counts_in_words,
    show_calls,
    since_catering_line,
)
from mkwmail.report.recipients import PersonWithReason
from mkwmail.report.status import (
    SKIPPED,
    EventStatus,
    StatusRow,
    course_of,
    reply_words,
    show_overview,
    show_status,
    status_csv,
    status_value,
)
from mkwmail.report.timetable import last_run_words, runs_as_scheduled
from mkwmail.responses.answers import numbers_of, questions


def purge_steps(event: Event, ledger: Ledger, keep: Keep, now: datetime) -> Iterator[str]:
    """Yield that people's data was removed, or is to be removed."""
    purged = erasure.purged(ledger.database).get(event.id)
    if purged is not None:
        said = _("Personal data was removed on %(day)s.") % {"day": day_in_words(purged.at)}
        counts = counts_in_words(list(Counter(purged.totals).elements()))
        answers = _("Answers: %(counts)s") % {"counts": counts}
        yield f"{said} {answers}" if counts else said
    if event.ends < now and erasure.has_dietary(ledger.database, event.id):
        yield _("The dietary wishes are no longer needed: mkwmail purge %(event)s --dietary") % {"event": event.id}
    if keep.until(event.ends) < now and erasure.has_personal(ledger.database, event.id):
        yield _("Personal data was kept long enough: mkwmail purge %(event)s") % {"event": event.id}


def status(
    invocation: Invocation,
    event: str | None,
    *,
    skipped: bool = False,
    calls: bool = False,
    json: bool = False,
    csv: Path | None = None,
    html: Path | None = None,
) -> ExitCode:
    """Print the status of one event, or of all.

    With ``calls``, print whom to telephone.

    If the member list is faulty, the fault is printed, and only the people still to be mailed are left out.
    """
    if sum((json, csv is not None, html is not None)) > 1:
        raise user_error("", _("--json, --csv and --html cannot be used together."), code=ExitCode.USAGE)
    if html is not None and event is None:
        fault = _("--html makes the page of one event: add its name")
        raise user_error("", fault, _("mkwmail status EVENT --html %(file)s") % {"file": html}, code=ExitCode.USAGE)
    folder = folder_of(invocation)
    if calls:
        if event is None or csv is not None or html is not None:
            fault = _("--calls lists one event: add its name")
            raise user_error("", fault, _("mkwmail status EVENT --calls"), code=ExitCode.USAGE)
        return _calls(invocation, folder, event, json=json)
    paths = [folder.event_path(event)] if event is not None else list(folder.event_paths())
    events = [(path, read_event(path, folder).value) for path in paths]
    terminal, now = invocation.terminal, invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        statuses = statuses_of(folder_state_of(invocation, folder, ledger), ledger, events, now)
        automatic, _asleep = last_due(ledger, now)
        ran = runs.last(ledger.database, DUE)
    if csv is not None:
        write_output(folder, csv, status_csv(statuses), "status.csv")
        terminal.note(_("Wrote %(file)s") % {"file": csv})
    elif html is not None:
        from mkwmail.report.status_page import status_page

        write_output(folder, html, status_page(statuses[0], _association(folder), now).encode(), "status.html")
        terminal.note(_("Wrote %(file)s") % {"file": html})
    elif json:
        values = [status_value(each) for each in statuses]
        last = {"last_due": ran.started.isoformat() if ran else None}
        terminal.document({**values[0], **last} if event is not None else {"events": values, **last})
    else:
        with terminal.paged():
            if event is not None:
                show_status(terminal, statuses[0], skipped)
            else:
                show_overview(terminal, statuses, now)
            if automatic:
                terminal.gap()
                terminal.say(automatic)
    return ExitCode.OK


def _association(folder: WorkingFolder) -> str:
    """Return the association's name; empty if the settings cannot be read."""
    try:
        return read_settings(folder).association or ""
    except UserError:
        return ""


def _calls(invocation: Invocation, folder: WorkingFolder, event: str, *, json: bool) -> ExitCode:
    about, now = read_event(folder.event_path(event), folder).value, invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        index = folder_state_of(invocation, folder, ledger).index
        made = responses.calls(ledger.database, about.id)
        found = calls_to_make(about, index, history_of(ledger, about), made, now)
    if json:
        invocation.terminal.document(calls_value(about, found))
    else:
        with invocation.terminal.paged():
            show_calls(invocation.terminal, about, found)
    return ExitCode.OK


# The name under which `due` holds the ledger.
DUE = "due"


def last_due(ledger: Ledger, now: datetime) -> tuple[str, bool]:
    """Return when `due` last ran, and a failure that it cannot mail about; and whether it does not run as it should.

    Empty if it never ran and no mailing was approved to be sent automatically.
    """
    last = runs.last(ledger.database, DUE)
    given = [each for each in rounds.scheduled(ledger.database) if WHEN in each.terms]
    if last is None and not given:
        return "", False
    ran, awaited = last.started if last else None, any(now <= each.latest for each in given)
    words, asleep = last_run_words(ran, now, awaited), awaited and not runs_as_scheduled(ran, now)
    if runs.LOGIN_FAILS in runs.reported(ledger.database):
        words += "\n" + _("It could not log in to the mail server then. To see why, type: mkwmail login")
        asleep = True
    return words, asleep


def statuses_of(
    folder_state: "FolderState", ledger: Ledger, events: Sequence[tuple[Path, Event]], now: datetime
) -> list[EventStatus]:
    """Return the status of each event, given its file."""
    found = [
        status_of(event, ledger, folder_state.index, folder_state.keep, now, folder_state.sources(path, event))
        for path, event in events
    ]
    return [replace(each, deeds=runs.deeds(ledger.database, each.event.id)) for each in found]


@dataclass(frozen=True, slots=True)
class FolderState:
    """The settings and the members behind every event's status.

    They are None if they cannot be read; ``code`` is then that of the fault.
    """

    folder: WorkingFolder
    settings: Settings | None = None
    members: MemberList | None = None
    index: MemberIndex | None = None
    code: ExitCode = ExitCode.OK

    @property
    def keep(self) -> Keep:
        """Return how long to keep people's data; the default without settings."""
        return self.settings.keep if self.settings else Keep.default()

    def sources(self, path: Path, event: Event) -> Sources | None:
        """Return the sources of an event's mails; None if one cannot be read."""
        if self.settings is None or self.members is None:
            return None
        return Sources(self.folder, self.settings, path, event, self.members, ())


def folder_state_of(invocation: Invocation, folder: WorkingFolder, ledger: Ledger) -> FolderState:
    """Return the office of a folder.

    A file that cannot be read is reported, and hides nothing else.
    """
    settings, members, code = None, None, ExitCode.OK
    try:
        settings = read_settings(folder)
        members = read_list(folder, settings)
    except UserError as error:
        code = error.code
        for fault in error.faults:
            invocation.terminal.note(str(fault), "warning")
    return FolderState(folder, settings, members, roll_of(members, ledger) if members else None, code)


def _mailings(
    event: Event, ledger: Ledger, index: MemberIndex | None, history: History, sources: Sources | None, now: datetime
) -> tuple[Due, ...]:
    """Return each mailing of an event, with how many people it is still for."""
    over = superseded(event, due_by_date(event, now), history.deliveries)
    differing = partial(changed, sources, ledger, history) if sources is not None else lambda _given: ()
    stands = standings(event, rounds.scheduled(ledger.database), differing)
    had = begun(history.deliveries)
    found = []
    for name in in_order(event):
        passed_over = name in over
        left, fault = 0, ""
        if index is not None and not passed_over and not rule_of(name).by_name_only:
            try:
                left = len(plan_ahead(event, name, index, history, now).to_send)
            except UserError as error:  # a fault of this mailing alone
                fault = str(error.faults[0])
        done = index is not None and name in had and not left and not fault
        send = event.mailings[name].send
        goes = None
        if stands[name] is SendMode.APPROVED and sources is not None and send:
            goes = next_opening(sources.settings.hours, max(send, now))
        found.append(Due(name, send, left, stands[name], passed_over, done, fault, goes))
    return tuple(found)


def status_of(
    event: Event, ledger: Ledger, index: MemberIndex | None, keep: Keep, now: datetime, sources: Sources | None = None
) -> EventStatus:
    """Return the status of an event at this moment.

    :param index: None if the member list cannot be read: then people still to be mailed are not reported.
    :param sources: None if changes since approval are not to be reported.
    """
    history = history_of(ledger, event)
    if index is not None and index.assistants:
        history = with_copies_named(history, index)
    members = {each.person: each.member.organisation for each in index.listings} if index else {}
    persons = {person.key: person for person in history.persons}
    due = _mailings(event, ledger, index, history, sources, now)
    skipped = _skipped_lines(event, ledger, history, members)
    left_out = {(line.mailing, line.edition, person) for person, line in skipped}
    behind = outdated(event, index.everybody, history, now) if index else ()
    earlier = earlier_text_of(sources, index, ledger, history, now) if sources is not None and index else None
    attendance = attendance_of(event, ledger, index, history, now)
    replies = sum(
        each.kind == "reply" and each.event == event.id for each in responses.waiting_replies(ledger.database)
    )
    last = runs.last(ledger.database, DUE)
    due_runs = runs_as_scheduled(last.started if last else None, now)
    steps = [
        *(doubtful_steps(event, index, now) if index else ()),
        *next_steps(event, history, due, behind, attendance.unsettled, now, earlier, replies, runs=due_runs),
        *purge_steps(event, ledger, keep, now),
    ]
    return EventStatus(
        event,
        (
            *(
                _line(each, persons, members)
                for each in history.deliveries
                if (each.round.mailing, each.round.edition, each.person) not in left_out
            ),
            *(line for _person, line in skipped),
            *(_unrecorded_lines(event, ledger, history, index, now) if index else ()),
        ),
        due,
        tuple(steps),
        behind,
        attendance,
        not_listed(event, ledger, index, history) if index else (),
        course_of(responses.answers(ledger.database, event.id), history.deliveries),
        history.cancelled is not None,
        tuple(catering_steps(event, ledger, history, attendance, now)),
        earlier,
    )


def _line(each: Delivery, persons: Mapping[str, Person], organisations: Mapping[str, str]) -> StatusRow:
    person = persons.get(each.person)
    return StatusRow(
        mailing=each.round.mailing,
        edition=each.round.edition,
        member=_("(forgotten)") if is_mark(each.address) else person.name if person else "",
        organisation=organisations.get(each.person, person.organisation if person else ""),
        address="" if is_mark(each.address) else each.address,
        state=each.state.value,
        moment=each.since,
        reason="" if each.state is State.SENT else reply_words(each),
    )


def _skipped_lines(
    event: Event, ledger: Ledger, history: History, organisations: Mapping[str, str]
) -> list[tuple[str, StatusRow]]:
    """Return people who were left out of a mailing, as (key, line).

    Only people who have not had the mailing since. Somebody whose message was claimed in vain, and who was left out
    after that, is one of them.
    """
    persons = {person.key: person for person in history.persons}
    stand = {(each.round, each.person): each for each in history.deliveries}
    found = []
    for skip in {(each.round, each.person): each for each in rounds.skips(ledger.database, event.id)}.values():
        delivery = stand.get((skip.round, skip.person))
        if delivery is None or (delivery.state is State.PLANNED and delivery.since <= skip.at):
            of, person = skip.round, persons.get(skip.person)
            name, place, address = (person.name, person.organisation, person.address) if person else ("",) * 3
            organisation = organisations.get(skip.person, place)
            line = StatusRow(of.mailing, of.edition, name, organisation, address, SKIPPED, skip.at, skip.reason)
            found.append((skip.person, line))
    return found


def _unrecorded_lines(
    event: Event, ledger: Ledger, history: History, index: MemberIndex, now: datetime
) -> Iterator[StatusRow]:
    """Yield people who joined after a mailing for everyone, and missed it.

    They do not get it any more; the line has the reason.
    """
    if now > event.ends:
        return  # people who join after the event missed nothing
    had = begun(history.deliveries)
    recorded = {(each.round, each.person) for each in rounds.skips(ledger.database, event.id)}
    recorded |= {(each.round, each.person) for each in history.deliveries}
    organisations = {each.person: each.member.organisation for each in index.listings}
    over = superseded(event, due_by_date(event, now), history.deliveries)
    for name in in_order(event):
        if name not in had or rule_of(name).for_some or name in over:
            continue
        try:
            plan = plan_for(event, name, index, history, now)
        except UserError:  # the next steps say it
            continue
        for state, people in ((SKIPPED, plan.skipped), (State.EXPIRED.value, plan.expired)):
            for each in people:
                if (plan.round, each.person) not in recorded:
                    organisation = organisations.get(each.person, "")
                    yield StatusRow(name, 0, each.name, organisation, each.address, state, now, each.reason)


def attendance_of(
    event: Event, ledger: Ledger, index: MemberIndex | None, history: History, now: datetime
) -> Attendance:
    """Count the answers to an event.

    Without a list, the counts cover only what the ledger knows.
    """
    signups, answers = responses.signups(ledger.database, event.id), history.answers
    guests = {each.person for each in responses.guests(ledger.database, event.id)}
    members = {each.person for each in index.listings} if index else set()
    places = places_of(index) if index else {}
    coming = list(_coming_places(ledger, event, index, history)) if index else []
    absent = [
        name
        for key, name in places.items()
        if not any(key == folded(place) or (sure and same_place(name, place)) for place, sure in coming)
    ]
    return Attendance(
        answers=tuple(answers.values()),
        guests=sum(answers.get(person) in COMING for person in guests - members),
        silent=len(silent(event, index, history)),
        questions=questions(signups, answers),
        places=len(places),
        absent_places=tuple(sorted(absent)),
        to_phone=tuple(
            PersonWithReason(one.name, one.address, one.reason) for one in to_phone(event, index, history, now)
        ),
        by_post=tuple(_by_post(index)) if index and now <= event.ends else (),
        unsettled=sum(bool(each.doubt) for each in signups),
        last=max(history.answered.values(), default=None),
        numbers=numbers_of(signups, answers, [item.title for item in event.programme if item.optional]),
    )


def _by_post(index: MemberIndex) -> Iterator[PersonWithReason]:
    for member in unaddressed(index):
        place = member.organisation or _("no organisation")
        phone = member.telephones or _("no telephone number")
        yield PersonWithReason(full_name(member.name), "", f"{place}, {phone}")


def catering_steps(
    event: Event, ledger: Ledger, history: History, attendance: Attendance, now: datetime
) -> Iterator[str]:
    """Yield the numbers for the caterer, or after the deadline how many have changed since."""
    deadline = event.catering.deadline if event.catering else None
    if deadline is None or now > event.ends or history.cancelled or not attendance.answers:
        return
    if now <= deadline:
        yield catering_line(attendance.numbers, deadline)
        return
    answers = responses.answers_at(ledger.database, event.id, deadline)
    then = {person for person, answer in answers.items() if answer in COMING}
    today = {person for person, answer in history.answers.items() if answer in COMING}
    yield since_catering_line(len(then - today), len(today - then), deadline)


def _coming_places(ledger: Ledger, event: Event, index: MemberIndex, history: History) -> Iterator[tuple[str, bool]]:
    """Yield the organisation of everybody who attends.

    True marks a guest's organisation, which is in the guest's own spelling.
    """
    for each in index.listings:
        if history.answers.get(each.person) in COMING:
            yield each.member.organisation, False
    for guest in responses.guests(ledger.database, event.id):
        if history.answers.get(guest.person) in COMING and guest.organisation:
            yield guest.organisation, True


def not_listed(event: Event, ledger: Ledger, index: MemberIndex, history: History) -> tuple[PersonWithReason, ...]:
    """Return faulty rows of the list, rows at the address of another member, and people who have left the list.

    Of the latter, only those who heard or were to hear of the event.
    """
    found = [
        PersonWithReason(
            row.name, row.address, _("row %(row)d of the list is faulty: %(fault)s") % {"row": row.row, "fault": fault}
        )
        for row in index.faulty
        for fault in [row.faults[0].fault if row.faults else ""]
    ]
    found += [
        PersonWithReason(full_name(member.name), member.email, twice(first))
        for first, member in doubles(each.member for each in index.listings)
    ]
    here = {each.person for each in index.everybody}
    here |= {each.person for each in responses.guests(ledger.database, event.id)}
    heard = {each.person for each in history.deliveries}
    heard |= {each.person for each in rounds.skips(ledger.database, event.id)}
    given = rounds.scheduled(ledger.database)
    heard |= {person for each in given if each.event == event.id for person in each.persons}
    gone = [each for each in history.persons if each.key in heard - here and not is_mark(each.address)]
    return (*found, *(PersonWithReason(each.name, each.address, _("has left the member list")) for each in gone))
