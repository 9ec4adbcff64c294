"""The wire journal: what a killed run leaves behind, and what follows from it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import ExitCode, UserError
from mkwmail.ledger import deliveries, journal
from mkwmail.ledger.ledger import Ledger, wire_path
from mkwmail.ledger.models import Claim, Result, Round, Settled, State
from mkwmail.ledger.people import Listed

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)
INVITATION = Round("dag-2020", "invitation")


def opened(folder: Path, boot: str = "first boot") -> Ledger:
    return Ledger.open(folder / "mkwmail.db", folder / "mkwmail.id", NOW, "here", boot=boot)


def killed_run(folder: Path) -> list[int]:
    """Four claims: one with a reply, one refused before its body, one with a body only, one with nothing."""
    with opened(folder) as ledger:
        rows = [Listed(f"m{n}@example.org", f"Lid {n}") for n in range(4)]
        who = ledger.record_persons(rows, NOW)
        letter = deliveries.keep_letter(ledger.database, b"brief")
        with ledger.hold("send", NOW):
            ledger.settle(NOW)
            attempts = ledger.record_and_claim(
                INVITATION,
                (),
                [
                    Claim(one.key, row.address, letter, {}, "<1@example.org>", NOW, "0" * 64)
                    for one, row in zip(who, rows, strict=True)
                ],
                NOW,
            )
            ledger.wire.body(attempts[0])
            ledger.wire.reply(Result(attempts[0], State.SENT, 250, "2.0.0 Ok: caf\udce9\r\nreply"))
            wait = NOW + timedelta(minutes=30)
            ledger.wire.reply(Result(attempts[1], State.DEFERRED, 451, "4.7.1 Greylisted", wait))
            ledger.wire.body(attempts[2])
    return list(attempts)


def states(ledger: Ledger) -> list[str]:
    return [
        each.state.value
        for each in sorted(deliveries.of_event(ledger.database, "dag-2020"), key=lambda each: each.address)
    ]


def settle(folder: Path, boot: str = "first boot") -> tuple[Settled, list[str]]:
    with opened(folder, boot) as ledger, ledger.hold("send", NOW):
        return ledger.settle(NOW), states(ledger)


def test_after_a_kill_only_the_body_without_a_reply_is_in_doubt(tmp_path: Path) -> None:
    killed_run(tmp_path)
    settled, found = settle(tmp_path)
    assert settled == Settled(replied=2, released=1, in_doubt=1)
    assert found == ["sent", "deferred", "in doubt", "planned"]
    with opened(tmp_path) as ledger:
        deferred = next(
            each for each in deliveries.of_event(ledger.database, "dag-2020") if each.state is State.DEFERRED
        )
        assert deferred.not_before == NOW + timedelta(minutes=30) and deferred.reason == "4.7.1 Greylisted"
    assert settle(tmp_path)[0] == Settled()


def test_after_another_boot_a_missing_line_proves_nothing(tmp_path: Path) -> None:
    killed_run(tmp_path)
    assert settle(tmp_path, "second boot") == (
        Settled(replied=2, in_doubt=2),
        ["sent", "deferred", "in doubt", "in doubt"],
    )


def test_without_the_journal_everything_under_way_is_in_doubt(tmp_path: Path) -> None:
    killed_run(tmp_path)
    wire_path(tmp_path / "mkwmail.db").unlink()
    assert settle(tmp_path) == (Settled(in_doubt=4), ["in doubt"] * 4)


@pytest.mark.parametrize("garbage", [b"\0\0\0\0\n", b"body 1body 4\n", b"body \n", b'reply [4, "expired", 1]\n'])
def test_a_garbled_journal_releases_nothing(tmp_path: Path, garbage: bytes) -> None:
    killed_run(tmp_path)
    path = wire_path(tmp_path / "mkwmail.db")
    path.write_bytes(path.read_bytes() + garbage)
    assert settle(tmp_path)[1] == ["sent", "deferred", "in doubt", "in doubt"]


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_journal_cut_anywhere_by_a_power_failure_releases_nothing(tmp_path: Path, cut: int) -> None:
    killed_run(tmp_path)
    path = wire_path(tmp_path / "mkwmail.db")
    path.write_bytes(path.read_bytes()[:cut])
    found = settle(tmp_path, "second boot")[1]
    assert "planned" not in found and found[2:] == ["in doubt", "in doubt"]


def test_a_torn_last_line_is_a_body_that_was_not_begun(tmp_path: Path) -> None:
    attempts = killed_run(tmp_path)
    path = wire_path(tmp_path / "mkwmail.db")
    path.write_bytes(path.read_bytes() + f"body {attempts[3]}".encode())
    assert settle(tmp_path)[1] == ["sent", "deferred", "in doubt", "planned"]


def test_another_runs_journal_releases_nothing(tmp_path: Path) -> None:
    killed_run(tmp_path)
    path = wire_path(tmp_path / "mkwmail.db")
    with opened(tmp_path) as ledger:
        name = ledger.id
    journal.begin(path, name, "first boot", 4).close()
    assert settle(tmp_path)[1] == ["in doubt"] * 4


def test_another_ledgers_journal_says_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        killed_run(tmp_path / name)
    wire_path(tmp_path / "a/mkwmail.db").replace(wire_path(tmp_path / "b/mkwmail.db"))
    assert settle(tmp_path / "b")[1] == ["in doubt"] * 4


def test_an_older_copy_of_the_ledger_is_recognised(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    older = (tmp_path / "mkwmail.db").read_bytes()
    killed_run(tmp_path)
    for _again in range(2):
        (tmp_path / "mkwmail.db").write_bytes(older)
        with opened(tmp_path) as ledger, ledger.hold("send", NOW), pytest.raises(UserError) as caught:
            ledger.settle(NOW)
        assert caught.value.code is ExitCode.LEDGER_FAULT and "older copy" in str(caught.value)


def test_an_older_copy_is_recognised_after_later_runs_too(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    older = (tmp_path / "mkwmail.db").read_bytes()
    killed_run(tmp_path)
    settle(tmp_path)
    (tmp_path / "mkwmail.db").write_bytes(older)
    with pytest.raises(UserError, match="older copy"):
        settle(tmp_path)
