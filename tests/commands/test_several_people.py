"""Several people in one folder: who did what, and files that all of them can use."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.smtp_server import Call, ScriptedServer
from tests.workplace import Place, Ran, a_place

EVENT = "directeurendag-2020"


@pytest.fixture
def place(tmp_path: Path, server: ScriptedServer) -> Place:
    return a_place(tmp_path, server.port)


def test_who_did_what_is_in_status_and_at_the_desk(place: Place) -> None:
    assert place.run("schedule", EVENT, "reminder", "--yes", LOGNAME="jan").code == 0
    assert "Who did what" not in place.run("status", EVENT).out
    assert place.run("send", EVENT, "invitation", "--yes", LOGNAME="els").code == 0
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "ja", LOGNAME="jan").code == 0
    assert place.run("skip", "Els van der Ven", "--reason", "ziek", now="2020-02-17T10:00", LOGNAME="els").code == 0
    shown = place.run("status", EVENT).out
    for line in (
        "jan approved reminder, last on 17 February 2020",
        "els sent invitation (5 mails), last on",
        "jan recorded answers (1), last on",
        "els decided whom to skip (1), last on",
    ):
        assert line in shown
    done = place.run("status", EVENT, "--json").json["done_by"]
    assert {(each["what"], each["user"]) for each in done} == {
        *(("approved", "jan"), ("approved", "els"), ("sent", "els"), ("answered", "jan"), ("skipped", "els")),
    }
    assert "Last: els decided whom to skip (1)" in place.run().out


def test_who_decided_about_mail_in_doubt_is_in_status(place: Place, server: ScriptedServer) -> None:
    server.on("DOT", "550 5.1.1 unknown", recipient="kim@woonstede.example.org", times=1)
    place.run("send", EVENT, "invitation", "--yes", LOGNAME="els")
    assert place.run("resolve", EVENT, "--send-again", "Kim Verbeek", LOGNAME="jan").code == 0
    assert "jan decided about mail in doubt or refused of invitation (1)" in place.run("status", EVENT).out


def test_two_users_at_once_are_told_of_each_other(place: Place, server: ScriptedServer) -> None:
    seen: list[Ran] = []
    second = ("send", EVENT, "invitation", "--yes")
    server.on("DOT", Call(lambda: seen.append(place.run(*second, LOGNAME="jan"))), skip=1, times=1)
    assert place.run("send", EVENT, "invitation", "--yes", LOGNAME="els").code == 0
    assert seen[0].code == 73 and "els is using the ledger" in seen[0].err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_files_of_a_shared_folder_are_for_its_group_and_no_others(place: Place, server: ScriptedServer) -> None:
    place.send("--limit", "1")
    place.settings(server.port, "shared: true\n")
    assert place.run("send", EVENT, "invitation", "--rehearse", "--yes").code == 0
    assert place.send().code == 0
    assert place.run("answers", "list", EVENT, "--csv", str(place.folder / "antwoorden.csv")).code == 0
    assert place.folder.stat().st_mode & stat.S_ISGID
    made = [
        *(place.folder.glob("mkwmail-test.db*")),
        *(place.folder / "backups").glob("*.db"),
        *(place.folder / "rehearsal").glob("*.eml"),
        place.folder / "antwoorden.csv",
    ]
    assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in made} == {each.name: 0o660 for each in made}
    folders = (place.folder / "rehearsal", place.folder / "backups")
    assert {stat.S_IMODE(each.stat().st_mode) for each in folders} == {0o2770}
    assert {each.stat().st_gid for each in made} == {place.folder.stat().st_gid}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_files_of_other_folders_are_for_their_owner_alone(place: Place) -> None:
    os.umask(0o022)
    assert place.send().code == 0
    assert stat.S_IMODE((place.folder / "mkwmail-test.db").stat().st_mode) == 0o600
