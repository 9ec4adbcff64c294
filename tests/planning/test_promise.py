"""Nobody is mailed twice, nobody is forgotten: any order of run, crash, power cut, list change and word.

The real ledger on disk and the real plan; only the server is played here, for it alone knows what it took.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Mailing
from mkwmail.dutch.names import Name, full_name
from mkwmail.ledger import deliveries
from mkwmail.ledger.ledger import Ledger, wire_path
from mkwmail.ledger.models import Claim, Result, Round, State, next_try
from mkwmail.ledger.people import Listed
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.plan import Plan, plan

EVENT = Event(
    id="dag-2020",
    title="Dag",
    starts=datetime(2020, 4, 16, 13, tzinfo=ZONE),
    ends=datetime(2020, 4, 16, 18, tzinfo=ZONE),
    mailings={name: Mailing() for name in ("save-the-date", "invitation", "reminder")},
)
START = datetime(2020, 2, 17, 9, tzinfo=ZONE)
LETTER = b"Beste leden"
CHANGES = [
    "new",
    "new",
    "new",
    "order",
    "leaves",
    "corrected",
    "taken over",
    "taken over",
    "a second row",
    "is not skipped",
]
FATES = [State.SENT, State.SENT, State.SENT, State.DEFERRED, State.REFUSED]


class KilledError(Exception):
    """The process is gone."""


@dataclass(frozen=True)
class Message:
    """One attempt at the server: the body, and its outcome."""

    round: Round
    person: str
    address: str
    fate: State


class Life(RuleBasedStateMachine):
    """A secretary, a list, a server, and a computer that fails."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="mkwmail-promise-"))
        self.now = START
        self.boot = 0
        self.rows: list[Member] = []
        self.made = 0
        self.wire: list[Message] = []
        self.words: Counter[tuple[str, str]] = Counter()  # send-again, by round's mailing and person
        self.words_for_address: Counter[tuple[str, str]] = Counter()

    def teardown(self) -> None:
        try:
            self.everybody_is_accounted_for()
        finally:
            shutil.rmtree(self.folder)

    @initialize(size=st.integers(1, 6))
    def a_list(self, size: int) -> None:
        for _ in range(size):
            self.somebody_new()

    # The list

    def somebody_new(self) -> None:
        self.made += 1
        address = f"m{self.made}@example.org"
        name = Name(first="Lid", surname=f"Nummer{self.made}")
        self.rows.append(Member(0, name, address, organisation=f"Woonstede {self.made % 3}"))

    def change(self, how: str, data: st.DataObject) -> None:
        if how == "new" or not self.rows:
            self.somebody_new()
            return
        if how == "order":
            self.rows = data.draw(st.permutations(self.rows))
            return
        place = data.draw(st.integers(0, len(self.rows) - 1))
        row = self.rows[place]
        if how == "leaves":
            self.rows.pop(place)
        elif how == "corrected":
            self.made += 1
            self.rows[place] = row._replace(email=f"c{self.made}@example.net")
        elif how == "taken over":
            # An address that somebody left behind: a secretariat's, a successor's.
            listed = {each.email.casefold() for each in self.rows}
            left = sorted({each.address for each in self.wire} - listed)
            if left:
                self.rows[place] = row._replace(email=data.draw(st.sampled_from(left)))
        elif how == "a second row":
            self.rows.append(row._replace(email=row.email.upper()))
        elif how == "is not skipped":
            self.rows[place] = row._replace(do_not_mail="verhuisd")

    # The program

    def opened(self) -> Ledger:
        return Ledger.open(
            self.folder / "mkwmail.db", self.folder / "mkwmail.id", self.now, "here", boot=f"boot {self.boot}"
        )

    def planned(self, ledger: Ledger, mailing: str) -> Plan:
        listed = [Listed(row.email, full_name(row.name), row.organisation) for row in self.rows]
        found = ledger.record_persons(listed, self.now)
        listings = [Recipient(who.key, row, who.doubt or "") for who, row in zip(found, self.rows, strict=True)]
        return plan(EVENT, mailing, listings, History(deliveries.of_event(ledger.database, EVENT.id)), self.now)

    # One rule with everything in it: Hypothesis leaves some rules out of an example, and without runs,
    # kills and words there is nothing to see.
    @rule(
        changes=st.lists(st.sampled_from(CHANGES), max_size=4),
        hours=st.sampled_from([0, 0.2, 1, 100]),
        mailing=st.sampled_from(["save-the-date", "invitation", "invitation", "reminder"]),
        fates=st.lists(st.sampled_from(FATES), min_size=3, max_size=5),
        group=st.integers(1, 4),
        end=st.sampled_from(["clean", "killed", "killed", "killed", "power cut"]),
        after=st.integers(1, 14),
        lost=st.integers(0, 200),
        word=st.sampled_from([None, None, "sent", "send-again"]),
        data=st.data(),
    )
    def some_days(
        self,
        changes: list[str],
        hours: float,
        mailing: str,
        fates: list[State],
        group: int,
        end: str,
        after: int,
        lost: int,
        word: Literal["sent", "send-again"] | None,
        data: st.DataObject,
    ) -> None:
        for how in changes:
            self.change(how, data)
        self.now += timedelta(hours=hours)
        self.run_until(self.steps(mailing, fates, group), None if end == "clean" else after)
        if end == "power cut":
            self.power_cut(lost)
        if word is not None:
            self.say(word, data)

    def run_until(self, steps: Generator[None, None, None], killed_after: int | None) -> None:
        try:
            for number, _step in enumerate(steps):
                if number == killed_after:
                    steps.throw(KilledError)
        except KilledError:
            pass

    def steps(self, mailing: str, fates: list[State], group: int) -> Generator[None, None, None]:
        """A run, with a pause wherever it may be killed."""
        with self.opened() as ledger, ledger.hold("send", self.now):
            yield
            ledger.settle(self.now)
            yield
            made = self.planned(ledger, mailing)
            if made.too_late:
                deliveries.expire(ledger.database, made.round, [each.person for each in made.expired], self.now)
            yield
            for first in range(0, len(made.to_send), group):
                yield from self.send(ledger, made.round, made.to_send[first : first + group], fates)

    def send(self, ledger: Ledger, of: Round, planned: tuple[Recipient, ...], fates: list[State]) -> Iterator[None]:
        letter = deliveries.keep_letter(ledger.database, LETTER)
        claims = [
            Claim(each.person, each.member.email, letter, {}, "<1@example.org>", self.now, "0" * 64) for each in planned
        ]
        attempts = ledger.record_and_claim(of, (), claims, self.now)
        yield
        results = []
        for attempt, claim in zip(attempts, claims, strict=True):
            fate = fates[attempt % len(fates)]
            ledger.wire.body(attempt)
            yield
            self.wire.append(Message(of, claim.person, claim.address.casefold(), fate))
            yield
            wait = next_try(1, self.now) if fate is State.DEFERRED else None
            results.append(Result(attempt, fate, 250, "reply", wait))
            ledger.wire.reply(results[-1])
            yield
        deliveries.record(ledger.database, results, self.now)
        yield

    def power_cut(self, lost: int) -> None:
        """Restart the machine; the end of the unsynced data is lost."""
        self.boot += 1
        path = wire_path(self.folder / "mkwmail.db")
        if path.exists():
            data = path.read_bytes()
            head = data.index(b"\n") + 1
            path.write_bytes(data[: max(head, len(data) - lost)])

    def say(self, word: Literal["sent", "send-again"], data: st.DataObject) -> None:
        with self.opened() as ledger:
            with ledger.hold("resolve", self.now):
                ledger.settle(self.now)
            open_ones = [
                each
                for each in deliveries.of_event(ledger.database, EVENT.id)
                if each.state is State.IN_DOUBT or (each.state is State.REFUSED and word == "send-again")
            ]
            if open_ones:
                each = data.draw(st.sampled_from(open_ones))
                of = each.round
                deliveries.resolve(ledger.database, of, each.person, word, self.now)
                if word == "send-again":
                    self.words[of.mailing, each.person] += 1
                    self.words_for_address[of.mailing, each.address.casefold()] += 1

    # The promise

    @invariant()
    def nobody_gets_it_twice(self) -> None:
        """The server takes each (round, person), and each (round, address), once, and again for each word."""
        taken = [each for each in self.wire if each.fate is State.SENT]
        for person, count in Counter((each.round.mailing, each.person) for each in taken).items():
            assert count <= 1 + self.words[person], person
        for address, count in Counter((each.round.mailing, each.address) for each in taken).items():
            assert count <= 1 + self.words_for_address[address], address

    def everybody_is_accounted_for(self) -> None:
        """At the end a run without faults leaves nobody without the mail or a word about why."""
        self.now = max(self.now, START)
        with self.opened() as ledger, ledger.hold("send", self.now):
            ledger.settle(self.now)
            made = self.planned(ledger, "invitation")
            if not made.too_late:
                assert len(made.to_send) + len(made.waiting) + len(made.already) + len(made.in_doubt) + len(
                    made.refused
                ) + len(made.skipped) == len(self.rows)
            for first in range(0, len(made.to_send), 3):
                for _step in self.send(ledger, made.round, made.to_send[first : first + 3], [State.SENT]):
                    pass
            after = self.planned(ledger, "invitation")
            assert not after.to_send
            # Members reported as having the mail did get it, unless a person said so.
            for each in after.already:
                delivery = next(
                    one
                    for one in deliveries.of_event(ledger.database, EVENT.id)
                    if one.person == each.person and one.round == made.round
                )
                attempts = deliveries.attempts(ledger.database, made.round, each.person)
                resolved = attempts[-1].state in (State.IN_DOUBT, State.REFUSED)
                took = any(
                    one.person == each.person and one.fate is State.SENT and one.round == made.round
                    for one in self.wire
                )
                assert took or resolved, delivery
        self.nobody_gets_it_twice()


Life.TestCase.settings = settings(
    max_examples=120, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
TestThePromise = Life.TestCase


def test_a_successor_at_an_address_that_had_it_does_not_bring_it_there_again() -> None:
    life = Life()
    try:
        life.somebody_new()
        life.somebody_new()
        life.run_until(life.steps("invitation", [State.SENT], 1), None)
        life.rows[0] = life.rows[0]._replace(email="elsewhere@example.net")
        life.run_until(life.steps("invitation", [State.SENT], 1), None)
        life.somebody_new()
        life.rows[2] = life.rows[2]._replace(email="m1@example.org")
        life.run_until(life.steps("invitation", [State.SENT], 1), None)
        assert [each.address for each in life.wire] == ["m1@example.org", "m2@example.org"]
    finally:
        life.teardown()
