"""``new``: a file that `check` takes, with an id that is nobody else's."""

from pathlib import Path

import pytest

from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from tests.smtp_server import ScriptedServer
from tests.workplace import EVENT, a_place

KEYS = ("location", "programme", "url", "deadline")
NOW = "2020-09-01T10:00"


def test_next_years_event_is_the_old_file_with_its_dates_moved(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    ran = place.run("new", "Directeurendag", "--date", "15 april 2021", "--from", "directeurendag-2020", now=NOW)
    assert ran.code == 0, ran.err
    path = tmp_path / "events" / "2021-04-15-directeurendag.yaml"
    assert f"Made events/{path.name}" in ran.out and "mkwmail check directeurendag-2021" in ran.out
    assert "Is this still right? theme, location, introduction" in ran.out
    before = EVENT.read_text(encoding="utf-8").splitlines()
    after = path.read_text(encoding="utf-8").splitlines()
    assert len(before) == len(after)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split("#")[0].strip() for line in changed[1:]] == [
        "id: directeurendag-2021",
        "starts: 2021-04-15 13.00",
        "ends: 2021-04-15 18.00",
        "deadline: 2021-04-01",
        "send: 2021-01-18 09.00",
        "send: 2021-02-15 09.00",
        "send: 2021-03-22 09.00",
        "latest: 2021-03-31",
        "send: 2021-04-08 09.00",
        "send: 2021-04-19 09.00",
    ]
    assert changed[0].startswith("# Controleren: mkwmail check directeurendag-2021")


def test_what_a_new_event_lacks_is_one_warning_with_its_lines(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert place.run("new", "Najaarsdag", "--date", "15 oktober 2020", now="2020-02-17T09:00").code == 0
    path = tmp_path / "events" / "2020-10-15-najaarsdag.yaml"
    text = path.read_text(encoding="utf-8")
    line = {key: next(n for n, each in enumerate(text.splitlines(), 1) if f"{key}:" in each) for key in KEYS}
    said = place.run("check", "najaarsdag-2020", "--json", now="2020-02-17T09:00").json["warnings"]
    (fault,) = [each["fault"] for each in said if "not filled in yet" in each["fault"]]
    assert fault == (
        f"not filled in yet: location (line {line['location']}), programme (line {line['programme']}), "
        f"registration: url (line {line['url']}), registration: deadline (line {line['deadline']})"
    )
    path.write_text(
        text.replace("# programme:\n#   - time", "programme:\n  - time").replace("#     title", "    title")
    )
    path.write_text(path.read_text() + "\nlocation: {name: De Zaal}\nregistration: {by: mail}\n")
    said = place.run("check", "najaarsdag-2020", "--json", now="2020-02-17T09:00").json["warnings"]
    (again,) = [each for each in said if "not filled in yet" in each["fault"]]
    assert again["fault"].startswith("not filled in yet: registration: deadline") and "answering" not in again["remedy"]


def test_its_schedule_is_not_confused_with_the_old_ones(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send().code == 0
        place.run("new", "Directeurendag", "--date", "2021-04-15", "--from", "directeurendag-2020", now=NOW)
        ran = place.run("send", "directeurendag-2021", "invitation", "--yes", now="2021-02-15T09:00")
        assert ran.code == 0 and len(server.taken) == 10


def test_an_id_that_was_mailed_about_or_is_in_a_file_is_not_given_again(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send()
        (tmp_path / "events" / EVENT.name).unlink()
        for _time in range(2):
            assert place.run("new", "Directeurendag", "--date", "2020-10-08", now=NOW).code == 0
    folder = WorkingFolder(tmp_path)
    ids = [read_event(path, folder).value.id for path in folder.event_paths()]
    assert sorted(ids) == ["directeurendag-2020-10", "directeurendag-2020-10-2"]


@pytest.mark.parametrize("title", ["Najaarsdag: samen # verder", 'Dag "O\'Hara"', "Één dag", "2021", "? x", "!"])
def test_any_title_makes_an_event_that_can_be_read(tmp_path: Path, title: str) -> None:
    place = a_place(tmp_path)
    ran = place.run("new", title, "--date", "do 7 oktober 2021 9.30", now=NOW)
    assert ran.code == 0, ran.err
    folder = WorkingFolder(tmp_path)
    (event,) = [
        each for path in folder.event_paths() if (each := read_event(path, folder).value).id != "directeurendag-2020"
    ]
    assert (event.title, f"{event.starts:%Y-%m-%d %H:%M}") == (title, "2021-10-07 09:30")
    assert place.run("check", event.id, now=NOW).code == 0


def test_quoted_and_dutch_dates_move_too(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write(
        "events/oud.yaml",
        'id: \'oud-2020\'\ntitle: "Oude dag"\nstarts: "donderdag 16 april 2020, 13.00 uur"\nends: 18.00\n'
        "mailings: {invitation: {send: 17 februari 2020, latest: '1-4-2020 12:00'}}  # oud-2020\n",
    )
    assert place.run("new", "Nieuwe dag", "--date", "2021-04-15", "--from", "oud", now=NOW).code == 0
    made = (tmp_path / "events" / "2021-04-15-nieuwe-dag.yaml").read_text(encoding="utf-8")
    assert made == (
        "id: nieuwe-dag-2021\ntitle: Nieuwe dag\nstarts: 2021-04-15 13.00\nends: 18.00\n"
        "mailings: {invitation: {send: 2021-02-15, latest: 2021-03-31 12.00}}  # oud-2020\n"
    )


@pytest.mark.parametrize("words", [("Dag", "--date", "31 april 2021"), ("  ", "--date", "2021-04-15")])
def test_what_is_no_date_or_no_title_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    place = a_place(tmp_path)
    assert place.run("new", *words, now=NOW).code == 2
    assert [path.name for path in (tmp_path / "events").iterdir()] == [EVENT.name]
