"""The promise of the calendar: whatever happens to an event, everybody's calendar says what its file says, or
`status` names them.

The ledger, the plan, the letters and the status are the program's own; only the wire and the members' calendars
are simulated, the latter by the rules of RFC 5546 §2.1.5 and §3.2.
"""

import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import icalendar
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mkwmail.clock import ZONE
from mkwmail.commands.compose_mailing import composer_of
from mkwmail.commands.context import Sources, history_of
from mkwmail.commands.send import jobs_for
from mkwmail.commands.status import status_of
from mkwmail.config.event import CalendarEntry, CalendarMethod, Event, Location, Mailing, Registration, place_of
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import rule_of
from mkwmail.config.settings import Keep, Mailbox, Settings
from mkwmail.dutch.names import Name
from mkwmail.ledger import deliveries, rounds
from mkwmail.ledger.deliveries import Word
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Result, State
from mkwmail.members.member_list import Member, MemberList
from mkwmail.planning.member_index import MemberIndex, identify_members, listed, plan_for
from tests.mail.workshop import SMALL_TEMPLATES

START = datetime(2020, 2, 1, 9, tzinfo=ZONE)
SETTINGS = Settings(sender=Mailbox(name="Secretaris", email="secretaris@example.org"), form="je")
BODY = """---
subject: {{ event.title }}
preheader:
---
{{ salutation }}
{% for change in changes %}

{{ change.what }} was {{ change.old }} en wordt {{ change.new }};
{% endfor %}
"""
MAILINGS = ("invitation", "nieuws", "bericht")
ENDS = (
    *("sent", "sent", "sent", "in doubt, arrived", "in doubt, lost", "deferred", "refused"),
    *("dies before", "dies in it, arrived", "dies in it, lost"),
)
CHANGES: dict[str, tuple[Any, ...]] = {
    "starts": tuple(datetime(2020, month, day, 13, tzinfo=ZONE) for month, day in ((4, 16), (4, 17), (10, 29))),
    "title": ("Directeurendag", 'Dag, voor "allen"; ook online'),
    "location": (Location(name="De Moestuin", city="Utrecht"), Location(city="Houten"), None),
    "pe_points": (None, True, 3),
}


@dataclass
class Calendar:
    """A member's own calendar: entries by UID."""

    entries: dict[str, Any] = field(default_factory=dict)

    def receive(self, data: bytes, mailing: str) -> None:
        mail: Any = message_from_bytes(data, policy=policy.default)
        parts = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
        if not (parts or rule_of(mailing).carries_entry):
            return  # it has the entry for those only who lack it as it is now
        (part,) = parts
        read = icalendar.Calendar.from_ical(part.get_content())
        (entry,) = read.walk("VEVENT")
        known: Any = self.entries.get(str(entry["UID"]))
        if known is None or _turn(entry) >= _turn(known):
            if known is not None and _shown(entry) != _shown(known):
                assert entry["SEQUENCE"] > known["SEQUENCE"], "another entry under the same SEQUENCE"
            if known is not None or str(read["METHOD"]) != "CANCEL":
                self.entries[str(entry["UID"])] = entry

    def shown(self) -> list[tuple[Any, ...]]:
        return [_shown(entry) for entry in self.entries.values()]


def _turn(entry: Any) -> tuple[int, datetime]:
    return int(entry["SEQUENCE"]), entry["DTSTAMP"].dt


def _shown(entry: Any) -> tuple[Any, ...]:
    if str(entry["STATUS"]) == "CANCELLED":
        return ("cancelled",)
    place = str(entry["LOCATION"]) if "LOCATION" in entry else ""
    moments = (entry["DTSTART"].dt.timestamp(), entry["DTEND"].dt.timestamp())
    return (*moments, str(entry["SUMMARY"]), place)


class Life(RuleBasedStateMachine):
    """An event from its first mailing on."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory(prefix="mkwmail-")
        self.folder = Path(self.temporary.name)
        (self.folder / "templates").mkdir()
        for name in ("invitation", "own", "update", "cancellation"):
            (self.folder / "templates" / f"{name}.md").write_text(BODY, "utf-8")
        for name, text in SMALL_TEMPLATES.items():
            (self.folder / "templates" / name).write_text(text, "utf-8")
        self.now = START
        self.boot = 0
        self.members: list[Member] = []
        self.gone: list[Member] = []
        self.made = 0
        self.calendars: dict[str, Calendar] = {}
        self.arrived: set[str] = set()
        self.event = Event(
            id="dag",
            title="Directeurendag",
            starts=CHANGES["starts"][0],
            ends=CHANGES["starts"][0] + timedelta(hours=5),
            location=CHANGES["location"][0],
            registration=Registration(url="https://aanmelden.example.org/?lid={code}"),
            mailings={name: Mailing() for name in MAILINGS},
        )
        for _ in range(3):
            self.somebody_new()
        self.ledger = self.opened()

    def opened(self) -> Ledger:
        names = (self.folder / "mkwmail.db", self.folder / "mkwmail.id")
        return Ledger.open(*names, self.now, "here", boot=f"boot {self.boot}")

    def somebody_new(self) -> None:
        self.made += 1
        name = Name(first="Lid", surname=f"Nummer{self.made}")
        self.members.append(Member(self.made, name, f"m{self.made}@example.org", organisation=f"Wonen {self.made}"))

    # The steps

    @rule(
        facts=st.lists(st.sampled_from(sorted(CHANGES)), max_size=2),
        value=st.integers(0, 2),
        who=st.sampled_from(("nobody", "nobody", "new", "leaves", "returns")),
        place=st.integers(0, 5),
        mailing=st.sampled_from((*MAILINGS, "update", "update", "update")),
        ends=st.lists(st.sampled_from(ENDS), min_size=6, max_size=6),
        power_cut=st.booleans(),
        resolving=st.booleans(),
    )
    def a_day(
        self,
        facts: list[str],
        value: int,
        who: str,
        place: int,
        mailing: str,
        ends: list[str],
        power_cut: bool,
        resolving: bool,
    ) -> None:
        self.change(facts, value)
        self.change_list(who, place)
        if resolving:
            self.resolve()
        self.send(mailing, ends, power_cut)

    @rule(ends=st.lists(st.sampled_from(ENDS), min_size=6, max_size=6), power_cut=st.booleans())
    def cancel(self, ends: list[str], power_cut: bool) -> None:
        if self.calendars and self.made > 4:
            self.send("cancellation", ends, power_cut)

    def change(self, facts: list[str], value: int) -> None:
        changed = {name: CHANGES[name][value % len(CHANGES[name])] for name in facts}
        event = self.event.model_copy(update=changed)
        self.event = event.model_copy(update={"ends": event.starts + timedelta(hours=5)})

    def change_list(self, who: str, place: int) -> None:
        if who == "new":
            self.somebody_new()
        elif who == "leaves" and len(self.members) > 1:
            self.gone.append(self.members.pop(place % len(self.members)))
        elif who == "returns" and self.gone:
            self.members.append(self.gone.pop())

    def resolve(self) -> None:
        """The secretary asks those in doubt, and says what they say."""
        with self.ledger.hold("resolve", self.now):
            self.ledger.settle(self.now)
            for each in deliveries.of_event(self.ledger.database, "dag"):
                if each.state is State.IN_DOUBT:
                    attempt = deliveries.attempts(self.ledger.database, each.round, each.person)[-1]
                    word: Word = "sent" if attempt.message_id in self.arrived else "send-again"
                    of = each.round
                    deliveries.resolve(self.ledger.database, of, each.person, word, self.now)

    def send(self, mailing: str, ends: list[str], power_cut: bool = False) -> None:
        """One run of `send`, which may break off."""
        self.now += timedelta(hours=1)
        with self.ledger.hold("send", self.now):
            self.ledger.settle(self.now)
            died = self.run(mailing, ends)
        if died:
            self.ledger.close()
            self.boot += power_cut
            self.ledger = self.opened()

    def run(self, mailing: str, ends: list[str]) -> bool:
        index = self.index()
        history = history_of(self.ledger, self.event)
        made = plan_for(self.event, mailing, index, history, self.now)
        composer = composer_of(self.sources(), mailing, self.ledger, history, self.now, None)
        outgoing = composer.outgoing(made, history, self.ledger)
        self.ledger.record_persons(listed(index), self.now)
        rounds.approve(self.ledger.database, "dag", mailing, composer.sources, self.now)
        earlier = [each for each in history.deliveries if each.round == made.round]
        doubtful = {each.person for each in history.deliveries if each.state is State.IN_DOUBT}
        for number, job in enumerate(jobs_for(outgoing, "x", earlier, self.ledger, {})):
            message, claim = job.prepare(self.now)
            (attempt,) = self.ledger.record_and_claim(made.round, (), [claim], self.now)
            end = ends[number % len(ends)]
            if end == "dies before":
                return True
            self.ledger.wire.body(attempt)
            if mailing == "update" and job.recipient.person not in doubtful:
                self.says_what_changed(job.recipient.address, message.data)
            if end == "sent" or end.endswith("arrived"):
                self.arrived.add(message.message_id)
                self.calendars.setdefault(job.recipient.address, Calendar()).receive(message.data, mailing)
            if end.startswith("dies"):
                return True
            state = State(end.partition(",")[0])
            again = self.now + timedelta(minutes=30) if state is State.DEFERRED else None
            deliveries.record(self.ledger.database, [Result(attempt, state, 250, "", again)], self.now)
        return False

    def says_what_changed(self, address: str, data: bytes) -> None:
        """An update names the place that this member's calendar has, and the new one, if and only if they differ."""
        mail: Any = message_from_bytes(data, policy=policy.default)
        part = mail.get_body(("plain",))
        assert part is not None
        words = " ".join(part.get_content().split())
        ((_starts, _ends, _title, place),) = self.calendars[address].shown()
        now = place_of(self.event)
        said = f"Locatie was {place or 'volgt nog'} en wordt {now or 'volgt nog'};"
        assert (said in words) is (place != now), words
        assert "wordt" in words, "an update that says nothing"

    # The state

    def sources(self) -> Sources:
        path = self.folder / "events" / "dag.yaml"
        return Sources(WorkingFolder(self.folder), SETTINGS, path, self.event, MemberList(tuple(self.members)), ())

    def index(self) -> MemberIndex:
        return identify_members(self.members, self.ledger.identify)

    def expected(self) -> tuple[Any, ...]:
        event = self.event
        closed = history_of(self.ledger, event).cancelled is not None
        if closed:
            return ("cancelled",)
        return (event.starts.timestamp(), event.ends.timestamp(), event.title, place_of(event))

    # The invariants

    @invariant()
    def every_calendar_says_what_the_file_says_or_status_names_it(self) -> None:
        """A place that was still to follow need not be named if an invitation will name it."""
        status = status_of(self.event, self.ledger, self.index(), Keep.default(), self.now)
        named = {each.address for each in status.outdated}
        named |= {each.address for each in status.lines if each.state in (State.IN_DOUBT, State.SENDING)}
        expected = self.expected()
        history = history_of(self.ledger, self.event)
        invitation = plan_for(self.event, "invitation", self.index(), history, self.now)
        to_be_invited = {each.member.email for each in invitation.to_send}
        for address, calendar in self.calendars.items():
            assert len(calendar.entries) <= 1, "two entries of one event"
            unplaced = [(*expected[:3], "")]
            if calendar.entries and calendar.shown() != [expected]:
                to_come = calendar.shown() == unplaced and address in to_be_invited
                assert to_come or address in named, f"{address} has {calendar.shown()} and the file {expected}"
        if status.outdated:
            reached = [each for each in status.outdated if not each.why_not]
            assert any("know: mkwmail send dag" in step for step in status.next_steps) is bool(reached)

    def teardown(self) -> None:
        """At the end everything in doubt is settled, and one more update or cancellation repairs all."""
        try:
            closed = history_of(self.ledger, self.event).cancelled is not None
            for _ in range(3):
                self.resolve()
                self.send("cancellation" if closed else "update", ["sent"] * 6)
            status = status_of(self.event, self.ledger, self.index(), Keep.default(), self.now)
            unreached = {each.address for each in status.outdated}
            assert all(each.why_not for each in status.outdated)
            for address, calendar in self.calendars.items():
                assert calendar.shown() in ([], [self.expected()]) or address in unreached
        finally:
            self.ledger.close()
            self.temporary.cleanup()


class Published(Life):
    """One entry that everybody gets."""


class Asked(Life):
    """An entry of each member's own, that asks for an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.event = self.event.model_copy(update={"calendar": CalendarEntry(method=CalendarMethod.REQUEST)})


_SIZE = settings(
    max_examples=10,
    stateful_step_count=10,
    deadline=None,
    phases=[Phase.generate],  # shrinking a life takes minutes; ten days can be read as they are
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestPublished = Published.TestCase
TestPublished.settings = _SIZE
TestAsked = Asked.TestCase
TestAsked.settings = _SIZE
