"""Delivery against a real SMTP server with scripted replies, and the real ledger on disk."""

import shutil
import sqlite3
import string
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from mkwmail.auth.credentials import Password
from mkwmail.config.settings import Pace
from mkwmail.delivery.delivery import deliver
from mkwmail.delivery.outcome import exit_code
from mkwmail.delivery.run import Pause, Step
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.transport import Stop
from mkwmail.errors import ExitCode
from mkwmail.ledger.models import State
from tests.delivery.office import LONG_BODY, ROUND, SHORT, START, Office, addresses
from tests.smtp_server import DROP, SILENCE, Action, Call, ReplyThenDrop, ScriptedServer

EVERYBODY = [f"{letter}@example.org" for letter in string.ascii_lowercase[:8]]
A, B, C, D, E, F, G, H = EVERYBODY


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, EVERYBODY)


def test_everybody_gets_one_message_and_a_second_run_sends_none(office: Office) -> None:
    with ScriptedServer() as server:
        outcome = office.send(server.smtp())
        again = office.send(server.smtp())
    assert [taken.recipients for taken in server.taken] == [(address,) for address in EVERYBODY]
    assert server.connections == 1
    assert addresses(outcome.sent) == EVERYBODY
    assert exit_code(outcome) == ExitCode.OK
    assert again.sent == ()
    assert office.states() == dict.fromkeys(EVERYBODY, State.SENT)
    steps = [step for step in office.progress if isinstance(step, Step)]
    assert [(step.done, step.total) for step in steps] == [(n, 8) for n in range(1, 9)]


def test_one_is_deferred_another_refused_and_the_rest_is_served(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "451 4.2.0 greylisted", recipient=B)
        server.on("RCPT", "550 5.1.1 no such user", recipient=C)
        outcome = office.send(server.smtp())
        assert [taken.recipients[0] for taken in server.taken] == [A, D, E, F, G, H]
    assert addresses(outcome.deferred) == [B]
    assert outcome.deferred[0].not_before == START + timedelta(minutes=30)
    assert [(ending.recipient.address, ending.code, ending.reason) for ending in outcome.refused] == [
        (C, 550, "550 5.1.1 no such user")
    ]
    assert exit_code(outcome) == ExitCode.REFUSED
    assert server.said("RSET") == ["RSET", "RSET"]
    states = office.states()
    assert (states[B], states[C], states[D]) == (State.DEFERRED, State.REFUSED, State.SENT)


def test_replies_after_the_final_dot_are_clear(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("DOT", "452 4.3.1 disk full", recipient=B)
        server.on("DOT", "554 5.6.0 content", recipient=C)
        server.on("DOT", ReplyThenDrop("421 4.3.2 going down"), recipient=D)
        outcome = office.send(server.smtp())
    assert addresses(outcome.deferred) == [B, D]
    assert addresses(outcome.refused) == [C]
    assert len(outcome.sent) == 5
    assert server.said("RSET") == []


def test_421_in_the_middle_reconnects_and_serves_everybody(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", ReplyThenDrop("421 4.7.0 too busy"), recipient=C, times=1)
        outcome = office.send(server.smtp())
        assert sorted(addresses(outcome.sent)) == EVERYBODY
        assert server.connections == 2
        assert {server.bodies_of(address) for address in EVERYBODY} == {1}
    assert exit_code(outcome) == ExitCode.OK


def test_a_connection_that_was_idle_too_long_costs_nothing(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("MAIL", ReplyThenDrop("421 4.4.2 idle too long"), skip=3, times=1)
        outcome = office.send(server.smtp())
    assert addresses(outcome.sent) == EVERYBODY  # in the same order: nothing had been said of the message


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "BODY"])
def test_a_drop_before_the_dot_is_tried_again(office: Office, step: str) -> None:
    with ScriptedServer() as server:
        if step == "BODY":
            office.addresses, office.body = EVERYBODY[:3], LONG_BODY
        server.on(step, DROP, skip=2, times=1)
        outcome = office.send(server.smtp())
        assert {server.bodies_of(address) for address in office.addresses} == {1}
    assert sorted(addresses(outcome.sent)) == office.addresses


def test_a_message_that_always_loses_its_connection_does_not_keep_the_others(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("DATA", DROP, recipient=B)
        outcome = office.send(server.smtp())
    assert addresses(outcome.waiting) == [B]
    assert len(outcome.sent) == 7
    assert exit_code(outcome) == ExitCode.WAITING
    assert office.states()[B] is State.PLANNED


@pytest.mark.parametrize("how", [DROP, SILENCE, "999 what", "354 go on"])
def test_no_reply_to_the_dot_is_in_doubt_and_never_sent_again(office: Office, how: Action) -> None:
    with ScriptedServer() as server:
        server.on("DOT", how, recipient=C, times=1)
        outcome = office.send(server.smtp(), timeouts=SHORT)
        office.send(server.smtp())
        assert server.bodies_of(C) == 1
    assert addresses(outcome.in_doubt) == [C]
    assert len(outcome.sent) == 7
    assert exit_code(outcome) == ExitCode.IN_DOUBT
    assert office.states()[C] is State.IN_DOUBT


def test_a_server_that_never_answers_the_dot_leaves_two_in_doubt_not_everybody(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("DOT", DROP)
        outcome = office.send(server.smtp())
    assert len(outcome.in_doubt) == 2
    assert len(outcome.waiting) == 6
    assert exit_code(outcome) == ExitCode.SERVER


@pytest.mark.parametrize(
    ("step", "reply", "code"),
    [
        ("AUTH", "535 5.7.139 Authentication unsuccessful, basic authentication is disabled", ExitCode.LOGIN),
        ("AUTH", "534 5.7.9 Application-specific password required", ExitCode.LOGIN),
        ("AUTH", "454 4.7.0 Temporary authentication failure", ExitCode.SERVER),
        ("MAIL", "530 5.7.57 Client not authenticated", ExitCode.LOGIN),
        ("MAIL", "452 4.3.1 insufficient storage", ExitCode.SERVER),
        ("MAIL", "550 5.7.30 Basic authentication is not supported", ExitCode.LOGIN),
        ("RCPT", "550 5.4.5 Daily user sending limit exceeded", ExitCode.SERVER),
        ("DOT", "554 5.2.0 quota", ExitCode.SERVER),
        ("DOT", "554 5.2.252 SendAsDenied; a not allowed to send as b", ExitCode.LOGIN),
        ("RCPT", "553 5.7.1 <a@example.org>: Sender address rejected: not owned by user", ExitCode.SERVER),
        ("GREETING", "554 5.7.1 go away", ExitCode.SERVER),
        ("GREETING", "421 4.7.0 too many connections", ExitCode.SERVER),
        ("EHLO", "550 5.7.1 not you", ExitCode.SERVER),
    ],
)
def test_faults_of_the_run_stop_it_and_everybody_stays_planned(
    office: Office, step: str, reply: str, code: ExitCode
) -> None:
    with ScriptedServer(users={"u": "geheim"}) as server:
        server.on(step, reply)
        outcome = office.send(server.smtp(username="u"), password=Password("geheim"))
        assert len(server.said("RCPT")) <= 1
    assert outcome.stopped is not None
    assert outcome.stopped.remedy
    assert reply.split(" ", 1)[1] in outcome.stopped.reason
    assert sorted(addresses(outcome.waiting)) == EVERYBODY
    assert exit_code(outcome) == code
    assert set(office.states().values()) <= {State.PLANNED}


def test_a_quota_in_the_middle_keeps_what_went(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "550 5.7.232 tenant limit", skip=3)
        outcome = office.send(server.smtp())
    assert addresses(outcome.sent) == [A, B, C]
    assert len(outcome.waiting) == 5
    assert exit_code(outcome) == ExitCode.SERVER
    with ScriptedServer() as server:
        assert addresses(office.send(server.smtp()).sent) == [D, E, F, G, H]


@pytest.mark.parametrize("connections", [1, 2])
def test_relay_access_denied_for_everyone_refuses_nobody(office: Office, connections: int) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "554 5.7.1 Relay access denied")
        outcome = office.send(server.smtp(), Pace(connections=connections))
        assert len(server.said("RCPT")) <= 2 + connections
    assert outcome.refused == ()
    assert len(outcome.waiting) == 8
    assert outcome.stopped is not None
    assert "Relay access denied" in outcome.stopped.reason
    assert exit_code(outcome) == ExitCode.SERVER
    assert set(office.states().values()) == {State.PLANNED}


def test_three_refusals_with_an_acceptance_or_another_code_between_are_the_members_own(office: Office) -> None:
    with ScriptedServer() as server:
        for address in (A, B, D, E):
            server.on("RCPT", "550 5.1.1 unknown", recipient=address)
        server.on("RCPT", "550 5.2.1 switched off", recipient=F)
        server.on("RCPT", "550 5.1.1 unknown", recipient=G)
        outcome = office.send(server.smtp())
    assert addresses(outcome.refused) == [A, B, D, E, F, G]
    assert addresses(outcome.sent) == [C, H]
    assert outcome.stopped is None


def test_a_refusal_that_is_still_open_when_the_run_is_cut_off_is_tried_again(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("DOT", "554 5.7.1 spam", recipient=A, times=1)
        server.on("DATA", SILENCE, recipient=B, times=1)

        def press() -> None:
            while len(server.said("DATA")) < 2:
                server.wait_for("DATA")
            office.stop.ask()
            office.stop.ask()

        thread = threading.Thread(target=press)
        thread.start()
        outcome = office.send(server.smtp())
        thread.join(10)
        assert sorted(addresses(outcome.waiting)) == EVERYBODY
        office.stop = Stop()
        office.send(server.smtp())
        assert set(office.states().values()) == {State.SENT}
        assert server.bodies_of(A) == 2  # of which the first was refused


def test_a_kill_while_a_refusal_is_open_leaves_nobody_in_doubt(office: Office) -> None:
    """The process dies after a refusal at the dot was read, before it is known whose fault that was."""
    with ScriptedServer() as server:
        server.on("DOT", "554 5.7.1 spam", recipient=A)
        # A copy of the ledger's files while the second message is under way is what a kill leaves behind.
        killed = Office(office.folder / "killed", EVERYBODY)
        killed.folder.mkdir()

        def copy() -> None:
            for path in office.folder.glob("mkwmail.*"):
                if path.is_file() and path.suffix not in (".lock", ".holder"):
                    shutil.copy(path, killed.folder)

        server.on("DATA", Call(copy), recipient=B, times=1)
        office.send(server.smtp())
    before = killed.states()
    assert before[A] is State.SENDING
    with killed.ledger():
        pass
    assert killed.states()[A] is State.PLANNED


def test_two_connections_share_the_work(office: Office) -> None:
    with ScriptedServer() as server:
        outcome = office.send(server.smtp(), Pace(connections=2))
        assert server.connections == 2
        assert {server.bodies_of(address) for address in EVERYBODY} == {1}
    assert sorted(addresses(outcome.sent)) == EVERYBODY


def test_a_few_slow_ones_do_not_keep_the_others(office: Office) -> None:
    """More is under way than waits for the ledger: it is written all the same, soon."""
    others, in_time = threading.Event(), []
    with ScriptedServer() as server:
        for slow in (A, B, C):
            server.on("DOT", Call(lambda: in_time.append(others.wait(20))), recipient=slow)
        server.on("DOT", Call(others.set), recipient=H)
        outcome = office.send(server.smtp(), Pace(connections=4))
    assert in_time == [True] * 3
    assert len(outcome.sent) == 8


def test_a_second_connection_that_is_refused_does_not_stop_the_first(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("GREETING", "421 4.3.2 one connection only", times=1)
        outcome = office.send(server.smtp(), Pace(connections=2))
    assert sorted(addresses(outcome.sent)) == EVERYBODY
    assert exit_code(outcome) == ExitCode.OK


def test_messages_per_connection(office: Office) -> None:
    with ScriptedServer() as server:
        outcome = office.send(server.smtp(), Pace(per_connection=3))
        assert server.connections == 3
        assert len(server.said("QUIT")) == 3
    assert addresses(outcome.sent) == EVERYBODY
    assert office.clock.waits == []


def test_limits_that_the_server_states_are_kept(office: Office) -> None:
    with ScriptedServer(extensions=("LIMITS RCPTMAX=1 MAILMAX=2",)) as server:
        outcome = office.send(server.smtp(), Pace(per_connection=3))
        assert server.connections == 4
    assert addresses(outcome.sent) == EVERYBODY


def test_a_connection_that_always_fails_with_one_message_each_ends(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("MAIL", "421 4.7.0 no", skip=1)
        outcome = office.send(server.smtp(), Pace(per_connection=1))
    assert len(outcome.sent) == 1
    assert exit_code(outcome) == ExitCode.SERVER


def test_a_minute_is_waited_for_and_told(office: Office) -> None:
    with ScriptedServer() as server:
        outcome = office.send(server.smtp(), Pace(per_minute=3))
    assert len(outcome.sent) == 8
    assert office.clock.now() == START + timedelta(minutes=2)
    pauses = [each for each in office.progress if isinstance(each, Pause)]
    assert [(pause.until, pause.left) for pause in pauses] == [
        (START + timedelta(minutes=1), 5),
        (START + timedelta(minutes=2), 2),
    ]


def test_batches_with_a_pause(office: Office) -> None:
    with ScriptedServer() as server:
        outcome = office.send(server.smtp(), Pace(connections=2, batch=3, pause=timedelta(minutes=20)))
    assert len(outcome.sent) == 8
    assert office.clock.now() == START + timedelta(minutes=40)


def test_the_days_limit_counts_over_runs_and_is_not_slept_through(office: Office) -> None:
    pace = Pace(per_day=5)
    with ScriptedServer() as server:
        first = office.send(server.smtp(), pace)
        assert len(server.taken) == 5
        assert addresses(first.waiting) == [F, G, H]
        assert first.until == START + timedelta(hours=24)
        assert exit_code(first) == ExitCode.WAITING
        office.clock.wait(3600, threading.Event())
        assert len(office.send(server.smtp(), pace).waiting) == 3
        office.clock.wait(23 * 3600, threading.Event())
        assert addresses(office.send(server.smtp(), pace).sent) == [F, G, H]


def test_nothing_goes_after_the_latest_moment(office: Office) -> None:
    with ScriptedServer() as server:
        outcome = office.send(server.smtp(), Pace(per_minute=3), latest=START + timedelta(seconds=90))
    assert len(outcome.sent) == 6
    assert len(outcome.waiting) == 2
    assert "latest" in outcome.waiting[0].reason


def test_stop_finishes_the_message_under_way_and_releases_the_rest(office: Office) -> None:
    with ScriptedServer() as server:

        def ask(event: Step | Pause) -> None:
            if isinstance(event, Step) and event.done == 3:
                office.stop.ask()

        office.heard = ask
        outcome = office.send(server.smtp())
    # The fourth may have been under way by then.
    sent = addresses(outcome.sent)
    assert sent in ([A, B, C], [A, B, C, D])
    assert outcome.interrupted
    assert exit_code(outcome) == ExitCode.INTERRUPTED
    assert {address for address, state in office.states().items() if state is State.SENT} == set(sent)
    assert set(office.states().values()) <= {State.SENT, State.PLANNED}


def test_stopping_twice_leaves_the_message_under_way_in_doubt(office: Office) -> None:
    with ScriptedServer() as server:
        server.on("DOT", SILENCE, recipient=B)

        def press() -> None:
            while server.bodies_of(B) == 0:
                server.wait_for(".")
            office.stop.ask()
            office.stop.ask()

        thread = threading.Thread(target=press)
        thread.start()
        outcome = office.send(server.smtp())
        thread.join(10)
    assert addresses(outcome.sent) == [A]
    assert addresses(outcome.in_doubt) == [B]
    assert exit_code(outcome) == ExitCode.INTERRUPTED
    assert office.states()[B] is State.IN_DOUBT


def test_a_ledger_that_cannot_be_written_stops_the_run_at_once(office: Office, tmp_path: Path) -> None:
    many = office.addresses = [f"lid{number:03}@example.org" for number in range(200)]
    with ScriptedServer() as server:
        with office.ledger():
            pass

        def lock(event: Step | Pause) -> None:
            if isinstance(event, Step) and event.done == 2:
                other.execute("CREATE TRIGGER full BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'x'); END")
                other.commit()

        other = sqlite3.connect(tmp_path / "mkwmail.db", check_same_thread=False)
        office.heard = lock
        outcome = office.send(server.smtp())
        other.close()
    # Some were claimed ahead by then, though never more than a power cut may leave in doubt.
    went = [taken.recipients[0] for taken in server.taken]
    assert addresses(outcome.sent) == went == many[: len(went)]
    assert len(went) <= 2 + 64
    assert len(outcome.waiting) == 200 - len(went)
    assert exit_code(outcome) == ExitCode.LEDGER_FAULT
    with closing(sqlite3.connect(tmp_path / "mkwmail.db")) as mended, mended:
        mended.execute("DROP TRIGGER full")
    office.heard = None
    with ScriptedServer() as server:
        assert addresses(office.send(server.smtp()).sent) == many[len(went) :]


def test_no_command_of_the_next_message_is_said_after_the_lock_is_gone(office: Office, tmp_path: Path) -> None:
    many = office.addresses = [f"lid{number:03}@example.org" for number in range(20)]

    def delete(event: Step | Pause) -> None:
        if isinstance(event, Step) and event.done == 5:
            (tmp_path / "mkwmail.db.lock").unlink()

    office.heard = delete
    with ScriptedServer(extensions=("8BITMIME",)) as server:
        outcome = office.send(server.smtp())
    assert exit_code(outcome) == ExitCode.LEDGER_FAULT
    went = [taken.recipients[0] for taken in server.taken]
    assert went == addresses(outcome.sent) == many[: len(went)]
    assert len(server.said("RCPT")) == len(went) < 20


def test_a_wire_journal_that_cannot_be_written_sends_no_body(office: Office) -> None:
    with ScriptedServer() as server, office.ledger() as ledger:
        ledger.wire.close()
        outcome = deliver(
            office.jobs(ledger),
            ROUND,
            ledger,
            lambda: open_session(server.smtp(), None),
            Pace(),
            office.clock,
            office.stop,
            office.hear,
        )
        assert server.taken == []
    assert exit_code(outcome) == ExitCode.LEDGER_FAULT
    assert sorted(addresses(outcome.waiting)) == EVERYBODY
