"""The note of a ledger outside its folder: what it says of copies, older copies and moves, and what it does not."""

import json
import multiprocessing
import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import ExitCode, UserError
from mkwmail.ledger import deliveries, last_seen
from mkwmail.ledger.database import FileId
from mkwmail.ledger.last_seen import LastSeen, Match
from mkwmail.ledger.ledger import Ledger, wire_path
from mkwmail.ledger.models import Claim, Result, Round, State
from mkwmail.ledger.people import Listed

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)
INVITATION = Round("dag-2020", "invitation")
ROWS = [Listed(f"m{number}@example.org", f"Lid {number}") for number in range(8)]


def opened(folder: Path, computer: str = "here") -> Ledger:
    """The ledger of a folder, with the state folder that all folders of a test share."""
    return Ledger.open(
        folder / "mkwmail.db", folder / "mkwmail.id", NOW, computer, boot="boot", state=lambda: folder.parent / "state"
    )


def claims_of(ledger: Ledger, people: Sequence[int]) -> list[Claim]:
    who = ledger.record_persons(ROWS, NOW)
    letter = deliveries.keep_letter(ledger.database, b"Beste leden")
    return [
        Claim(who[number].key, ROWS[number].address, letter, {}, f"<{number}@example.org>", NOW, "0" * 64)
        for number in people
    ]


def mail(folder: Path, *people: int) -> None:
    """A run that mails these to the end."""
    with opened(folder) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        send(ledger, people)


def send(ledger: Ledger, people: Sequence[int]) -> None:
    attempts = ledger.record_and_claim(INVITATION, (), claims_of(ledger, people), NOW)
    results = [Result(attempt, State.SENT) for attempt in attempts]
    for result in results:
        ledger.begin(result.attempt)
        ledger.wire.reply(result)
    ledger.record_and_claim(INVITATION, results, (), NOW)


def match(folder: Path) -> Match:
    with opened(folder) as ledger:
        return ledger.compare().match


def refusal(folder: Path) -> UserError:
    """Why nobody may be mailed from a folder; the run itself says the same."""
    with opened(folder) as ledger, ledger.hold("send", NOW):
        found = ledger.compare().refusal()
        assert found is not None
        with pytest.raises(UserError) as caught:
            ledger.settle(NOW)
            send(ledger, [7])
        assert str(caught.value) == str(found) or "older copy" in str(caught.value)
        assert not [
            each for each in deliveries.of_event(ledger.database, "dag-2020") if each.address == ROWS[7].address
        ]
    assert found.faults[0].remedy
    return found


def states(folder: Path) -> dict[str, State]:
    with opened(folder) as ledger:
        return {each.address.partition("@")[0]: each.state for each in deliveries.of_event(ledger.database, "dag-2020")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder from which two people were mailed."""
    made = tmp_path / "folder"
    made.mkdir()
    mail(made, 0, 1)
    return made


def note_of(folder: Path) -> Path:
    (note,) = (folder.parent / "state").glob("*.seen")
    return note


# The file


def test_it_is_private(folder: Path) -> None:
    note = note_of(folder)
    if os.name == "posix":
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        assert stat.S_IMODE(note.parent.stat().st_mode) == 0o700


def test_it_says_where_the_ledger_is_and_how_far_it_got(folder: Path) -> None:
    with opened(folder) as ledger:
        seen = last_seen.read(folder.parent / "state", ledger.id)
    ledger_file = folder / "mkwmail.db"
    found = ledger_file.stat()
    assert seen is not None
    assert (seen.ledger, seen.file) == (ledger_file, FileId(found.st_dev, found.st_ino))
    assert (seen.claim, seen.begun) == (2, 2)
    with closing(sqlite3.connect(ledger_file)) as database:
        assert database.execute("SELECT token FROM runs").fetchall() == [(seen.token,)]


def test_a_torn_write_is_the_older_number_or_the_newer(tmp_path: Path) -> None:
    state = tmp_path / "state"
    note = last_seen.write(state, "name", LastSeen(tmp_path / "mkwmail.db", FileId(1, 2), "token", 7))
    path = last_seen.path_of(state, "name")
    for number in (64, 99, 100, 12345):
        before = path.read_bytes()
        older = last_seen.read(state, "name")
        note.claimed(number)
        note.begun()
        after = path.read_bytes()
        assert older is not None
        for cut in range(len(after) + 1):
            for torn in (after[:cut] + before[cut:], before[:cut] + after[cut:]):
                path.write_bytes(torn)
                seen = last_seen.read(state, "name")
                assert seen is not None and seen.claim in (older.claim, number)
                assert seen.begun in (older.begun, (older.begun or 0) + 1, None)
        path.write_bytes(after)
    note.close()


@pytest.mark.parametrize("place", [0, 20, 60])
def test_a_spoiled_note_is_no_note(folder: Path, place: int) -> None:
    note = note_of(folder)
    data = note.read_bytes()
    for spoiled in (b"", data[:40], data[:100], data[:-5], b"\0" * len(data), data.replace(b"mkwmail", b"another")):
        note.write_bytes(spoiled)
        assert match(folder) is Match.UNKNOWN
    # One of the two numbers may be spoiled, both may not.
    note.write_bytes(data[:place] + b"?" + data[place + 1 :])
    assert match(folder) is Match.SAME
    note.write_bytes(b"?" + data[1:50] + b"?" + data[51:])
    assert match(folder) is Match.UNKNOWN


def test_threads_that_claim_out_of_turn_do_not_lower_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    note = last_seen.write(state, "name", LastSeen(tmp_path / "mkwmail.db", FileId(1, 2), "token", 0))

    def count(start: int) -> None:
        for number in range(start, 400, 4):
            note.claimed(number)
            note.begun()

    threads = [threading.Thread(target=count, args=(start,)) for start in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in (9, 5, 6):
        note.claimed(number)
    seen = last_seen.read(state, "name")
    assert seen is not None and (seen.claim, seen.begun) == (399, 399)
    note.close()


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_run_that_lost_its_note_claims_nothing_more(folder: Path, how: str) -> None:
    with opened(folder) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        send(ledger, [2])
        note = note_of(folder)
        data = note.read_bytes()
        note.unlink()
        if how == "replaced":
            (note.parent / "new").write_bytes(data)
            (note.parent / "new").replace(note)
        with pytest.raises(UserError, match="another folder may send") as caught:
            send(ledger, [3])
        assert caught.value.code is ExitCode.LEDGER_FAULT
    note.write_bytes(data)
    # The claim is in the ledger, and no body of it was begun.
    with opened(folder) as ledger, ledger.hold("send", NOW):
        assert ledger.settle(NOW).released == 1


def test_names_that_are_no_file_names_stay_in_the_state_folder(tmp_path: Path) -> None:
    for name in ("../../x", "..", "/etc/passwd", "a b\n"):
        assert last_seen.path_of(tmp_path, name).parent == tmp_path
        last_seen.write(tmp_path, name, LastSeen(Path("/x"), FileId(1, 2), "t", 0)).close()
        assert last_seen.read(tmp_path, name) is not None


# Copies


@pytest.mark.parametrize("what", ["everything", "the ledger alone", "the ledger without its name there"])
def test_a_copy_is_refused_and_the_first_goes_on(folder: Path, what: str) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    if what == "the ledger alone":
        wire_path(copy / "mkwmail.db").unlink()
    if what == "the ledger without its name there":
        (folder / "mkwmail.id").unlink()
    found = refusal(copy)
    assert found.code is ExitCode.SETTINGS
    assert str(folder) in str(found) and str(copy) in str(found) and "mkwmail --folder" in found.faults[0].remedy
    mail(folder, 2)
    assert match(folder) is Match.SAME


def test_a_persons_word_makes_the_copy_the_ledger(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    with opened(copy) as ledger, ledger.hold("send", NOW):
        found = ledger.compare()
        assert found.match is Match.COPIED and found.can_be_answered
        ledger.settle(NOW)
        ledger.keep_note(found)
        send(ledger, [2])
    assert match(copy) is Match.SAME
    # The first is refused from then on, and no word helps: it has not what was sent from the other.
    with opened(folder) as ledger:
        found = ledger.compare()
    assert found.match is Match.COPIED and found.behind and not found.can_be_answered
    assert "older copy" in str(refusal(folder))
    shutil.rmtree(copy)
    assert refusal(folder).code is ExitCode.LEDGER_FAULT


def test_a_copy_that_is_behind_cannot_be_made_the_ledger(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    mail(folder, 2)
    with opened(copy) as ledger, ledger.hold("send", NOW):
        found = ledger.compare()
        assert found.behind and not found.can_be_answered
        ledger.settle(NOW)
        with pytest.raises(UserError, match="older copy"):
            ledger.keep_note(found)
    assert match(folder) is Match.SAME


def test_what_another_user_sent_from_the_first_is_seen_in_it(folder: Path) -> None:
    copy, state = folder.parent / "copy", folder.parent / "state"
    shutil.copytree(folder, copy)
    mine = state.rename(folder.parent / "mine")
    with opened(folder) as ledger, ledger.hold("send", NOW):
        found = ledger.compare()
        assert found.match is Match.UNKNOWN
        ledger.settle(NOW)
        ledger.keep_note(found)
        send(ledger, [2])
    shutil.rmtree(state)
    mine.rename(state)
    # My note knows nothing of it, and is no alarm; the copy is behind even so.
    assert match(folder) is Match.SAME
    with opened(copy) as ledger:
        assert ledger.compare().behind


def test_a_run_that_goes_on_in_the_first_keeps_the_copy_waiting(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    with opened(folder) as first, first.hold("send", NOW):
        with opened(copy) as second, second.hold("send", NOW):
            found = second.compare()
            second.settle(NOW)
            with pytest.raises(UserError) as caught:
                second.keep_note(found)
        assert caught.value.code is ExitCode.LEDGER_HELD
        first.settle(NOW)
        send(first, [2])


def test_of_two_that_begin_at_once_one_mails(tmp_path: Path) -> None:
    """Copies of a new ledger, from which nobody was mailed."""
    folders = [tmp_path / name for name in ("a", "b", "c")]
    folders[0].mkdir()
    opened(folders[0]).close()
    for copy in folders[1:]:
        shutil.copytree(folders[0], copy)
    barrier, done, faults = threading.Barrier(3), [], []

    def run(folder: Path) -> None:
        with opened(folder) as ledger, ledger.hold("send", NOW):
            assert ledger.compare().match is Match.FIRST
            ledger.settle(NOW)
            barrier.wait()
            try:
                send(ledger, [0])
                done.append(folder)
            except UserError as error:
                faults.append(error.code)

    threads = [threading.Thread(target=run, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1 and faults == [ExitCode.SETTINGS] * 2


# Moves


def test_a_renamed_folder_goes_on(folder: Path) -> None:
    new = folder.rename(folder.parent / "renamed")
    with opened(new) as ledger:
        found = ledger.compare()
    assert (found.match, found.there, found.here) == (Match.MOVED, folder, new)
    mail(new, 2)
    assert match(new) is Match.SAME


def test_a_folder_on_another_disk_goes_on(folder: Path) -> None:
    new = folder.parent / "elsewhere"
    shutil.copytree(folder, new)
    shutil.rmtree(folder)
    assert match(new) is Match.MOVED
    mail(new, 2)


@pytest.mark.parametrize("left", ["an empty folder", "its name", "another ledger", "a letter", "an empty file"])
def test_what_was_left_in_the_old_place_is_no_copy(folder: Path, left: str) -> None:
    new = folder.rename(folder.parent / "renamed")
    folder.mkdir()
    if left == "its name":
        shutil.copy(new / "mkwmail.id", folder)
    elif left == "another ledger":
        opened(folder).close()
    elif left == "a letter":
        (folder / "mkwmail.db").write_text("geen logboek")
    elif left == "an empty file":
        (folder / "mkwmail.db").touch()
    assert match(new) is Match.MOVED


def test_the_same_file_under_another_path_is_no_copy(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert match(link) is Match.SAME
    mail(link, 2)
    assert match(folder) is Match.SAME


def test_a_damaged_ledger_in_the_old_place_is_still_one(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    (folder / "mkwmail.db").write_bytes(b"spoiled" * 1000)
    assert match(copy) is Match.COPIED


def test_looking_at_the_first_leaves_it_as_it_is(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert match(copy) is Match.COPIED
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


# Older copies


def test_an_older_copy_in_its_place_is_refused(folder: Path) -> None:
    backup = folder.parent / "backup"
    shutil.copytree(folder, backup)
    mail(folder, 2)
    newest = folder.rename(folder.parent / "newest")
    shutil.copytree(backup, folder)
    shutil.move(newest, folder.parent.parent / f"{folder.parent.name}-newest")
    found = refusal(folder)
    assert found.code is ExitCode.LEDGER_FAULT and "older copy" in str(found)
    assert str(note_of(folder)) in found.faults[0].remedy
    shutil.rmtree(folder)
    shutil.move(folder.parent.parent / f"{folder.parent.name}-newest", folder)
    assert match(folder) is Match.SAME


def test_a_copy_of_the_same_run_that_lacks_its_last_claim_is_refused(folder: Path) -> None:
    with opened(folder) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        send(ledger, [2])
        ledger.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        older = (folder / "mkwmail.db").read_bytes()
        send(ledger, [3])
    (folder / "mkwmail.db").write_bytes(older)
    wire_path(folder / "mkwmail.db").unlink()
    assert refusal(folder).code is ExitCode.LEDGER_FAULT


def test_an_older_copy_that_was_moved_is_refused(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    mail(folder, 2)
    shutil.rmtree(folder)
    assert refusal(copy).code is ExitCode.LEDGER_FAULT


def test_a_copy_from_which_another_user_sent_as_many_is_refused(folder: Path) -> None:
    copy, state, mine = (folder.parent / name for name in ("copy", "state", "mine"))
    shutil.copytree(folder, copy)
    mail(folder, 2)
    state.rename(mine)
    with opened(copy) as ledger, ledger.hold("send", NOW):
        found = ledger.compare()
        ledger.settle(NOW)
        ledger.keep_note(found)
        send(ledger, [3])
    shutil.rmtree(state)
    mine.rename(state)
    shutil.rmtree(folder)
    assert refusal(copy).code is ExitCode.LEDGER_FAULT


def killed(folder: Path) -> None:
    """A run in a process of its own, which ends without another word: four claims, two bodies, one reply."""
    process = multiprocessing.get_context("spawn").Process(target=_is_killed, args=(folder,))
    process.start()
    process.join(60)
    assert process.exitcode == 9


def _is_killed(folder: Path) -> None:
    with opened(folder) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        attempts = ledger.record_and_claim(INVITATION, (), claims_of(ledger, [2, 3, 4, 5]), NOW)
        ledger.begin(attempts[0])
        ledger.wire.reply(Result(attempts[0], State.SENT))
        shutil.copytree(folder, folder.parent / "snapshot")
        ledger.begin(attempts[1])
        os._exit(9)


def test_after_a_kill_it_goes_on(folder: Path) -> None:
    killed(folder)
    assert match(folder) is Match.SAME
    with opened(folder) as ledger, ledger.hold("send", NOW):
        settled = ledger.settle(NOW)
    assert (settled.replied, settled.in_doubt, settled.released) == (1, 1, 2)


@pytest.mark.parametrize("lost", ["-wal", "-wal and -wire"])
def test_after_a_kill_the_ledger_without_its_wal_is_refused(folder: Path, lost: str) -> None:
    killed(folder)
    for name in lost.split(" and "):
        (folder / f"mkwmail.db{name}").unlink()
    (folder / "mkwmail.db-shm").unlink()
    with opened(folder) as ledger, ledger.hold("send", NOW), pytest.raises(UserError) as caught:
        ledger.compare()
        ledger.settle(NOW)
        send(ledger, [7])
    assert caught.value.code is ExitCode.LEDGER_FAULT and "older copy" in str(caught.value)


def test_after_a_kill_without_the_journal_what_was_under_way_is_in_doubt(folder: Path) -> None:
    killed(folder)
    wire_path(folder / "mkwmail.db").unlink()
    assert match(folder) is Match.SAME
    with opened(folder) as ledger, ledger.hold("send", NOW):
        assert ledger.settle(NOW).in_doubt == 4
        with pytest.raises(UserError):
            send(ledger, [5])


@pytest.mark.parametrize("what", ["the folder", "the journal"])
@pytest.mark.parametrize("command", ["send", "resolve"])
def test_an_older_journal_put_back_releases_nothing(folder: Path, what: str, command: str) -> None:
    """The ledger knows all claims, but a body was begun after the journal was copied."""
    killed(folder)
    snapshot = folder.parent / "snapshot"
    if what == "the folder":
        shutil.rmtree(folder)
        snapshot.rename(folder)
    else:
        shutil.copy(wire_path(snapshot / "mkwmail.db"), wire_path(folder / "mkwmail.db"))
    assert match(folder) is Match.SAME
    with opened(folder) as ledger, ledger.hold(command, NOW):
        settled = ledger.settle(NOW)
    assert (settled.replied, settled.in_doubt, settled.released) == (1, 3, 0)
    assert states(folder)["m3"] is State.IN_DOUBT


# No alarm


def test_an_older_note_is_no_alarm(folder: Path) -> None:
    """The home folder was put back from a backup, or the run was killed before it wrote the note."""
    older = note_of(folder).read_bytes()
    mail(folder, 2)
    note_of(folder).write_bytes(older)
    assert match(folder) is Match.SAME
    mail(folder, 3)


def test_a_token_that_did_not_come_into_the_note_is_no_alarm(folder: Path) -> None:
    before = note_of(folder).read_bytes()
    with opened(folder) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        ledger.keep_note()
    assert note_of(folder).read_bytes() != before
    note_of(folder).write_bytes(before)
    assert match(folder) is Match.SAME


def test_a_ledger_that_never_mailed_needs_no_note(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert match(tmp_path / "folder") is Match.FIRST


def test_two_users_are_asked_once_each(folder: Path) -> None:
    state, mine = folder.parent / "state", folder.parent / "mine"
    state.rename(mine)
    found = refusal(folder)
    assert found.code is ExitCode.SETTINGS and "MKWMAIL_STATE" in found.faults[0].remedy
    for number in (2, 3):
        with opened(folder) as ledger, ledger.hold("send", NOW):
            compared = ledger.compare()
            assert compared.match is (Match.UNKNOWN if number == 2 else Match.SAME)
            ledger.settle(NOW)
            ledger.keep_note(compared)
            send(ledger, [number])
    shutil.rmtree(state)
    mine.rename(state)
    mail(folder, 4)


def test_a_word_is_for_what_was_asked_about(folder: Path) -> None:
    state = folder.parent / "state"
    with opened(folder) as ledger, ledger.hold("send", NOW):
        mine = state.rename(folder.parent / "mine")
        answered = ledger.compare()
        mine.rename(state)
        ledger.settle(NOW)
        ledger.keep_note(answered)  # there is a note after all: nothing was to be asked
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    with opened(copy) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        with pytest.raises(UserError):
            ledger.keep_note(answered)


def test_a_ledger_without_a_state_folder_has_no_note(tmp_path: Path) -> None:
    with (
        Ledger.open(tmp_path / "a.db", tmp_path / "a.id", NOW, "here") as ledger,
        ledger.hold("send --rehearse", NOW),
    ):
        assert ledger.compare().match is Match.SAME
        ledger.settle(NOW)
        send(ledger, [0])
        assert register_tokens(ledger) == [(None,)]


def register_tokens(ledger: Ledger) -> object:
    return ledger.database.execute("SELECT token FROM runs")


# A state folder that cannot be used


@pytest.fixture(params=["below a file", "no full path"])
def unusable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MKWMAIL_STATE", "state")
    yield tmp_path / "file" / "state" if request.param == "below a file" else Path("state")


def test_without_a_place_for_the_note_nobody_is_mailed(folder: Path, unusable: Path) -> None:
    ledger_file = folder / "mkwmail.db"
    with (
        Ledger.open(ledger_file, folder / "mkwmail.id", NOW, "here", boot="boot", state=lambda: unusable) as ledger,
        ledger.hold("send", NOW),
    ):
        for act in (ledger.compare, ledger.keep_note, lambda: send(ledger, [2])):
            with pytest.raises(UserError) as caught:
                ledger.settle(NOW)
                act()
            assert caught.value.code is ExitCode.SETTINGS
            assert "MKWMAIL_STATE" in str(caught.value)
    assert "m2" not in states(folder)


def test_the_note_of_the_holder_tells_its_process_from_a_later_one(folder: Path) -> None:
    with opened(folder) as ledger, ledger.hold("send", NOW):
        note = json.loads((folder / "mkwmail.db.holder").read_text())
    holder = folder / "mkwmail.db.holder"
    holder.write_text(json.dumps(note))
    with opened(folder) as ledger:
        with pytest.raises(UserError) as caught, ledger.hold("send", NOW):
            pass
        assert caught.value.code is ExitCode.LEDGER_HELD
        for other in ({"began": "1"}, {"boot": "another"}, {"pid": 2**22 + 1}, {"began": ""}):
            holder.write_text(json.dumps(note | other))
            with ledger.hold("send", NOW):
                pass


def test_another_ledger_is_read_while_a_run_goes_on_in_it_and_after_a_kill(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    killed(folder)
    with opened(copy) as ledger:
        assert ledger.compare().behind
    # Its log is still there, and the journal is not older than it.
    with opened(folder) as ledger, ledger.hold("send", NOW):
        assert ledger.settle(NOW).released == 2
        with opened(copy) as other:
            assert other.compare().behind
        send(ledger, [7])


def test_connections_that_make_their_first_claims_at_once_write_one_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, errors, written = tmp_path / "folder", [], []
    folder.mkdir()
    write, together = last_seen.write, threading.Barrier(8)

    def counted(state: Path, name: str, seen: LastSeen) -> last_seen.Note:
        written.append(seen.token)
        return write(state, name, seen)

    monkeypatch.setattr(last_seen, "write", counted)
    with opened(folder) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        claims = claims_of(ledger, range(8))

        def first(claim: Claim) -> None:
            together.wait(10)
            try:
                (attempt,) = ledger.record_and_claim(INVITATION, (), [claim], NOW)
                ledger.begin(attempt)
            except UserError as error:
                errors.append(error)

        threads = [threading.Thread(target=first, args=(claim,)) for claim in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert errors == []
    assert len(written) == 1
    assert match(folder) is Match.SAME
