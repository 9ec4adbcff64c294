"""Event files: what is read, and every fault of one at once, with its place and the repaired line."""

import struct
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.attachments import MOST_BYTES, picture_width
from mkwmail.config.event import CalendarMethod, ColumnAudience, Event, Mailing, example_links
from mkwmail.config.event_file import read_event
from mkwmail.config.fields import WithWarnings
from mkwmail.config.folder import WorkingFolder
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import shipped

DATA = Path(__file__).parent / "data"
HEAD = "id: dag\ntitle: Dag\nstarts: 2020-04-16 13:00\nends: 18:00\n"


@pytest.fixture
def folder(tmp_path: Path) -> WorkingFolder:
    (tmp_path / "mkwmail.yaml").write_text("sender: {name: x, email: x@example.org}\n")
    (tmp_path / "events").mkdir()
    return WorkingFolder(tmp_path)


def read(folder: WorkingFolder, text: str) -> WithWarnings[Event]:
    path = folder.events_dir / "x.yaml"
    path.write_text(text, encoding="utf-8")
    return read_event(path, folder)


def faults(folder: WorkingFolder, text: str) -> list[Fault]:
    with pytest.raises(UserError) as raised:
        read(folder, text)
    assert raised.value.code is ExitCode.FAULTY_FILE
    return list(raised.value.faults)


def one(folder: WorkingFolder, text: str) -> tuple[str, str, str]:
    (fault,) = faults(folder, text)
    return fault.place.removeprefix("events/x.yaml"), fault.fault, fault.remedy


def test_ten_planted_faults_are_all_named(folder: WorkingFolder) -> None:
    found = faults(folder, (DATA / "ten-faults.yaml").read_text(encoding="utf-8"))
    assert [(fault.place, fault.fault.split(";")[0], fault.remedy) for fault in found] == [
        (
            "events/x.yaml:1:5",
            'id: "Directeurendag 2020" is not an id: an id has lowercase letters, digits and hyphens only, 64 at most',
            "id: directeurendag-2020",
        ),
        (
            "events/x.yaml:2:8",
            "a colon inside a text makes YAML read another key there",
            'title: "Directeurendag: samenwerking"',
        ),
        (
            "events/x.yaml:3:8",
            "the text from the # on would be lost, because YAML reads it as a comment",
            'theme: "Samen #2"',
        ),
        (
            "events/x.yaml:5:7",
            "ends: the event ends on 2020-04-16 12:00, before it starts on 2020-04-16 13:00",
            "if it ends on a later day, write the date too: ends: 2020-04-16 12:00",
        ),
        (
            "events/x.yaml:6:11",
            "a comma between braces begins a new key",
            'location: {name: "De Moestuin, Utrecht"}',
        ),
        (
            "events/x.yaml:8:10",
            '"vrijdag 16 april": the weekday does not match: it is donderdag 16 april 2020',
            "Kom op donderdag 16 april.",
        ),
        (
            "events/x.yaml:10:8",
            "url: the link must begin with https://, so that nobody can read along",
            "url: https://aanmelden.voorbeeld.nl/dag",
        ),
        (
            "events/x.yaml:11:13",
            'deadline: "2020-04-31" does not exist: that month has 30 days',
            "write it like this: deadline: 2020-04-02",
        ),
        ("events/x.yaml:12:1", "programe: this key is not known here", "programme:"),
        ("events/x.yaml:15:54", 'attachments: there is no file "programma.pdf" in events', ""),
    ]


def test_the_shipped_example_is_read_without_a_fault() -> None:
    path = next(shipped("events").glob("*.yaml"))
    event = read_event(path, WorkingFolder(path.parents[1])).value
    assert event.starts == datetime(2020, 4, 16, 13, tzinfo=ZONE)
    assert event.pe_points is True


def test_everything_a_file_may_say_becomes_values(folder: WorkingFolder) -> None:
    (folder.events_dir / "a.pdf").write_text("x")
    text = """\
id: dag-2020
title: |
  Directeurendag
  2020
starts: do 16 april 2020, 13.00 uur
ends: 17-4-2020 1.00
provisional: Ja
online: {url: https://vergaderen.nl/dag?wie=1}
programme:
- {time: 12.00, until: 13:00, title: Lunch, optional: yes, speakers: Jan}
- time: 0.30
  title: Borrel
hosts: [Bram Lipsch, {name: Corry Keulen, role: bestuur}]
registration:
  url: https://aanmelden.nl/dag?lid={code}&nr={member_id}&mail={email}
  deadline: 2020-04-02
pe_points: 2,5
calendar: {method: REQUEST, alarm: 2 uur}
mailings:
  invitation:
  reminder-2: {send: 2020-03-23, latest: 2020-04-01, attachments: a.pdf}
  regio: {audience: {column: regio, is: Utrecht}}
  herinnering-gasten: {template: reminder, audience: Got:Invitation}
  correction: {of: invitation}
"""
    event = read(folder, text).value
    assert event.title == "Directeurendag 2020"
    assert event.ends == datetime(2020, 4, 17, 1, tzinfo=ZONE)
    assert event.provisional
    assert event.programme[0].until == time(13)
    assert event.programme[0].optional
    assert event.programme[0].speakers == ("Jan",)
    assert [host.name for host in event.hosts] == ["Bram Lipsch", "Corry Keulen"]
    assert event.registration is not None
    assert event.registration.deadline == datetime(2020, 4, 2, 23, 59, 59, tzinfo=ZONE)
    assert event.pe_points == 2.5
    assert (event.calendar.method, event.calendar.alarm) == (CalendarMethod.REQUEST, 7200)
    assert event.mailings["invitation"] == Mailing()
    assert event.mailings["reminder-2"].send == datetime(2020, 3, 23, tzinfo=ZONE)
    assert event.mailings["reminder-2"].attachments == ("a.pdf",)
    assert event.mailings["regio"].audience == ColumnAudience.model_validate({"column": "regio", "is": ["Utrecht"]})
    assert event.mailings["herinnering-gasten"].audience == "got:invitation"


NO_WEBSITE = "is not a website: its name has dots, and besides them only letters, digits and hyphens"


@pytest.mark.parametrize(
    ("written", "points"),
    [("true", True), ("ja", True), ("false", None), ("nee", None), ("3", 3), ("", None), ("4 PE-punten", 4)],
)
def test_pe_points(folder: WorkingFolder, written: str, points: object) -> None:
    found = read(folder, f"{HEAD}pe_points: {written}\n").value.pe_points
    assert found == points
    assert type(found) is type(points)


@pytest.mark.parametrize(("written", "value"), [("on", True), ("aan", True), ("off", False), ("uit", False)])
def test_yes_and_no_as_people_write_them(folder: WorkingFolder, written: str, value: bool) -> None:
    assert read(folder, f"{HEAD}provisional: {written}\n").value.provisional is value


def test_a_wrong_moment_is_one_fault_with_the_whole_value_repaired(folder: WorkingFolder) -> None:
    (fault,) = faults(folder, HEAD.replace("starts: 2020-04-16 13:00", "starts: vrijdag 16 april 2020 12.30 uur"))
    assert fault.fault == 'starts: "vrijdag 16 april 2020": that day is a donderdag, not a vrijdag'
    assert fault.remedy == "starts: donderdag 16 april 2020 12.30 uur"


def test_an_end_that_is_no_time_is_called_that(folder: WorkingFolder) -> None:
    (fault,) = faults(folder, HEAD.replace("ends: 18:00", "ends: half zes"))
    assert fault.fault == 'ends: "half zes" is not a time: write it like 13.00'


def test_keys_without_anything_behind_them_have_their_defaults(folder: WorkingFolder) -> None:
    keys = ["theme", "location", "online", "introduction", "provisional", "programme", "hosts"]
    keys += ["registration", "catering", "pe_points", "calendar", "mailings"]
    event = read(folder, HEAD + "".join(f"{key}:\n" for key in keys)).value
    assert event == read(folder, HEAD).value


FORMS = [
    ("pe_points: 0", ":5:12", "pe_points: use false for no PE points", "pe_points: false"),
    ("provisional: misschien", ":5:14", 'provisional: "misschien" is neither true nor false', "provisional: true"),
    (
        "calendar: {method: reqest}",
        ":5:20",
        'method: "reqest" is not one of: publish, request, none',
        "calendar: {method: request}",
    ),
    (
        "location: Utrecht",
        ":5:11",
        "location: keys are expected here, each with its value on a line of its own, indented below it",
        "",
    ),
    ("hosts: Jan", ":5:8", "hosts: a list is expected here, each item on a line that begins with a hyphen", ""),
    ("theme: [a, b]", ":5:8", "theme: one text is expected here, not a list or keys of its own", ""),
    ("titel: x", ":5:1", "titel: this key is not known here", "choose from: "),
    ("Theme: x", ":5:1", "Theme: this key is not known here", "theme: x"),
    ("locatie: Ede", ":5:1", "locatie: this key is not known here", "location: Ede"),
    ("aanmelden: {}", ":5:1", "aanmelden: this key is not known here", "registration: {}"),
    ("location: {plaats: Ede}", ":5:12", "plaats: this key is not known here", "location: {city: Ede}"),
    (
        "mailings: {reminder: {datum: 2020-03-01}}",
        ":5:23",
        "datum: this key is not known here",
        "mailings: {reminder: {send: 2020-03-01}}",
    ),
    ("location: {citi: Ede}", ":5:12", "citi: this key is not known here", "location: {city: Ede}"),
    (
        "programme: [{time: 12.00}]",
        ":5:13",
        "title: is missing, and must be there",
        "title: Inlooplunch",
    ),
    (
        "mailings: {x: {audience: {column: regio}, template: own}}",
        ":5:26",
        "is: is missing, and must be there",
        "is: [Utrecht]",
    ),
]


@pytest.mark.parametrize(("line", "place", "sentence", "remedy"), FORMS)
def test_values_of_the_wrong_form(folder: WorkingFolder, line: str, place: str, sentence: str, remedy: str) -> None:
    found = one(folder, f"{HEAD}{line}\n")
    assert found[:2] == (place, sentence)
    assert found[2].startswith(remedy)
    assert bool(found[2]) == bool(remedy)


def test_what_must_be_there(folder: WorkingFolder) -> None:
    assert {(fault.place, fault.fault) for fault in faults(folder, "theme: x\ntitle:\nends: 18:00\n")} == {
        ("events/x.yaml", "id: is missing, and must be there"),
        ("events/x.yaml", "starts: is missing, and must be there"),
        ("events/x.yaml:2:1", "title: is empty"),
    }


def test_a_start_needs_its_time(folder: WorkingFolder) -> None:
    place, sentence, remedy = one(folder, "id: dag\ntitle: Dag\nstarts: 2020-04-16\nends: 18:00\n")
    assert (place, sentence) == (":3:9", "starts: the time of the day is missing")
    assert remedy == "starts: 2020-04-16 13:00"


MEANINGS = [
    (
        "registration: {deadline: 2020-04-20}",
        "deadline: the deadline, 2020-04-20, is after the start of the event on 2020-04-16 13:00",
    ),
    (
        "mailings: {invitation: {send: 2020-02-17 09:00, latest: 2020-02-01}}",
        "latest: the last moment for invitation, 2020-02-01, is before it is sent on 2020-02-17 09:00",
    ),
    (
        "mailings: {invitation: {send: 2020-02-17}, save-the-date: {send: 2020-03-01}}",
        "send: invitation would be sent on 2020-02-17 00:00, before save-the-date on 2020-03-01 00:00",
    ),
    (
        "registration: {deadline: 2020-04-02}\nmailings: {reminder: {send: 2020-04-03}}",
        "send: reminder would be sent on 2020-04-03 00:00, and makes no sense after 2020-04-02",
    ),
    (
        "mailings: {thanks: {send: 2020-04-16 12:00}}",
        "send: thanks would be sent on 2020-04-16 12:00, before the event has ended on 2020-04-16 18:00",
    ),
    ("mailings: {invitation: {audience: everybody}}", 'audience: "everybody" is not an audience'),
    (
        "mailings: {invitation: {audience: got:vooraf}}",
        'audience: "got:vooraf" names a mailing that this event does not have',
    ),
    ("mailings: {invitation: {audience: earlier-text}}", 'audience: "earlier-text" is not an audience'),
    ("mailings: {correction: {of: uitnodiging}}", 'of: this event has no mailing "uitnodiging"'),
    (
        "mailings: {invitation: {of: reminder}}",
        "of: only a correction has this key: it names the mailing that is corrected",
    ),
    (
        "mailings: {Invitation: {}}",
        '"Invitation" is not a name for a mailing: use lowercase letters, digits and hyphens, with a letter first',
    ),
    (
        "mailings: {invitaton: {}}",
        'invitaton: is this "invitation"? A name of its own would make it another mailing, to everyone',
    ),
    (
        "mailings: {herinnering-2: {text: Kom je ook}}",
        'herinnering-2: is this "reminder-2"? A name of its own would make it another mailing, to everyone',
    ),
    (
        "mailings: {herinering: {text: Kom je ook}}",
        'herinering: is this "reminder"? A name of its own would make it another mailing, to everyone',
    ),
    (
        "mailings: {annulering: {text: Het gaat niet door.}}",
        'annulering: is this "cancellation"? A name of its own would make it another mailing, to everyone',
    ),
    ("registration: {url: https://x.nl/?l={cod}}", None),
    (
        "registration:\n  url: https://x.nl/?l={cod}",
        "url: {cod} is not filled in; {code}, {member_id}, {email}, {name}, {first_name} and {organisation} are",
    ),
    ("online:\n  url: https://x.nl/{code}", "url: nothing is filled in here, so {code} would be mailed as it is"),
    ("online:\n  url: www.x.nl/dag", "url: the link must be complete, and begin with https://"),
    ("online:\n  url: https:///dag", "url: the link has no website after https://"),
    ("online:\n  url: https://https://x.nl/dag", f'url: "https:" {NO_WEBSITE}'),
    ("online:\n  url: https://x,nl/dag", f'url: "x,nl" {NO_WEBSITE}'),
    ("online:\n  url: https://mkw\u2013x.nl/dag", f'url: "mkw\u2013x.nl" {NO_WEBSITE}'),
    ("online:\n  url: https://x/dag", f'url: "x" {NO_WEBSITE}'),
    ("online:\n  url: https://mkw.nl@x.nl/dag", f'url: "mkw.nl@x.nl" {NO_WEBSITE}'),
    ("introduction: zie https://x,nl/a", f'"x,nl" {NO_WEBSITE}'),
    ("online:\n  url: https://x.nl/dag.", "url: signs around the link would become part of it"),
    (
        "registration:\n  url: https://x.nl/?l={code",
        "url: a brace in the link has no partner: a field is written like {code}",
    ),
    (
        "registration:\n  url: https://x.nl/?l={code}}",
        "url: a brace in the link has no partner: a field is written like {code}",
    ),
    ("online:\n  url: https://x.nl/een dag", "url: a link cannot have white space in it"),
    ("online:\n  url: <https://x.nl>", "url: signs around the link would become part of it"),
    ("introduction: zie http://x.nl/a", "the link http://x.nl/a must begin with https://"),
    (
        "introduction: zie [hier](www.x.nl) alles",
        '"www.x.nl" is not a complete link: it must begin with https:// or mailto:',
    ),
    (
        "introduction: zie “https://x.nl/a”",
        "curly quotes around a link would become part of it; leave them out",
    ),
    ("theme: TODO", '"TODO" looks like something still to be filled in'),
    ("theme: van xxx tot later", '"xxx" looks like something still to be filled in'),
    ("theme: VUL IN", '"VUL IN" looks like something still to be filled in'),
    ("theme: Lorem ipsum dolor", '"Lorem ipsum" looks like something still to be filled in'),
    (
        "introduction: Beste {{ naam }}, kom",
        "{{ naam }} would be mailed as it is: such signs work in templates only",
    ),
    *(
        (f"introduction: Beste {field}, kom", f"{field} would be mailed as it is: nothing is filled in here")
        for field in ("{naam}", "{x}", "{ { naam } }", "${naam}", "«Voornaam»", "%naam%", "[naam]", "{voor naam}")
    ),
    ("mailings:\n  invitation:\n    text: Beste {x}", "{x} would be mailed as it is: nothing is filled in here"),
    (
        "theme: op do 17 april 2020",
        '"do 17 april 2020": the weekday does not match: it is vrijdag 17 april 2020',
    ),
    ("theme: op 31 april", '"31 april": this date does not exist'),
]


@pytest.mark.parametrize(("lines", "sentence"), MEANINGS)
def test_what_contradicts_something_else(folder: WorkingFolder, lines: str, sentence: str | None) -> None:
    found = [fault.fault for fault in faults(folder, f"{HEAD}{lines}\n")]
    if sentence is not None:
        assert found == [sentence]


REPAIRS = [
    ("online:\n  url: www.x.nl/dag", "url: https://www.x.nl/dag"),
    ("registration:\n  url: https://x.nl/?l={cod}", "url: https://x.nl/?l={code}"),
    ("introduction: zie “https://x.nl/a”", "introduction: zie https://x.nl/a"),
    ("introduction: zie [hier](“https://x.nl/a”) alles", "introduction: zie [hier](https://x.nl/a) alles"),
    ("introduction: zie [hier](www.x.nl) alles", "introduction: zie [hier](https://www.x.nl) alles"),
    ("theme: Op Vrijdag 16 april", "theme: Op Donderdag 16 april"),
    ("mailings: {invitation: {audience: everone}}", "audience: everyone"),
    ("mailings: {x: {template: practica}}", "template: practical"),
]


@pytest.mark.parametrize(("lines", "remedy"), REPAIRS)
def test_the_remedy_is_the_repaired_line(folder: WorkingFolder, lines: str, remedy: str) -> None:
    assert one(folder, f"{HEAD}{lines}\n")[2] == remedy


@pytest.mark.parametrize(
    "lines",
    [
        "introduction: Donderdag 16 april, van 13.00-18.00 uur; het vervolg is op dinsdag 10 november.",
        "theme: terugblik op donderdag 12 december",  # of the year before
        "theme: op vrijdag 17 april 2020 en 16-4-2020",
        "introduction: '[mail](mailto:a@example.org), [bel](tel:030123), <https://x.nl> en vul in wat je wilt'",
        "registration: {deadline: 2020-04-16}",
        "mailings: {reminder: {send: 2020-03-01}, reminder-2: {send: 2020-02-20}}",
        "mailings: {parkeren: {send: 2020-05-01, template: practical}}",
        "mailings: {invitation: {send: 2020-02-17}, practical: {send: 2020-04-09}, thanks: {send: 2020-04-17}}",
    ],
)
def test_what_is_right_is_not_refused(folder: WorkingFolder, lines: str) -> None:
    assert read(folder, f"{HEAD}{lines}\n").warnings == ()


def test_one_faulty_field_does_not_hide_the_meaning_of_the_others(folder: WorkingFolder) -> None:
    text = HEAD.replace("2020-04-16 13:00", "2020-04-16 25:00") + (
        "programme:\n  - title: x\n  - time: 9.00\nregistration: {url: http://x.nl, deadline: morgen}\n"
        "mailings:\n  invitation: {send: 2020-02-17, latest: 2020-02-01, subject: [x]}\n  reminder: {audience: ieder}\n"
    )
    assert [fault.place.removeprefix("events/x.yaml") for fault in faults(folder, text)] == [
        *(":3:9", ":6:5", ":7:5", ":8:21", ":8:44", ":10:42", ":10:63", ":11:24"),
    ]


def test_one_id_in_two_files(folder: WorkingFolder) -> None:
    (folder.events_dir / "ander.yaml").write_text("id: 'dag'  # dezelfde\ntitle: fout: nog\n")
    place, sentence, _remedy = one(folder, HEAD)
    assert place == ":1:5"
    assert "events/ander.yaml" in sentence


ATTACHMENTS: list[tuple[str, Callable[[Path], object], str]] = [
    ("weg.pdf", lambda events: None, 'there is no file "weg.pdf" in events'),
    ("../programma.pdf", lambda events: (events.parent / "programma.pdf").write_bytes(b"%PDF"), ""),
    (
        "../mkwmail.yaml",
        lambda events: None,
        '"../mkwmail.yaml" is not mailed: this is the settings file of this folder',
    ),
    ("../../x.pdf", lambda events: None, '"../../x.pdf" lies outside the working folder, so it is not mailed'),
    (
        "/etc/hostname",
        lambda events: None,
        '"/etc/hostname" must be relative to the folder of the event file, and inside the working folder',
    ),
    (
        "C:/x.pdf",
        lambda events: None,
        '"C:/x.pdf" must be relative to the folder of the event file, and inside the working folder',
    ),
    (r"map\x.pdf", lambda events: None, r'"map\x.pdf": use / between folders here'),
    (
        "link.pdf",
        lambda events: (events / "link.pdf").symlink_to("/etc/hostname"),
        '"link.pdf" lies outside the working folder, so it is not mailed',
    ),
    (
        "links/hostname",
        lambda events: (events / "links").symlink_to("/etc"),
        '"links/hostname" lies outside the working folder, so it is not mailed',
    ),
    ("leeg.pdf", lambda events: (events / "leeg.pdf").touch(), '"leeg.pdf" is an empty file'),
    ("map", lambda events: (events / "map").mkdir(), 'there is no file "map" in events'),
]


@pytest.mark.parametrize(("name", "prepare", "sentence"), ATTACHMENTS)
def test_attachments(folder: WorkingFolder, name: str, prepare: Callable[[Path], object], sentence: str) -> None:
    prepare(folder.events_dir)
    text = f"{HEAD}mailings:\n  invitation:\n    attachments:\n      - {name}\n"
    if sentence:
        assert one(folder, text)[:2] == (":8:9", f"attachments: {sentence}")
    else:
        assert read(folder, text).value.mailings["invitation"].attachments == (name,)


def test_attachments_that_are_too_large_together(folder: WorkingFolder) -> None:
    for name in ("a.pdf", "b.pdf"):
        (folder.events_dir / name).write_bytes(b"x" * (MOST_BYTES // 2 + 50_000))
    assert one(folder, HEAD + "mailings: {invitation: {attachments: [a.pdf, b.pdf]}}\n") == (
        ":5:38",
        "attachments: together the files are 10.1 MB, and a mail can carry at most 10 MB",
        "make them smaller, or link to them in the text",
    )


WARNINGS = [
    (
        "registration:\n  url: https://aanmelden.example.org/{code}",
        ":6:8",
        "aanmelden.example.org is an address for examples and leads nowhere",
    ),
    ("introduction: Zie https://example.com.", ":5:19", "example.com is an address for examples and leads nowhere"),
    (
        "programme: [{time: 15.00, title: A}, {time: 14.00, title: B}]",
        ":5:45",
        "time: B begins at 14.00, earlier than the item above it at 15.00",
    ),
    (
        "programme: [{time: 15.00, until: 14.00, title: A}]",
        ":5:34",
        "until: A ends at 14.00, before it begins at 15.00",
    ),
    (
        "programme: [{time: 12.00, title: A}]",
        ":5:20",
        "time: A begins at 12.00, before the event does at 13.00",
    ),
    (
        "programme: [{day: 2020-04-17, time: 14.00, title: A}]",
        ":5:19",
        "day: A is on 2020-04-17, which is not a day of the event",
    ),
    ("theme: Samen # sterk", ":5:14", "the text after the # is a comment and is not mailed"),
]


@pytest.mark.parametrize(("lines", "place", "sentence"), WARNINGS)
def test_what_is_odd_is_a_warning(folder: WorkingFolder, lines: str, place: str, sentence: str) -> None:
    (warning,) = read(folder, f"{HEAD}{lines}\n").warnings
    assert (warning.place, warning.fault) == (f"events/x.yaml{place}", sentence)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("12.30 uur Inloop met lunch", ("12:30", None, "Inloop met lunch")),
        ("12:30 Inloop", ("12:30", None, "Inloop")),
        ("13.00-13.45 uur: Opening", ("13:00", "13:45", "Opening")),
        ("13.00 tot 13.45 Opening", ("13:00", "13:45", "Opening")),
        ("13u45 - Pauze", ("13:45", None, "Pauze")),
        ("13 uur Opening", ("13:00", None, "Opening")),
        ("12.30 uur tot 13 uur: Inloop", ("12:30", "13:00", "Inloop")),
        ('"15.00 uur: Zaal 2: vragen"', ("15:00", None, "Zaal 2: vragen")),
    ],
)
def test_a_line_of_the_programme_is_read_as_people_write_it(
    folder: WorkingFolder, line: str, parts: tuple[str, str | None, str]
) -> None:
    (item,) = read(folder, f"{HEAD}programme:\n  - {line}\n").value.programme
    until = f"{item.until:%H:%M}" if item.until else None
    assert (f"{item.time:%H:%M}", until, item.title) == parts


def test_a_line_of_the_programme_without_a_time_is_refused(folder: WorkingFolder) -> None:
    said = one(folder, f"{HEAD}programme:\n  - Inloop\n")
    assert said == (":6:5", "programme: a line of the programme begins with its time", "- 12.30 Inloop")
    assert one(folder, f"{HEAD}programme:\n  - vanaf 13 uur Opening\n")[2] == "- 13 uur Opening"
    assert one(folder, f"{HEAD}programme:\n  - ca. 15.00 uur Pauze\n")[2] == "- 15.00 uur Pauze"


@pytest.mark.parametrize(
    ("lines", "remedy"),
    [
        (" |\n  12.30 uur Inloop\n  13.00 Opening\n", "write each item like this: - 12.30 uur Inloop"),
        ("\n  12.30 uur: Inloop\n  13.00 uur: Opening\n", "write each item like this: - 12.30 uur: Inloop"),
        ("\n  12.30 uur Inloop\n", "  - 12.30 uur Inloop"),
    ],
)
def test_a_programme_without_hyphens_is_shown_with_one(folder: WorkingFolder, lines: str, remedy: str) -> None:
    assert one(folder, f"{HEAD}programme:{lines}")[2].strip() == remedy.strip()


def test_a_programme_may_pass_midnight(folder: WorkingFolder) -> None:
    items = "{time: 23.00, until: 0.30, title: A}, {time: 1.00, title: B}"
    assert read(folder, f"{HEAD}programme: [{items}]\n").warnings == ()


def test_links_to_examples_are_found_in_all_that_is_mailed(folder: WorkingFolder) -> None:
    text = (
        "registration: {url: https://example.org/a}\nonline: {url: https://vergaderen.nl}\n"
        "introduction: Zie https://example.com/b\nmailings: {invitation: {text: of https://x.test/c}}\n"
    )
    found = example_links(read(folder, HEAD + text).value)
    assert [fault.fault.split()[0] for fault in found] == ["example.org", "example.com", "x.test"]
    assert example_links(read(folder, HEAD).value) == ()


def test_a_programme_before_the_start_proposes_the_time(folder: WorkingFolder) -> None:
    (warning,) = read(folder, f"{HEAD}programme: [{{time: 12.00, title: A}}]\n").warnings
    assert warning.remedy == "starts: 2020-04-16 12.00"


def test_the_items_below_a_day_are_on_that_day(folder: WorkingFolder) -> None:
    head = HEAD.replace("ends: 18:00", "ends: 2020-04-17 18:00")
    items = "{time: 20.00, title: A}, {%stime: 9.00, title: B}, {time: 10.00, title: C}"
    assert read(folder, f"{head}programme: [{items % 'day: 17 april 2020, '}]\n").warnings == ()
    (warning,) = read(folder, f"{head}programme: [{items % ''}]\n").warnings
    assert warning.remedy == "does another day begin here? add: day: 2020-04-17"


@pytest.mark.parametrize("key", ["location:\n  route", "location:\n  website", "feedback:\n  url"])
def test_every_link_of_an_event_is_checked(folder: WorkingFolder, key: str) -> None:
    name = key.split()[-1]
    (fault,) = faults(folder, f"{HEAD}{key}: http://a.nl/x\n")
    assert fault.fault == f"{name}: the link must begin with https://, so that nobody can read along"
    (warning,) = read(folder, f"{HEAD}{key}: https://example.org/x\n").warnings
    assert warning.fault == "example.org is an address for examples and leads nowhere"


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 900, 300, 8, 6, 0, 0, 0)


@pytest.mark.parametrize(
    ("markdown", "sentence"),
    [
        ("![De zaal](zaal.png)", ""),
        ("![De zaal](<mijn zaal.png>) en ![De zaal](mijn%20zaal.png)", ""),
        ("![Kaart](https://kaart.example.org/zaal.png)", ""),
        ("![](zaal.png)", '"zaal.png" has no words for those who cannot see it'),
        ("![De zaal](groot.png)", '"groot.png" is 301 kB, and a picture in a text may be 300 kB'),
        ("![De zaal](../../zaal.png)", '"../../zaal.png" lies outside the working folder, so it is not mailed'),
        ("![De zaal](zaall.png)", 'there is no file "zaall.png" in events'),
        ("![De zaal](brief.png)", '"brief.png" is not a picture that mail programs show: use a PNG, JPEG or GIF'),
    ],
)
def test_pictures_in_texts(folder: WorkingFolder, markdown: str, sentence: str) -> None:
    files = {"zaal.png": PNG, "mijn zaal.png": PNG, "groot.png": PNG.ljust(300_001), "brief.png": b"%PDF-1.7"}
    for name, data in files.items():
        (folder.events_dir / name).write_bytes(data)
    (folder.path.parent / "zaal.png").write_bytes(PNG)
    text = f"{HEAD}mailings:\n  invitation:\n    text: |\n      Kom ook.\n\n      Zie {markdown}.\n"
    if sentence:
        assert one(folder, text)[:2] == (":10:11", f"picture: {sentence}")
    else:
        assert read(folder, text).value.mailings["invitation"].text is not None


@pytest.mark.parametrize(
    ("data", "width"),
    [
        (PNG, 900),
        (b"GIF89a" + struct.pack("<HH", 640, 480), 640),
        (b"\xff\xd8\xff\xe0\x00\x04JF\xff\xc2\x00\x0b\x08" + struct.pack(">HH", 480, 640), 640),
        (b"\xff\xd8\xff\xe0\x00\x00", None),
        (b"\xff\xd8\xff", None),
        (b"<svg/>", None),
    ],
)
def test_the_width_of_a_picture(data: bytes, width: int | None) -> None:
    assert picture_width(data) == width
