"""Next steps: what happens next, what a person has to do, and whom to telephone. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mkwmail.addresses import address_key
from mkwmail.clock import day_and_time, day_in_words, moment_from
from mkwmail.config.event import Event
from mkwmail.config.kinds import latest_of, rule_of, send_command, shown_name, typed_name
from mkwmail.dutch.names import Name, full_name
from mkwmail.errors import UserError
from mkwmail.i18n import _, mails, ngettext, some
from mkwmail.ledger.models import TOLD, Call, Delivery, ScheduledApproval, State
from mkwmail.ledger.people import folded, is_mark
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import History, Recipient, represented
from mkwmail.planning.member_index import MemberIndex, unaddressed
from mkwmail.planning.plan import Outdated, WithEarlierText, mending
from mkwmail.planning.schedule import can_go_by_itself, newest, no_hours_left
from mkwmail.planning.timetable import Changed


class SendMode(StrEnum):
    """How a mailing is sent: automatically, by hand, or not as it is now."""

    APPROVED = "approved"
    NOT_APPROVED = "not approved"
    CHANGED = "changed"  # since it was approved: it is not sent
    BY_HAND = "by hand"  # it has no date, or is sent by its name only


@dataclass(frozen=True, slots=True)
class Due:
    """A mailing of the event's file.

    It says when it is planned, and how many would get it then, or now if that is later.

    ``goes``: the first moment from then on within the hours for mail; None if it has no date or the hours are unknown.
    ``passed_over``: a later mailing makes it pointless. ``done``: it was sent, possibly before its date, and everybody
    has had it. ``fault``: why its audience cannot be told; empty if it can.
    """

    mailing: str
    send: datetime | None
    left: int
    mode: SendMode
    passed_over: bool = False
    done: bool = False
    fault: str = ""
    goes: datetime | None = None

    @property
    def over(self) -> bool:
        """Return whether it is never next: done, pointless or sent by name only."""
        return self.passed_over or self.done or rule_of(self.mailing).by_name_only


def standings(event: Event, approvals: Sequence[ScheduledApproval], changed: Changed) -> Mapping[str, SendMode]:
    """Return mailing → whether it is sent automatically.

    :param approvals: of any events.
    """
    given = newest(approvals, event.id)
    found = {}
    for name in event.mailings:
        if not can_go_by_itself(event, name):
            found[name] = SendMode.BY_HAND
        elif name not in given:
            found[name] = SendMode.NOT_APPROVED
        else:
            try:
                differs = bool(changed(given[name]))
            except UserError:  # a template or an attachment that cannot be read is no longer what was approved
                differs = True
            found[name] = SendMode.CHANGED if differs else SendMode.APPROVED
    return found


def next_steps(
    event: Event,
    history: History,
    due: Sequence[Due],
    behind: Sequence[Outdated],
    unsettled: int,
    now: datetime,
    earlier: WithEarlierText | None = None,
    replies: int = 0,
    *,
    runs: bool,
) -> Iterator[str]:
    """Yield the next steps and what a person has to do, one sentence each.

    :param behind: those who were given details that have changed.
    :param earlier: those who have an earlier text of a mailing.
    :param unsettled: how many sign-ups wait for a person's decision.
    :param replies: how many mails that people wrote wait to be read.
    :param runs: whether `mkwmail due` runs as scheduled: only then is anything sent automatically.
    """
    yield from _mending(event, history, behind)
    if earlier is not None:
        step = ngettext(
            "To correct %(mailing)s for the %(n)d who has an earlier text: mkwmail send %(event)s correction",
            "To correct %(mailing)s for the %(n)d who have an earlier text: mkwmail send %(event)s correction",
            earlier.people,
        )
        yield step % {"n": earlier.people, "mailing": shown_name(earlier.mailing), "event": event.id}
    if any(_wants_deciding(event, each, now) for each in history.deliveries):
        yield _("To decide about them: mkwmail resolve %(event)s") % {"event": event.id}
    yield from (each.fault for each in due if each.fault)
    if history.cancelled is None:
        yield from _deferred(event, history.deliveries, now, due, runs)
        yield from _missed(event, history.deliveries, now)
        yield from _mailings(event, due, history.deliveries, now, runs)
    if unsettled:
        settle = ngettext(
            "To settle %(n)d sign-up: mkwmail answers list %(event)s",
            "To settle %(n)d sign-ups: mkwmail answers list %(event)s",
            unsettled,
        )
        yield settle % {"n": unsettled, "event": event.id}
    if replies:
        read = ngettext(
            "To read %(n)d reply: mkwmail inbox %(event)s", "To read %(n)d replies: mkwmail inbox %(event)s", replies
        )
        yield read % {"n": replies, "event": event.id}


def doubtful_steps(event: Event, index: MemberIndex, now: datetime) -> Iterator[str]:
    """Yield who waits because it is not certain who they are, until the event is over."""
    if now > event.ends:
        return
    if index.slipped:
        slipped = ngettext(
            "%(n)d address has the name of another member now, so nothing is sent automatically: "
            "mkwmail check %(event)s",
            "%(n)d addresses have the names of other members now, so nothing is sent automatically: "
            "mkwmail check %(event)s",
            len(index.slipped),
        )
        yield slipped % {"n": len(index.slipped), "event": event.id}
    waiting = [each for each in index.doubtful if each not in index.slipped]
    if waiting:
        words = {"n": len(waiting), "event": event.id, "names": some([each.name or each.address for each in waiting])}
        successors = ngettext(
            "%(n)d member may be a successor, and gets no mail until you decide: %(names)s. `mkwmail send "
            "%(event)s` asks",
            "%(n)d members may be successors, and get no mail until you decide: %(names)s. `mkwmail send "
            "%(event)s` asks",
            len(waiting),
        )
        yield successors % words


def _wants_deciding(event: Event, delivery: Delivery, now: datetime) -> bool:
    """Return whether a person's decision can still get somebody mailed. It can for somebody in doubt or refused."""
    name = delivery.round.mailing
    is_open = delivery.state in (State.IN_DOUBT, State.SENDING, State.REFUSED) and not is_mark(delivery.address)
    known = name in event.mailings or not rule_of(name).needs_entry
    return is_open and known and now <= latest_of(event, name)


def _mending(event: Event, history: History, behind: Sequence[Outdated]) -> Iterator[str]:
    """Yield that the event is closed, and the command that tells the changes."""
    if history.cancelled:
        closed = _("Cancelled on %(day)s: only a correction of the cancellation can follow.")
        yield closed % {"day": day_in_words(history.cancelled)}
    count = sum(not each.why_not for each in behind)
    if count:
        step = ngettext(
            "To tell the %(n)d who does not know: mkwmail send %(event)s %(mailing)s",
            "To tell the %(n)d who do not know: mkwmail send %(event)s %(mailing)s",
            count,
        )
        yield step % {"n": count, "event": event.id, "mailing": typed_name(mending(history))}


def _missed(event: Event, deliveries: Sequence[Delivery], now: datetime) -> Iterator[str]:
    """Yield the mailings that were not sent in time, until the event is over."""
    if now > event.ends:
        return
    missed = Counter(each.round.mailing for each in deliveries if each.state is State.EXPIRED)
    for name, count in missed.items():
        if name in event.mailings and now > latest_of(event, name):
            words = {"n": count, "mailing": shown_name(name), "latest": day_and_time(latest_of(event, name))}
            sentence = ngettext(
                "Missed: %(n)d mail of %(mailing)s was not sent before %(latest)s; see: mkwmail status %(event)s",
                "Missed: %(n)d mails of %(mailing)s were not sent before %(latest)s; see: mkwmail status %(event)s",
                count,
            )
            yield sentence % {**words, "event": f"{event.id} --skipped"}


def _deferred(
    event: Event, deliveries: Sequence[Delivery], now: datetime, due: Sequence[Due], runs: bool
) -> Iterator[str]:
    """Yield the mailings that the server put off, with the command that tries again.

    Who may be tried again by now is counted by :func:`_waiting`, except for mailings that are sent by name only.
    """
    by_itself = {each.mailing for each in due if runs and each.mode is SendMode.APPROVED}
    counted = {each.mailing for each in due if not each.over}
    later: dict[str, list[datetime]] = {}
    again: Counter[str] = Counter()
    for each in deliveries:
        name = each.round.mailing
        known = name in event.mailings or not rule_of(name).needs_entry
        if each.state is not State.DEFERRED or not known or name in by_itself or now > latest_of(event, name):
            continue
        if each.not_before is not None and each.not_before > now:
            later.setdefault(name, []).append(each.not_before)
        elif name not in counted:
            again[name] += 1
    for name, moments in later.items():
        sentence = ngettext(
            "%(mailing)s: the server deferred %(n)d mail until %(moment)s; then: %(command)s",
            "%(mailing)s: the server deferred %(n)d mails until %(moment)s; then: %(command)s",
            len(moments),
        )
        words = {"mailing": shown_name(name), "n": len(moments), "command": send_command(event.id, name)}
        yield sentence % {**words, "moment": moment_from(now, min(moments))}
    for name, count in again.items():
        sentence = ngettext(
            "%(mailing)s: the server deferred %(n)d mail; to try again: %(command)s",
            "%(mailing)s: the server deferred %(n)d mails; to try again: %(command)s",
            count,
        )
        yield sentence % {"mailing": shown_name(name), "n": count, "command": send_command(event.id, name)}


def _mailings(
    event: Event, due: Sequence[Due], deliveries: Sequence[Delivery], now: datetime, runs: bool
) -> Iterator[str]:
    """Yield mailings that wait, are due or have changed, and the next one."""
    sent = Counter(each.round.mailing for each in deliveries if each.state is State.SENT)
    tried = {each.round.mailing for each in deliveries if each.state in (State.SENT, State.DEFERRED)}
    changed_since = []
    ahead = []
    for each in due:
        if each.over or each.fault or now > latest_of(event, each.mailing):
            continue
        waits = each.left - _put_off(each, deliveries, now)
        if (
            each.mailing in tried
            and waits > 0
            and each.mode is not SendMode.CHANGED
            and not (runs and each.mode is SendMode.APPROVED)
        ):
            yield _waiting(event, each.mailing, sent[each.mailing], each.left, waits)
            if each.send is not None and each.send > now:
                ahead.append(each)
            continue
        if each.send is None or (each.send <= now and not each.left):
            continue
        if each.send > now:
            ahead.append(each)
        if each.mode is SendMode.CHANGED:
            changed_since.append(each.mailing)
        elif each.send <= now:
            yield _due_now(event, each, now, runs)
    if changed_since:
        words = {
            "mailings": ", ".join(map(shown_name, changed_since)),
            "command": f"{event.id} {' '.join(map(typed_name, changed_since))}",
        }
        yield (
            ngettext(
                "%(mailings)s was changed since it was approved, and is not sent: mkwmail schedule %(command)s",
                "%(mailings)s were changed since they were approved, and are not sent: mkwmail schedule %(command)s",
                len(changed_since),
            )
            % words
        )
    if ahead:
        yield from _ahead(event, ahead[0], now, runs)


def _put_off(each: Due, deliveries: Sequence[Delivery], now: datetime) -> int:
    """Return how many of those to be sent may not be tried again now, only by the mailing's own moment."""
    moment = max(each.send or now, now)
    return sum(
        one.round.mailing == each.mailing and one.state is State.DEFERRED and now < (one.not_before or now) <= moment
        for one in deliveries
    )


def _waiting(event: Event, mailing: str, sent: int, left: int, waits: int) -> str:
    """Return that a mailing was sent to some, and the command that sends it to the others."""
    command = send_command(event.id, mailing)
    sentence = ngettext(
        "%(mailing)s: %(sent)d of %(all)d sent; %(n)d is waiting: %(command)s",
        "%(mailing)s: %(sent)d of %(all)d sent; %(n)d are waiting: %(command)s",
        waits,
    )
    words = {"mailing": shown_name(mailing), "sent": sent, "all": sent + left, "n": waits, "command": command}
    return sentence % words


def _due_now(event: Event, each: Due, now: datetime, runs: bool) -> str:
    words = {"mailing": shown_name(each.mailing), "mails": mails(each.left)}
    if each.mode is SendMode.APPROVED and runs:
        if each.goes is not None and each.goes > latest_of(event, each.mailing):
            sentence = _("%(mailing)s is not sent automatically any more: %(reason)s. To send it: %(command)s")
            command = send_command(event.id, each.mailing)
            return sentence % {**words, "reason": no_hours_left(latest_of(event, each.mailing)), "command": command}
        if each.goes is not None and each.goes > now:
            words["moment"] = moment_from(now, each.goes)
            return _("Due, and sent automatically from %(moment)s on: %(mailing)s, %(mails)s") % words
        return _("Due now, and sent automatically: %(mailing)s, %(mails)s") % words
    return _("Due now: mkwmail send %(event)s %(mailing)s") % {"event": event.id, "mailing": typed_name(each.mailing)}


def _ahead(event: Event, each: Due, now: datetime, runs: bool) -> Iterator[str]:
    words = {"mailing": shown_name(each.mailing), "moment": moment_from(now, each.send) if each.send else ""}
    if each.mode is SendMode.APPROVED and runs:
        if each.goes is not None and each.goes > latest_of(event, each.mailing):
            words |= {"reason": no_hours_left(latest_of(event, each.mailing))}
            yield _("Next: %(mailing)s, planned for %(moment)s, but not automatically: %(reason)s") % words
        elif each.goes is not None and each.send is not None and each.goes > each.send:
            words |= {"goes": moment_from(now, each.goes)}
            yield _("Next: %(mailing)s, planned for %(moment)s; it is sent automatically on %(goes)s") % words
        else:
            yield _("Next: %(mailing)s, planned for %(moment)s; it is sent automatically") % words
        return
    yield _("Next: %(mailing)s, planned for %(moment)s") % words
    if each.mode is SendMode.NOT_APPROVED:
        yield _("To send it automatically: mkwmail schedule %(event)s") % {"event": event.id}


def silent(event: Event, index: MemberIndex | None, history: History) -> frozenset[str]:
    """Return those (keys) who were invited and have not answered.

    Those for whom a colleague has answered are not among them.

    :param index: None if the member list cannot be read; then no colleague counts.
    """
    invited = {each.person for each in history.deliveries if each.state in TOLD and rule_of(each.round.mailing).invites}
    return frozenset(invited - history.answers.keys() - spoken_for(event, index, history) - _assistants(index, history))


def _assistants(index: MemberIndex | None, history: History) -> frozenset[str]:
    """Return those (keys) who are no members and get copies only, also if they are in the list no more."""
    members = {each.person for each in index.listings} if index else set()
    found = {each.person for each in index.assistants} if index else set()
    # The register knows assistants by their addresses alone.
    found |= {each.key for each in history.persons if not (each.name or each.organisation or each.number)}
    return frozenset(found - members)


def places_of(index: MemberIndex) -> dict[str, str]:
    """Return the organisations of the list: folded name → name."""
    places: dict[str, str] = {}
    for each in index.listings:
        if each.member.organisation:
            places.setdefault(folded(each.member.organisation), each.member.organisation)
    return places


def spoken_for(event: Event, index: MemberIndex | None, history: History) -> frozenset[str]:
    """Return the members for whom a colleague who comes has answered.

    They are the keys of all members of such an organisation, if one person counts for all of it.
    """
    if index is None:
        return frozenset()
    here = {each.person: each.member for each in (*index.listings, *history.guests)}
    places = represented(event, history.answers, here)
    return frozenset(person for person, member in here.items() if folded(member.organisation) in places)


def to_phone(event: Event, index: MemberIndex | None, history: History, now: datetime) -> Iterator[Recipient]:
    """Yield those whom somebody should telephone, until the event is over.

    No mail reaches them, or they have not answered the last reminder.

    Those who are not to be mailed are not telephoned for this reason either.
    """
    if now > event.ends:
        return
    listed = {each.person: each for each in index.listings} if index else {}
    answered_for = spoken_for(event, index, history)
    told = [each for each in sorted(history.deliveries, key=lambda each: each.since) if not is_mark(each.address)]
    last = {each.person: each for each in told}
    reminded = _reminded_last(event, told, now) if history.cancelled is None else {}
    names = {each.key: each.name for each in history.persons}
    for person, delivery in last.items():
        answer, here = history.answers.get(person), listed.get(person)
        if answer in ("declined", "absent") or person in answered_for or person in history.left_out:
            continue
        if here is not None and here.member.do_not_mail:
            continue
        known = Recipient(person, Member(0, Name(written=names.get(person, "")), delivery.address))
        if delivery.state is State.REFUSED:
            # A corrected address is mailed instead.
            if here is None or here.member.address_key == address_key(delivery.address):
                yield replace(known, reason=f"{shown_name(delivery.round.mailing)}: {delivery.reason}")
        elif answer is None and here is not None and person in reminded and person not in history.perhaps_answered:
            day = {"day": day_in_words(reminded[person])}
            yield replace(known, reason=_("has not answered the reminder of %(day)s") % day)


@dataclass(frozen=True, slots=True)
class ToCall:
    """Somebody to telephone: ``last`` is the last call, if there was one."""

    person: str
    name: str
    organisation: str
    telephone: str
    reason: str
    last: Call | None = None


def calls_to_make(
    event: Event, index: MemberIndex | None, history: History, calls: Iterable[Call], now: datetime
) -> tuple[ToCall, ...]:
    """Return those whom somebody should telephone, the most urgent first.

    First those whom no mail reaches; of equal urgency, those who were not called yet, then those who were called
    longest ago. Members without an address have no key.
    """
    listed = {each.person: each.member for each in index.listings} if index else {}
    places = {each.key: each.organisation for each in history.persons}
    last = {each.person: each for each in calls}
    refused = {each.person for each in history.deliveries if each.state is State.REFUSED}
    found = []
    for one in to_phone(event, index, history, now):
        member = listed.get(one.person)
        place = member.organisation if member else places.get(one.person, "")
        telephone = member.telephones if member else ""
        found.append(ToCall(one.person, one.name, place, telephone, one.reason, last.get(one.person)))
    if index is not None and now <= event.ends and history.cancelled is None:
        found += _without_address(index, history)
    found.sort(
        key=lambda one: (not _is_out_of_reach(one, refused), one.last is not None, one.last.at if one.last else now)
    )
    return tuple(found)


def _without_address(index: MemberIndex, history: History) -> Iterator[ToCall]:
    """Yield the members without an address, until an answer is recorded under their name."""
    guests = (*history.guests, *history.unaddressed)
    answered = {folded(each.name) for each in guests if each.person in history.answers}
    for member in unaddressed(index):
        name = full_name(member.name)
        if folded(name) not in answered:
            yield ToCall(
                "", name, member.organisation, member.telephones, _("has no mail address: by post or telephone")
            )


def _is_out_of_reach(one: ToCall, refused: Set[str]) -> bool:
    return not one.person or one.person in refused


def _reminded_last(event: Event, told: Sequence[Delivery], now: datetime) -> dict[str, datetime]:
    """Return person → when they were reminded. Empty as long as a further reminder is planned."""
    reminders = [name for name in event.mailings if rule_of(name).reminds]
    if any(send is not None and send > now for send in (event.mailings[name].send for name in reminders)):
        return {}
    return {each.person: each.since for each in told if each.state in TOLD and rule_of(each.round.mailing).reminds}
