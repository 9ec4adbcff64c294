"""``schedule`` with somebody at the keyboard, and what it refuses."""

from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import EVENT, Place, a_place

ID = "directeurendag-2020"
NOW = "2020-02-10T10:00"


def at_the_keyboard(place: Place, *words: str, answers: list[tuple[str, str]], now: str = NOW) -> tuple[int, str]:
    return typed(place.command(*words), place.environment(now), place.folder, answers)


def test_the_number_of_mailings_approves_them(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    code, screen = at_the_keyboard(place, "schedule", ID, "invitation", "reminder", answers=[("type 2:", "2")])
    assert code == 0
    assert "Approved: invitation, reminder." in screen
    shown = place.run("schedule", ID, "--withdraw", "invitation", now=NOW)
    assert "approved 10-02-2020" in shown.out and "Withdrawn: invitation." in shown.out


def test_anything_else_approves_nothing(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    code, screen = at_the_keyboard(place, "schedule", ID, "invitation", answers=[("type 1:", "ja")])
    assert code == 130 and "Nothing was approved." in screen
    assert "Nothing of this was approved." in place.run("schedule", ID, "--withdraw", now=NOW).out


def test_without_names_it_is_what_is_open(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.run("schedule", ID, "invitation", "--yes", now=NOW)
    code, screen = at_the_keyboard(place, "schedule", ID, answers=[("type 4:", "4")])
    assert code == 0 and "Approved: save-the-date, reminder, practical, thanks." in screen
    assert "There is nothing to approve now." in place.run("schedule", ID, now=NOW).out


def test_the_table_fits_in_eighty_columns(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.run("schedule", ID, "--yes", now=NOW)
    shown = place.run("schedule", ID, now=NOW, COLUMNS="80").out.split("\n\n")[1]
    assert shown.splitlines() == [
        "  Mailing        When              Approval             had it  to get",
        "  save-the-date  20-01-2020 09:00  approved 10-02-2020               5".replace("20-01-2020 09:00", _soon),
        "  invitation     17-02-2020 09:00  approved 10-02-2020               5",
        "  reminder       23-03-2020 09:00  approved 10-02-2020               5",
        "  practical      09-04-2020 09:00  approved 10-02-2020",
        "  thanks         20-04-2020 09:00  approved 10-02-2020",
    ]


_soon = "10-02-2020 10:00"  # overdue: it goes as soon as `due` runs


def test_a_date_outside_the_hours_is_pointed_out(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    text = EVENT.read_text(encoding="utf-8").replace("2020-02-17 09.00", "2020-02-15 09.00")
    place.write(f"events/{EVENT.name}", text)
    shown = place.run("schedule", ID, "invitation", "--yes", now=NOW).out
    words = "15 February 2020 09:00 is outside the hours of mkwmail.yaml; it is sent on 17 February 2020 08:00"
    assert f"invitation: {words}" in shown


def test_closed_days_are_pointed_out_and_the_desk_says_when_it_is_sent(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.settings(server.port, "hours: {closed: [14 t/m 21 februari 2020]}\n")
        shown = place.run("schedule", ID, "invitation", "--yes", now=NOW).out
        words = "17 February 2020 09:00 is outside the hours of mkwmail.yaml; it is sent on 24 February 2020 08:00"
        assert f"invitation: {words}" in shown
        place.run("due", now="2020-02-14T10:00")
        desk = "invitation, planned for 17 February 2020 09:00; it is sent automatically on 24 February 2020 08:00"
        assert desk in place.run("status", ID, now="2020-02-14T10:30", COLUMNS="200").out
        assert place.run("due", now="2020-02-18T10:00").code == 75
        assert not server.taken
        waits = "Due, and sent automatically from 24 February 2020 08:00 on: invitation, 5 mails"
        assert waits in place.run(now="2020-02-18T10:30", COLUMNS="200").out
        assert place.run("due", now="2020-02-24T08:00").code == 0
        assert len(server.taken) == 5


def test_closed_days_until_the_latest_moment_are_said_at_once(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.settings(9, "hours: {closed: [2020-02-14 - 2020-04-20]}\n")
    shown = place.run("schedule", ID, "invitation", "--yes", now=NOW, COLUMNS="200").out
    reason = "the hours in mkwmail.yaml leave no moment before end of 2 April 2020"
    assert f"invitation cannot be sent automatically: {reason}" in shown
    assert "invitation" not in place.run("due", "--dry-run", now="2020-03-10T10:00").out
    place.run("due", now=NOW)
    assert f"but not automatically: {reason}" in place.run(now="2020-02-10T10:30", COLUMNS="200").out


def test_a_moved_event_is_the_same_one_by_a_persons_word(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send().code == 0
        text = EVENT.read_text(encoding="utf-8").replace("2020-04-20", "2020-09-21")
        place.write(f"events/{EVENT.name}", text.replace("2020-04-16 1", "2020-09-17 1"))
        asked = "Is it the same event, moved? Type yes:"
        no = at_the_keyboard(place, "schedule", ID, "thanks", answers=[(asked, "n")], now="2020-03-01T10:00")
        assert no[0] == 78 and "mkwmail new" in no[1]
        answers = [(asked, "yes"), ("type 1:", "1")]
        assert at_the_keyboard(place, "schedule", ID, "practical", answers=answers, now="2020-03-01T10:00")[0] == 0
        # Said once: it is known from now on.
        assert place.run("schedule", ID, "practical", "--yes", now="2020-03-02T10:00").code == 0


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("cancellation",), "cancellation is never sent automatically"),
        (("update",), "update is never sent automatically"),
        (("feest",), 'has no mailing "feest"'),
        (("practical",), "practical has no date"),
        (("save-the-date",), "the latest moment of save-the-date has passed"),
        (("--withdraw", "--yes"), "cannot be combined with other options"),
    ],
)
def test_what_cannot_be_approved_is_refused_with_a_remedy(tmp_path: Path, words: tuple[str, ...], fault: str) -> None:
    place = a_place(tmp_path)
    text = EVENT.read_text(encoding="utf-8").replace("    send: 2020-04-09 09.00\n", "")
    text = text.replace("    send: 2020-01-20 09.00", "    send: 2020-01-20 09.00\n    latest: 2020-02-01")
    place.write(f"events/{EVENT.name}", text)
    ran = place.run("schedule", ID, *words, now=NOW)
    assert ran.code == 2 and fault in ran.err, ran.err


def test_a_password_that_cron_would_not_know_is_warned_of(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.settings(9)
    settings = (tmp_path / "mkwmail.yaml").read_text(encoding="utf-8")
    place.write("mkwmail.yaml", settings.replace("security: none", "security: none, username: lilian"))
    assert "cron finds no login: type mkwmail login" in place.run("schedule", ID, "--yes", now=NOW).err
