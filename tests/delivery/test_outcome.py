"""Exit codes: the first of 74, 69, 77, 79, 80, 75; refusals in a row; Ctrl-C by real signals."""

import os
import signal
from dataclasses import replace
from datetime import datetime
from itertools import permutations

import pytest

from mkwmail.clock import ZONE
from mkwmail.delivery.outcome import Ending, Outcome, exit_code, gravest, outcome_of
from mkwmail.delivery.run import Refusals
from mkwmail.delivery.smtp_replies import RunFault
from mkwmail.delivery.transport import Phase, Reply, interruptible
from mkwmail.dutch.names import Name
from mkwmail.errors import ExitCode
from mkwmail.ledger.models import Round, State
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import Recipient
from mkwmail.planning.plan import Plan

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)
SOMEBODY = Recipient("p", Member(row=2, name=Name(first="P"), email="p@example.org", organisation=""))

ORDER = [
    ExitCode.LEDGER_FAULT,
    ExitCode.SERVER,
    ExitCode.LOGIN,
    ExitCode.IN_DOUBT,
    ExitCode.REFUSED,
    ExitCode.WAITING,
    ExitCode.OK,
]


def test_the_gravest_code_wins_in_whatever_order() -> None:
    for codes in permutations(ORDER, 3):
        assert gravest(codes) == min(codes, key=ORDER.index)
    assert gravest([]) == ExitCode.OK


def test_the_code_of_an_outcome() -> None:
    def ending(state: State) -> Ending:
        return Ending(SOMEBODY, state)

    def of(*states: State, stopped: ExitCode | None = None, interrupted: bool = False) -> ExitCode:
        fault = RunFault("r", "m", stopped) if stopped else None
        return exit_code(outcome_of(map(ending, states), fault, None, interrupted))

    assert exit_code(Outcome()) == ExitCode.OK
    assert of(State.SENT) == ExitCode.OK
    assert of(State.SENT, State.DEFERRED) == ExitCode.WAITING
    assert of(State.PLANNED) == ExitCode.WAITING
    assert of(State.PLANNED, State.REFUSED) == ExitCode.REFUSED
    assert of(State.REFUSED, State.IN_DOUBT) == ExitCode.IN_DOUBT
    assert of(State.IN_DOUBT, stopped=ExitCode.LOGIN) == ExitCode.LOGIN
    assert of(State.IN_DOUBT, interrupted=True) == ExitCode.INTERRUPTED


def test_the_code_counts_what_earlier_runs_left_behind() -> None:
    one = replace(SOMEBODY, reason="r")
    put_off = replace(SOMEBODY, reason="r", not_before=NOW)

    def of(outcome: Outcome | None = None, doubtful: int = 0, **left: object) -> ExitCode:
        after = replace(Plan(Round("dag", "invitation"), NOW, too_late=False), **left)  # type: ignore[arg-type]
        return exit_code(outcome or Outcome(), after, doubtful)

    assert of() == ExitCode.OK
    assert of(skipped=(one,), already=(one,)) == ExitCode.OK
    assert of(to_send=(SOMEBODY,)) == ExitCode.WAITING
    assert of(waiting=(put_off,)) == ExitCode.WAITING
    assert of(doubtful=1) == ExitCode.WAITING
    assert of(refused=(one,), waiting=(put_off,)) == ExitCode.REFUSED
    assert of(expired=(one,), doubtful=1) == ExitCode.REFUSED, "too late"
    assert of(in_doubt=(one,), expired=(one,)) == ExitCode.IN_DOUBT
    assert of(Outcome(interrupted=True), in_doubt=(one,)) == ExitCode.INTERRUPTED
    assert of(Outcome(stopped=RunFault("r", "m", ExitCode.SERVER)), in_doubt=(one,)) == ExitCode.SERVER
    assert of(Outcome(refused=(Ending(replace(SOMEBODY, person="q"), State.REFUSED),))) == ExitCode.REFUSED


def test_three_refusals_with_one_code_stay_open_whatever_comes_after() -> None:
    refusals: Refusals[str] = Refusals()
    relay, unknown = Reply(554, "5.7.1 no", Phase.RCPT), Reply(550, "5.1.1 no", Phase.RCPT)
    assert refusals.refused("a", unknown) == []
    assert refusals.refused("b", relay) == [("a", unknown)]
    assert refusals.refused("c", relay) == []
    assert not refusals.enough
    assert refusals.refused("d", relay) == []
    assert refusals.enough
    assert refusals.accepted() == []
    assert refusals.refused("e", unknown) == []
    assert [item for item, _reply in refusals.rest()] == ["b", "c", "d", "e"]


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_asks_two_mean_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruptible() as stop:
        os.kill(os.getpid(), number)
        assert stop.asked.wait(10)
        assert not stop.at_once.is_set()
        os.kill(os.getpid(), number)
        assert stop.at_once.wait(10)
    assert signal.getsignal(number) is before
