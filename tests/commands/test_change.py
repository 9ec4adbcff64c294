"""``change``: a detail of an event, written into its file."""

from pathlib import Path

import pytest

from tests.smtp_server import ScriptedServer
from tests.workplace import Place, a_place

FILE = "events/dag.yaml"
TEXT = """\
# Van ons
id: dag-2020   # blijft zo
title: Dag
starts: do 16 april 2020 13.00   # na de lunch
ends: 18.00
location:
  # nog te bevestigen
  name: 'De Moestuin'
pe_points:   # volgt
registration: {url: "https://voorbeeld.nl/?c={code}", deadline: 2 april 2020}
mailings:
  invitation:
    send: 2020-02-17 09.00
  reminder: {send: 2020-03-23}
  thanks:
"""


def a_day(folder: Path, port: int = 9) -> Place:
    place = a_place(folder, port)
    for path in (place.folder / "events").iterdir():
        path.unlink()
    place.write(FILE, TEXT)
    return place


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ("starts 13.30", "starts: do 16 april 2020 13.00   #", "starts: 2020-04-16 13.30   #"),
        ("begin 17-4-2020", "starts: do 16 april 2020 13.00   #", "starts: 2020-04-17 13.00   #"),
        ("datum 17 april 2020", "starts: do 16 april 2020 13.00   #", "starts: 2020-04-17 13.00   #"),
        ("einde 17.30", "ends: 18.00", "ends: 17.30"),
        ("tijd 13.30", "starts: do 16 april 2020 13.00   #", "starts: 2020-04-16 13.30   #"),
        (
            "tijd 13.00 tot 17.30",
            "do 16 april 2020 13.00   # na de lunch\nends: 18.00",
            "2020-04-16 13.00   # na de lunch\nends: 17.30",
        ),
        ("locatie De Kas", "name: 'De Moestuin'", "name: De Kas"),
        ("pe-punten 4", "pe_points:   #", "pe_points: 4   #"),
        ("plaats De Kas", "name: 'De Moestuin'", "name: De Kas"),
        ("place Kas: nieuw", "name: 'De Moestuin'", 'name: "Kas: nieuw"'),
        ("city Utrecht", "  name: 'De Moestuin'", "  city: Utrecht\n  name: 'De Moestuin'"),
        ("adres Laan 2", "  name: 'De Moestuin'", "  street: Laan 2\n  name: 'De Moestuin'"),
        ("punten 4", "pe_points:   #", "pe_points: 4   #"),
        ("deadline 2020-04-03", "deadline: 2 april 2020}", "deadline: 2020-04-03}"),
        ("uitnodiging 2020-02-18", "send: 2020-02-17 09.00", "send: 2020-02-18 09.00"),
        ("invitation 10.00", "send: 2020-02-17 09.00", "send: 2020-02-17 10.00"),
        ("reminder 24-3-2020 10.00", "{send: 2020-03-23}", "{send: 2020-03-24 10.00}"),
        ("bedankmail 2020-04-20", "  thanks:", "  thanks: {send: 2020-04-20 09.00}"),
    ],
)
def test_one_detail_changes_and_nothing_else(tmp_path: Path, words: str, old: str, new: str) -> None:
    place = a_day(tmp_path)
    ran = place.run("change", *words.split(" "), now="2020-01-10T09:00")
    assert ran.code == 0, ran.err
    assert (place.folder / FILE).read_text(encoding="utf-8") == TEXT.replace(old, new, 1)
    assert place.run("change", *words.split(" "), now="2020-01-10T09:00").out == f"{FILE} has this value already.\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("starts 31-2-2020", 2, "does not exist"),
        ("einde 12.00", 65, "before it starts"),
        ("theme X", 2, "not a detail that can be changed"),
        ("deadline 3 april", 2, "write the year too: 3 april 2020"),
        ("tijd 13.00 tot straks", 2, "is not a date"),
        ("punten veel", 65, "pe_points"),
    ],
)
def test_what_cannot_be_leaves_the_file_as_it_is(tmp_path: Path, words: str, code: int, said: str) -> None:
    place = a_day(tmp_path)
    ran = place.run("change", *words.split(" "), now="2020-01-10T09:00")
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert (place.folder / FILE).read_text(encoding="utf-8") == TEXT


def test_it_says_who_was_told_otherwise(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_day(tmp_path, server.port)
        assert place.run("send", "invitation", "--yes").code == 0
    ran = place.run("change", "plaats", "De", "Kas", now="2020-03-01T09:00")
    assert "mkwmail send dag-2020 update" in ran.out


def test_the_end_of_an_event_of_two_days_keeps_its_day(tmp_path: Path) -> None:
    place = a_day(tmp_path)
    place.write(FILE, TEXT.replace("ends: 18.00", "ends: 2020-04-17 12.00"))
    assert place.run("change", "tijd", "13.30", "-", "14.00", now="2020-01-10T09:00").code == 0
    written = (place.folder / FILE).read_text(encoding="utf-8")
    assert "starts: 2020-04-16 13.30" in written and "ends: 2020-04-17 14.00" in written


def test_a_warning_that_was_there_before_is_not_said_again(tmp_path: Path) -> None:
    place = a_day(tmp_path)
    place.write(FILE, TEXT + "programme: [{time: 12.30, title: Lunch}]\n")
    assert "12:30" not in place.run("change", "place", "De", "Kas", now="2020-01-10T09:00").out
    assert "begins" in place.run("change", "starts", "15.00", now="2020-01-10T09:00").out
