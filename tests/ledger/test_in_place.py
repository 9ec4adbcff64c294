"""The ledger's files while a run goes on: what is deleted, replaced, linked or moved stops it before its next body."""

import gc
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import ExitCode, UserError
from mkwmail.ledger import deliveries, rounds
from mkwmail.ledger.ledger import Ledger, wire_path
from mkwmail.ledger.models import Claim, Result, Round, State
from mkwmail.ledger.people import Listed

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)
INVITATION = Round("dag-2020", "invitation")
ROWS = [Listed(f"m{number}@example.org", f"Lid {number}") for number in range(8)]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps open files where they are")


def opened(folder: Path) -> Ledger:
    return Ledger.open(
        folder / "mkwmail.db", folder / "mkwmail.id", NOW, "here", boot="boot", state=lambda: folder.parent / "state"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    with opened(folder) as held, held.hold("send", NOW):
        held.settle(NOW)
        yield held


def claims_of(ledger: Ledger, *numbers: int) -> list[Claim]:
    who = ledger.record_persons(ROWS, NOW)
    letter = deliveries.keep_letter(ledger.database, b"Beste leden")
    return [
        Claim(who[number].key, ROWS[number].address, letter, {}, f"<{number}@example.org>", NOW, "0" * 64)
        for number in numbers
    ]


def states(ledger: Ledger) -> dict[str, State]:
    return {each.address.partition("@")[0]: each.state for each in deliveries.of_event(ledger.database, "dag-2020")}


def _delete(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    new.replace(path)


def _rename_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("renamed"))


def _remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("name", ["mkwmail.db", "mkwmail.db-wire", "mkwmail.db.lock"])
@pytest.mark.parametrize("how", [_delete, _replace, _rename_folder, _remove_folder])
def test_no_body_is_begun_without_the_files(
    ledger: Ledger, folder: Path, name: str, how: Callable[[Path], None]
) -> None:
    attempts = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0, 1), NOW)
    claims = claims_of(ledger, 2)
    ledger.begin(attempts[0])
    ledger.wire.reply(Result(attempts[0], State.SENT))
    how(folder / name)
    with pytest.raises(UserError, match="deleted, moved or replaced during this run") as caught:
        ledger.begin(attempts[1])
    assert caught.value.code is ExitCode.LEDGER_FAULT and caught.value.faults[0].remedy
    # No claim either; what the server said of the first is recorded, as long as the ledger is there.
    with pytest.raises(UserError) as caught:
        ledger.record_and_claim(INVITATION, [Result(attempts[0], State.SENT)], claims, NOW)
    assert caught.value.code is ExitCode.LEDGER_FAULT
    assert states(ledger) == {"m0": State.SENT, "m1": State.SENDING}


def test_a_body_that_was_declined_is_not_in_the_journal(ledger: Ledger, folder: Path) -> None:
    attempts = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0), NOW)
    (folder / "mkwmail.db.lock").unlink()
    with pytest.raises(UserError):
        ledger.begin(attempts[0])
    assert "body" not in wire_path(folder / "mkwmail.db").read_text()


def test_a_run_whose_lock_was_deleted_is_still_there(ledger: Ledger, folder: Path) -> None:
    attempts = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0, 1), NOW)
    ledger.begin(attempts[0])
    (folder / "mkwmail.db.lock").unlink()
    with opened(folder) as second:
        for _again in range(2):
            with pytest.raises(UserError) as caught, second.hold("send", NOW):
                pass
            assert caught.value.code is ExitCode.LEDGER_HELD
            assert f"process {os.getpid()}" in str(caught.value)
    assert states(ledger) == {"m0": State.SENDING, "m1": State.SENDING}
    with pytest.raises(UserError):
        ledger.begin(attempts[1])


def test_with_lock_and_holder_deleted_the_first_run_stops_before_its_next_body(ledger: Ledger, folder: Path) -> None:
    attempts = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0, 1), NOW)
    ledger.begin(attempts[0])
    for name in ("mkwmail.db.lock", "mkwmail.db.holder"):
        (folder / name).unlink()
    with opened(folder) as second, second.hold("send", NOW):
        settled = second.settle(NOW)
        assert (settled.in_doubt, settled.released) == (1, 1)
        with pytest.raises(UserError):
            ledger.begin(attempts[1])
        # The outcome of the message under way is decided already, and is no traceback.
        ledger.wire.reply(Result(attempts[0], State.SENT))
        with pytest.raises(UserError, match="another run has decided") as caught:
            deliveries.record(ledger.database, [Result(attempts[0], State.SENT)], NOW)
        assert caught.value.code is ExitCode.LEDGER_FAULT
        assert states(second) == {"m0": State.IN_DOUBT, "m1": State.PLANNED}


def test_bodies_are_begun_by_several_threads(ledger: Ledger, folder: Path) -> None:
    attempts = ledger.record_and_claim(INVITATION, (), claims_of(ledger, *range(8)), NOW)
    threads = [threading.Thread(target=ledger.begin, args=(attempt,)) for attempt in attempts]
    with ledger.database.transaction():  # a transaction of another thread is not waited for
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
    lines = wire_path(folder / "mkwmail.db").read_text().splitlines()[1:]
    assert sorted(lines) == sorted(f"body {attempt}" for attempt in attempts)


def test_only_a_run_that_holds_it_begins_a_body(folder: Path) -> None:
    with opened(folder) as ledger:
        with pytest.raises(RuntimeError):
            ledger.begin(1)
        with pytest.raises(RuntimeError):
            ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0), NOW)
        with pytest.raises(RuntimeError):
            ledger.keep_note()


# Results and claims together


def test_results_and_claims_are_durable_together(ledger: Ledger, folder: Path) -> None:
    first = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0, 1), NOW)
    results = [Result(attempt, State.SENT) for attempt in first]
    assert ledger.record_and_claim(INVITATION, results, claims_of(ledger, 2, 3), NOW) == (3, 4)
    assert ledger.record_and_claim(INVITATION, (), (), NOW) == ()
    assert ledger.record_and_claim(INVITATION, [Result(3, State.SENT)], (), NOW) == ()
    with opened(folder) as other:
        assert states(other) == {"m0": State.SENT, "m1": State.SENT, "m2": State.SENT, "m3": State.SENDING}


def test_when_the_claims_fail_the_results_before_them_are_recorded(ledger: Ledger) -> None:
    first = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0, 1), NOW)
    results = [Result(first[0], State.SENT), Result(first[1], State.DEFERRED, 450, "later")]
    with pytest.raises(UserError, match="its own rules"):
        ledger.record_and_claim(INVITATION, results, claims_of(ledger, 2, 0), NOW)
    # None of the claims, and both results.
    assert states(ledger) == {"m0": State.SENT, "m1": State.DEFERRED}
    assert ledger.record_and_claim(INVITATION, (), claims_of(ledger, 2), NOW) == (3,)


def test_when_a_result_fails_nothing_is_claimed(ledger: Ledger) -> None:
    (first,) = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0), NOW)
    with pytest.raises(UserError, match="another run has decided"):
        ledger.record_and_claim(
            INVITATION, [Result(first, State.SENT), Result(first + 1, State.SENT)], claims_of(ledger, 1), NOW
        )
    assert states(ledger) == {"m0": State.SENDING}


def test_a_full_disk_under_the_claims_keeps_the_results(ledger: Ledger) -> None:
    (first,) = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0), NOW)
    (large,) = claims_of(ledger, 1)
    pages = ledger.database.number("PRAGMA page_count")
    ledger.database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UserError, match="full"):
        ledger.record_and_claim(
            INVITATION, [Result(first, State.SENT)], [large._replace(values={"text": "x" * 100_000})], NOW
        )
    assert states(ledger) == {"m0": State.SENT}


# Links


def test_a_hard_link_is_refused_under_both_names(folder: Path) -> None:
    opened(folder).close()
    other = folder.parent / "other"
    other.mkdir()
    for name in ("mkwmail.db", "mkwmail.id"):
        os.link(folder / name, other / name)
    for each in (folder, other):
        with pytest.raises(UserError, match="hard link") as caught:
            opened(each)
        assert caught.value.code is ExitCode.SETTINGS
    # The remedy.
    shutil.copy(folder / "mkwmail.db", folder / "mkwmail.db.own")
    (folder / "mkwmail.db.own").replace(folder / "mkwmail.db")
    opened(folder).close()


def test_a_link_to_a_ledger_shares_its_lock_and_its_journal(ledger: Ledger, folder: Path) -> None:
    (attempt,) = ledger.record_and_claim(INVITATION, (), claims_of(ledger, 0), NOW)
    ledger.begin(attempt)
    other = folder.parent / "other"
    other.mkdir()
    for name in ("mkwmail.db", "mkwmail.id"):
        (other / name).symlink_to(folder / name)
    with opened(other) as linked:
        with pytest.raises(UserError) as caught, linked.hold("send", NOW):
            pass
        assert caught.value.code is ExitCode.LEDGER_HELD
    assert sorted(path.name for path in other.iterdir()) == ["mkwmail.db", "mkwmail.id"]


def test_nothing_is_left_next_to_the_ledger_by_the_threads_that_look_who_is_left_out(folder: Path) -> None:
    """SQLite moves the write-ahead log into the file when the last connection is closed."""
    with opened(folder) as held, held.hold("send", NOW):
        held.settle(NOW)
        together = threading.Barrier(8)

        def look() -> None:
            together.wait(10)
            rounds.left_out(held.reader)

        threads = [threading.Thread(target=look) for _each in range(8)]
        gc.disable()  # as in a run
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
        finally:
            held.close()
            gc.enable()
        assert not (folder / "mkwmail.db-wal").exists()
