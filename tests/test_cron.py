"""The line that `schedule --install` puts into the crontab, run by Debian's own cron."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, Place, Ran, a_place, is_root

CRON = Path("/usr/sbin/cron")
OTHERS = '# somebody else\'s\nMAILTO=""\n5 4 * * 0\t/bin/true # 100\\% theirs\n'


def _why_not() -> str | None:
    if not CRON.exists() or shutil.which("crontab") is None:
        return "cron is not installed here: apt-get install cron"
    if not is_root():
        return "only root may start a cron of its own"
    if subprocess.run(["crontab", "-l"], capture_output=True, check=False).stdout.strip():
        return "this user has a crontab, which a test does not touch"
    return None


needs_cron = pytest.mark.skipif(_why_not() is not None, reason=str(_why_not()))


def _crontab(*words: str, given: str = "") -> str:
    return subprocess.run(["crontab", *words], input=given, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def crontab() -> Iterator[None]:
    """A crontab with somebody else's lines, taken away afterwards."""
    _crontab("-", given=OTHERS)
    try:
        yield
    finally:
        _crontab("-r")


@contextmanager
def a_running_cron() -> Iterator[None]:
    """A cron daemon, unless one runs already."""
    daemon = subprocess.Popen([str(CRON), "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait(10)


def a_place_due_now(folder: Path, port: int) -> Place:
    """An event whose invitation is overdue by the computer's own clock, whatever the hour."""
    place = a_place(folder, port)
    place.settings(port, "hours: {from: 0.00, to: 23.59, days: all}\n")
    now = datetime.now(ZONE)
    starts = now + timedelta(days=40)
    (path,) = (folder / "events").iterdir()
    path.write_text(
        f"id: dag\ntitle: Dag\nstarts: {starts:%Y-%m-%d} 13.00\nends: 18.00\n"
        f"mailings: {{invitation: {{send: {now - timedelta(hours=1):%Y-%m-%d %H:%M}}}}}\n",
        encoding="utf-8",
    )
    return place


def by_the_real_clock(place: Place, *words: str, **more: str) -> Ran:
    environment = {name: text for name, text in place.environment(**more).items() if name != "MKWMAIL_NOW"}
    done = subprocess.run(place.command(*words), env=environment, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


@needs_cron
def test_the_line_is_installed_renewed_and_taken_out(crontab: None, tmp_path: Path) -> None:
    place = a_place_due_now(tmp_path, 9)
    first = by_the_real_clock(place, "schedule", "dag", "--install")
    assert first.code == 0 and "On: this computer sends them" in first.out, first.err
    installed = _crontab("-l")
    assert installed.startswith(OTHERS)
    (line,) = installed.removeprefix(OTHERS).splitlines()
    assert line.startswith("*/30 * * * * /usr/bin/env -i ") and f"--folder {tmp_path} due # mkwmail " in line
    assert "had it already" in by_the_real_clock(place, "schedule", "dag", "--install").out
    assert _crontab("-l") == installed
    assert "Taken out" in by_the_real_clock(place, "schedule", "dag", "--uninstall").out
    assert _crontab("-l") == OTHERS
    assert "has no line for this folder" in by_the_real_clock(place, "schedule", "dag", "--uninstall").out
    shown = by_the_real_clock(place, "schedule", "dag", "--install", "--show")
    assert line in shown.out
    # A line that was made with another ledger's id is found by the folder.
    (tmp_path / "mkwmail.id").unlink()
    for path in tmp_path.glob("mkwmail.db*"):
        path.unlink()
    assert "Taken out" in by_the_real_clock(place, "schedule", "dag", "--uninstall").out
    assert _crontab("-l") == OTHERS


@needs_cron
def test_in_a_terminal_it_asks_whether_to_send_automatically(crontab: None, tmp_path: Path) -> None:
    place = a_place_due_now(tmp_path, 9)
    environment = place.environment("")
    for answer, installed in (("n", False), ("y", True)):
        typed(place.command("schedule", "dag"), environment, tmp_path, [("type ", "1"), ("y/n:", answer)])
        assert (f"--folder {tmp_path} due" in _crontab("-l")) is installed
        place.run("schedule", "dag", "--withdraw", MKWMAIL_NOW="")


@needs_cron
def test_a_handover_takes_the_line_out_and_a_takeover_offers_it(crontab: None, tmp_path: Path) -> None:
    (tmp_path / "oud").mkdir()
    home = {"HOME": str(tmp_path / "thuis")}
    place, file = a_place_due_now(tmp_path / "oud", 9), tmp_path / "x.mkwmail"
    assert by_the_real_clock(place, "schedule", "dag", "--install", **home).code == 0
    ran = by_the_real_clock(place, "handover", str(file), "--yes", **home)
    assert ran.code == 0 and "Taken out" in ran.out, ran.err
    assert _crontab("-l") == OTHERS
    other = Place(tmp_path / "nieuw")
    ran = by_the_real_clock(other, "takeover", str(file), "--yes", **home)
    assert ran.code == 0 and "mkwmail schedule EVENT --install" in ran.out, ran.err
    assert _crontab("-l") == OTHERS
    environment = {key: value for key, value in place.environment(**home).items() if key != "MKWMAIL_NOW"}
    third = Place(tmp_path / "derde")
    back = tmp_path / "y.mkwmail"
    assert by_the_real_clock(other, "schedule", "dag", "--install", **home).code == 0
    assert by_the_real_clock(other, "handover", str(back), "--yes", **home).code == 0
    answers = [("Take over? y/n:", "y"), ("Run it here too?", "y")]
    code, screen = typed(third.command("takeover", str(back)), environment, tmp_path, answers)
    assert code == 0, screen
    assert f"--folder {third.folder} due # mkwmail " in _crontab("-l")


@needs_cron
@pytest.mark.long
def test_cron_itself_runs_the_line_and_the_mails_arrive(crontab: None, tmp_path: Path) -> None:
    folder = tmp_path / "mkw dagen 100%"
    folder.mkdir()
    with ScriptedServer() as server:
        place = a_place_due_now(folder, server.port)
        ran = by_the_real_clock(place, "schedule", "dag", "--yes", "--install")
        assert ran.code == 0, ran.err
        _crontab("-", given=_crontab("-l").replace("*/30 * * * *", "* * * * *"))
        with a_running_cron():
            server.wait_for(".", seconds=90)
            server.wait_for("QUIT", seconds=60)
    assert sorted(each.recipients[0] for each in server.taken) == sorted(row.split(";")[3] for row in PEOPLE)
    assert all(b"Auto-Submitted: auto-generated" in each.data for each in server.taken)
