"""The calendar entry: golden files that a person can read, and three independent readers that agree on them."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from mkwmail.clock import ZONE
from mkwmail.mail.calendar_part import Entry, Method, Party, content_lines, to_ics
from mkwmail.mail.icalendar import (
    CalendarReply,
    duration,
    escape_parameter,
    escape_text,
    fold,
    latest,
    read_reply,
    uid,
)
from mkwmail.mail.merge import Escaping, Placeholder, fill
from tests.clients.npm import NODE_MODULES

GOLDEN = Path(__file__).parent / "golden_ics"
READERS = Path(__file__).parent / "readers"
STAMP = datetime(2020, 2, 17, 8, 0, tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


PUBLISHED = Entry(
    method=Method.PUBLISH,
    uid="5b9e4f1c@example.org",
    sequence=0,
    stamp=STAMP,
    starts=local("2020-04-16T13:00"),
    ends=local("2020-04-16T18:00"),
    summary="Directeurendag: samen, of toch niet?",
    organizer=Party("Secretaris MKW Platform", "secretaris@example.org"),
    description="Aanmelden: https://example.org/aanmelden?lid=k7x2; uiterlijk 2 april.\n\nPE-punten: nog onbekend.",
    location="De Moestuin, Laan van Maarschalkerweerd 2, Utrecht",
    url="https://example.org/directeurendag",
    alarm=timedelta(days=1),
)
REQUESTED = replace(
    PUBLISHED, method=Method.REQUEST, uid="c41d77aa@example.org", attendee=Party("Zoë van ’t Hof", "zoe@example.com")
)
GOLDENS = {
    "publish": PUBLISHED,
    "publish-cancelled": replace(PUBLISHED, sequence=2, cancelled=True),
    "request": REQUESTED,
    "cancel": replace(REQUESTED, method=Method.CANCEL, sequence=3, cancelled=True),
    "several-days": replace(PUBLISHED, ends=local("2020-04-17T16:30"), alarm=None, location="", url=""),
}
MOMENTS = {
    "across-march": ("2020-03-28T20:00", "2020-03-29T12:00"),
    "before-march": ("2020-03-29T00:30", "2020-03-29T01:59"),
    "after-march": ("2020-03-29T03:00", "2020-03-29T04:00"),
    "across-october": ("2020-10-24T20:00", "2020-10-25T12:00"),
    "in-october": ("2020-10-25T02:30", "2020-10-25T03:30"),
    "until-october": ("2020-10-24T20:00", "2020-10-25T02:15"),
    "winter": ("2026-01-15T13:00", "2026-01-15T18:00"),
    "summer": ("2031-07-15T13:00", "2031-07-15T18:00"),
    "years": ("2020-12-31T20:00", "2021-01-01T01:00"),
}
NASTY = (
    "aanhaling \"twee\" en 'één'",
    "komma, puntkomma; dubbele punt: schuin \\n \\\\ \\; einde\\",
    "regel\nregel\n\n einde",
    "lang " + "é€🌷" * 60,
    "=?utf-8?q?x?= ^n ^' %20 BEGIN:VEVENT\nEND:VEVENT",
)
ENTRIES = [
    *GOLDENS.values(),
    *(replace(PUBLISHED, starts=local(starts), ends=local(ends)) for starts, ends in MOMENTS.values()),
    # The second 2.30 of that night.
    replace(
        PUBLISHED, starts=datetime(2020, 10, 25, 1, 30, tzinfo=UTC), ends=datetime(2020, 10, 25, 2, 30, tzinfo=UTC)
    ),
    *(replace(REQUESTED, summary=text, description=text, location=text) for text in NASTY),
    *(replace(REQUESTED, attendee=Party(text, "zoe@example.com")) for text in NASTY),
]


def written(entry: Entry) -> bytes:
    return to_ics(content_lines(entry))


def texts(entry: Entry, **values: str) -> list[str]:
    return [fill(line, values) for line in content_lines(entry)]


def zone_of(entry: Entry) -> str | None:
    """Amsterdam; none (UTC) if an hour that comes twice could be read in two ways."""
    first, after = datetime(2020, 10, 25, 0, tzinfo=UTC), datetime(2020, 10, 25, 2, tzinfo=UTC)
    twice = any(first <= moment.astimezone(UTC) < after for moment in (entry.starts, entry.ends))
    return None if twice else "Europe/Amsterdam"


def expected(entry: Entry) -> dict[str, Any]:
    """Return the values that every reader must see in the file of an entry."""
    assert isinstance(entry.stamp, datetime)

    def party(party: Party | None) -> dict[str, str] | None:
        return {"address": f"mailto:{party.email}", "name": escape_parameter(str(party.name))} if party else None

    return {
        "method": entry.method.value,
        "uid": entry.uid,
        "sequence": entry.sequence,
        "stamp": entry.stamp.timestamp(),
        "starts": entry.starts.timestamp(),
        "ends": entry.ends.timestamp() if entry.ends > entry.starts else None,
        "zone": zone_of(entry),
        "summary": entry.summary,
        "description": entry.description or None,
        "location": entry.location or None,
        "organizer": party(entry.organizer),
        "attendee": party(entry.attendee),
        "status": "CANCELLED" if entry.cancelled else "CONFIRMED",
        "alarm": -entry.alarm.total_seconds() if entry.alarm and not entry.cancelled else None,
    }


def by_icalendar(data: bytes) -> dict[str, Any]:
    calendar = icalendar.Calendar.from_ical(data)
    event: Any
    (event,) = calendar.walk("VEVENT")
    assert not calendar.errors and not event.errors
    alarms: list[Any] = event.walk("VALARM")

    def text(name: str) -> str | None:
        return str(event[name]) if name in event else None

    def moment(name: str) -> float | None:
        return float(event[name].dt.timestamp()) if name in event else None

    def party(name: str) -> dict[str, str] | None:
        return {"address": str(event[name]), "name": event[name].params.get("CN", "")} if name in event else None

    return {
        "method": str(calendar["METHOD"]),
        "uid": text("UID"),
        "sequence": event["SEQUENCE"],
        "stamp": moment("DTSTAMP"),
        "starts": moment("DTSTART"),
        "ends": moment("DTEND"),
        "zone": event["DTSTART"].params.get("TZID"),
        "summary": text("SUMMARY"),
        "description": text("DESCRIPTION"),
        "location": text("LOCATION"),
        "organizer": party("ORGANIZER"),
        "attendee": party("ATTENDEE"),
        "status": text("STATUS"),
        "alarm": alarms[0]["TRIGGER"].dt.total_seconds() if alarms else None,
    }


def by_vobject(data: bytes) -> dict[str, Any]:
    calendar = vobject.readOne(data.decode())
    calendar.validate(raiseException=True)
    event = calendar.vevent

    def value(name: str) -> Any:
        return getattr(event, name).value if hasattr(event, name) else None

    def moment(name: str) -> float | None:
        found = value(name)
        return found.timestamp() if found else None

    def party(name: str) -> dict[str, str] | None:
        if not hasattr(event, name):
            return None
        found = getattr(event, name)
        return {"address": found.value, "name": found.params.get("CN", [""])[0]}

    return {
        "method": calendar.method.value,
        "uid": value("uid"),
        "sequence": int(value("sequence")),
        "stamp": moment("dtstamp"),
        "starts": moment("dtstart"),
        "ends": moment("dtend"),
        "zone": event.dtstart.params.get("X-VOBJ-ORIGINAL-TZID", [None])[0],
        "summary": value("summary"),
        "description": value("description"),
        "location": value("location"),
        "organizer": party("organizer"),
        "attendee": party("attendee"),
        "status": value("status"),
        "alarm": event.valarm.trigger.value.total_seconds() if hasattr(event, "valarm") else None,
    }


def lines_of(data: bytes) -> list[str]:
    """The unfolded lines of a file, split as RFC 5545 says."""
    return data.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


@pytest.mark.parametrize("name", GOLDENS)
def test_each_method_is_its_golden_file(name: str) -> None:
    assert written(GOLDENS[name]) == (GOLDEN / f"{name}.ics").read_bytes()


@pytest.mark.parametrize("entry", ENTRIES)
def test_icalendar_and_vobject_see_what_was_meant(entry: Entry) -> None:
    data = written(entry)
    assert by_icalendar(data) == expected(entry)
    assert by_vobject(data) == expected(entry)


def test_ical_js_sees_what_was_meant() -> None:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "ical.js").is_dir():
        pytest.skip("needs node, and: npm ci")
    files = json.dumps([written(entry).decode() for entry in ENTRIES])
    run = subprocess.run(
        [node, "view.mjs"], cwd=READERS, input=files, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [expected(entry) for entry in ENTRIES]


def test_the_zone_has_two_rules_with_a_weekday_and_no_dates() -> None:
    lines = lines_of(written(PUBLISHED))
    assert [line for line in lines if line.startswith("RRULE")] == [
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    ]
    assert not any(line.startswith("RDATE") for line in lines)
    assert lines.count("BEGIN:VTIMEZONE") == 1


def test_publish_asks_nobody_and_request_asks_one() -> None:
    assert "ATTENDEE" not in written(PUBLISHED).decode()
    (attendee,) = [line for line in texts(REQUESTED) if line.startswith("ATTENDEE")]
    assert "RSVP=TRUE" in attendee and "PARTSTAT=NEEDS-ACTION" in attendee
    assert attendee.endswith(":mailto:zoe@example.com")


@pytest.mark.parametrize("name", ["cancel", "publish-cancelled"])
def test_what_is_cancelled_says_so_and_sounds_no_alarm(name: str) -> None:
    lines = texts(GOLDENS[name])
    assert "STATUS:CANCELLED" in lines
    assert "BEGIN:VALARM" not in lines


def test_cancel_is_cancelled_without_being_told() -> None:
    entry = replace(REQUESTED, method=Method.CANCEL)
    assert content_lines(entry) == content_lines(replace(entry, cancelled=True))


@pytest.mark.parametrize(
    "wrong",
    [
        {"attendee": Party("Zoë", "zoe@example.com")},
        {"method": Method.REQUEST},
        {"method": Method.CANCEL},
        {"starts": datetime(2020, 4, 16, 13)},
        {"ends": datetime(2020, 4, 16, 18)},
    ],
)
def test_an_entry_that_no_calendar_would_take_is_not_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(PUBLISHED, **wrong)


def test_an_event_without_length_has_no_end() -> None:
    assert not any(line.startswith("DTEND") for line in texts(replace(PUBLISHED, ends=PUBLISHED.starts)))


def test_placeholders_come_through_whole_and_filled_in_they_read_as_direct_values() -> None:
    stamp, address, said = (
        Placeholder("stamp", Escaping.TEXT),
        Placeholder("mail", Escaping.TEXT),
        ("name", Escaping.CALENDAR),
    )
    attendee = Party(Placeholder("name", Escaping.PARAMETER), address)
    open_to = replace(REQUESTED, stamp=stamp, attendee=attendee, description=("Dag ", Placeholder(*said), "!"))
    lines = content_lines(open_to)
    assert ("DTSTAMP:", stamp) in lines
    assert ("DESCRIPTION:Dag ", Placeholder(*said), "!") in lines
    name = 'Jan "de" Vries, ook; genaamd: J\\n'
    filled = texts(open_to, name=name, mail="jan@example.com", stamp="20200217T080000Z")
    direct = replace(REQUESTED, attendee=Party(name, "jan@example.com"), description=f"Dag {name}!")
    assert by_icalendar(to_ics([(line,) for line in filled])) == expected(direct)


def test_the_uid_is_opaque_stable_and_apart_per_person_and_event() -> None:
    uids = {
        uid(secret, event, person, "example.org")
        for secret in (b"one", b"other")
        for event in ("dag-2020", "dag-2021")
        for person in (None, "p1", "p2")
    }
    assert len(uids) == 12
    assert uid(b"one", "dag-2020", "p1", "example.org") in uids
    for identity in uids:
        assert re.fullmatch(r"[0-9a-f]{32}@example\.org", identity)


# Texts with everything that RFC 5545 treats apart, and whatever else Unicode has.
TEXTS = st.text(st.sampled_from("\\;,:\"'^n N\n\té€🌷=") | st.characters(exclude_categories=["Cs"]), max_size=120)


def kept(text: str) -> str:
    """A text as it must come back: its line ends one kind, without control characters."""
    marked = "".join("\n" if letter.splitlines() == [""] else letter for letter in text.replace("\r\n", "\n"))
    return "".join(letter for letter in marked if letter in "\n\t" or not (letter < " " or letter == "\x7f"))


@given(TEXTS, TEXTS, TEXTS)
@settings(deadline=None)
def test_every_text_comes_back_as_it_went_in(summary: str, description: str, name: str) -> None:
    entry = replace(
        REQUESTED,
        summary=f"S{summary}S",
        description=f"D{description}D",
        attendee=Party(f"N{name}N", "zoe@example.com"),
    )
    data = written(entry)
    meant = expected(replace(entry, summary=kept(entry.summary), description=kept(str(entry.description))))
    assert by_icalendar(data) == meant
    assert by_vobject(data) == meant


def test_a_backslash_stays_one() -> None:
    assert escape_text(r"C:\Nieuw; a, b" "\r\n" r"\;") == r"C:\\Nieuw\; a\, b\n\\\;"


@given(
    st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda length: timedelta(length.days, length.seconds))
)
def test_a_duration_is_written_as_icalendar_writes_it(length: timedelta) -> None:
    assert duration(length) == icalendar.vDuration(length).to_ical().decode()  # type: ignore[no-untyped-call]


@given(TEXTS)
def test_lines_are_folded_at_75_octets_never_inside_a_character(text: str) -> None:
    line = "DESCRIPTION:" + escape_text(text)
    folded = fold(line)
    assert folded.endswith(b"\r\n")
    for piece in folded.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(piece) <= 75
        piece.decode()
    assert folded.replace(b"\r\n ", b"") == line.encode() + b"\r\n"


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_files_have_crlf_alone_and_no_text_makes_a_line_of_its_own(text: str, name: str) -> None:
    plain = [line.partition(":")[0].partition(";")[0] for line in texts(REQUESTED)]
    entry = replace(
        REQUESTED, summary=text, description=f"x{text}", location=f"x{text}", attendee=Party(f"x{name}", "a@b.nl")
    )
    data = written(replace(entry, url=f"https://example.org/{text}"))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert [line.partition(":")[0].partition(";")[0] for line in lines_of(data)] == plain


EXCHANGE = """BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=ACCEPTED;CN=Zoë:MAILTO:zoe@example.com
COMMENT;LANGUAGE=nl-NL:\\n
UID:c41d77aa@example.org
SUMMARY;LANGUAGE=nl-NL:Geaccepteerd: Directeurendag
DTSTART;TZID=W. Europe Standard Time:20200416T130000
DTEND;TZID=W. Europe Standard Time:20200416T180000
CLASS:PUBLIC
PRIORITY:5
DTSTAMP:20200218T101112Z
TRANSP:OPAQUE
STATUS:CONFIRMED
SEQUENCE:1
X-MICROSOFT-CDO-APPT-SEQUENCE:1
END:VEVENT
END:VCALENDAR
"""
ACCEPTED = CalendarReply(
    "c41d77aa@example.org", "zoe@example.com", "ACCEPTED", 1, datetime(2020, 2, 18, 10, 11, 12, tzinfo=UTC)
)


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_reply_from_exchange_is_read(encoding: str, line_end: str) -> None:
    assert read_reply(EXCHANGE.replace("\n", line_end).encode(encoding)) == (ACCEPTED,)


@pytest.mark.parametrize(
    ("old", "new", "replies"),
    [
        ("PARTSTAT=ACCEPTED", "PARTSTAT=declined", (replace(ACCEPTED, partstat="DECLINED"),)),
        ("PARTSTAT=ACCEPTED", "PARTSTAT=TENTATIVE", (replace(ACCEPTED, partstat="TENTATIVE"),)),
        ("MAILTO:", "mailto:", (ACCEPTED,)),
        ("MAILTO:zoe@example.com", "mailto:<zoe%40example.com>?subject=Ja", (ACCEPTED,)),
        (";CN=Zoë:MAILTO:zoe@example.com", ";EMAIL=zoe@example.com:/2013/principal/", (ACCEPTED,)),
        ("W. Europe Standard Time", "(UTC+01:00) Amsterdam, Berlijn", (ACCEPTED,)),
        ("\nSEQUENCE:1\n", "\n", (replace(ACCEPTED, sequence=0),)),
        ("DTSTAMP:20200218T101112Z\n", "", (replace(ACCEPTED, dtstamp=datetime(1970, 1, 1, tzinfo=UTC)),)),
        ("DTSTAMP:20200218T101112Z", "DTSTAMP:20200218T101112", (ACCEPTED,)),
        ("20200416T130000", "niets", (ACCEPTED,)),
        ("METHOD:REPLY", "METHOD:REFRESH", ()),
        ("METHOD:REPLY\n", "", ()),
        ("PARTSTAT=ACCEPTED;", "", ()),
        ("UID:c41d77aa@example.org\n", "", ()),
        ("ATTENDEE;PARTSTAT=ACCEPTED;CN=Zoë:MAILTO:zoe@example.com\n", "", ()),
    ],
)
def test_replies_as_they_come(old: str, new: str, replies: tuple[CalendarReply, ...]) -> None:
    assert old in EXCHANGE
    assert read_reply(EXCHANGE.replace(old, new).encode()) == replies


@pytest.mark.parametrize("data", [b"", b"Beste Kim, ik kom!", b"BEGIN:VCALENDAR\r\nMETHOD:REPLY", b"\x00\xff"])
def test_what_is_no_calendar_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a calendar file"):
        read_reply(data)


@given(
    st.lists(st.sampled_from(EXCHANGE.splitlines()), max_size=40) | st.permutations(EXCHANGE.splitlines()),
    st.binary(max_size=9),
)
@settings(deadline=None)
def test_any_mangled_reply_is_read_or_refused(lines: list[str], noise: bytes) -> None:
    for data in ("\n".join(lines).encode() + noise, noise.join(line.encode() for line in lines)):
        try:
            read_reply(data)
        except ValueError as error:
            assert "not a calendar file" in str(error)


@given(st.sampled_from(["ACCEPTED", "DECLINED", "TENTATIVE"]), st.integers(0, 99))
def test_an_answer_to_our_own_request_is_read(partstat: str, sequence: int) -> None:
    request = written(replace(REQUESTED, sequence=sequence)).decode()
    reply = request.replace("METHOD:REQUEST", "METHOD:REPLY").replace("PARTSTAT=NEEDS-ACTION", f"PARTSTAT={partstat}")
    assert read_reply(reply.encode()) == (
        CalendarReply(str(REQUESTED.uid), "zoe@example.com", partstat, sequence, STAMP),
    )


def test_the_highest_sequence_then_the_newest_stamp_counts() -> None:
    later = ACCEPTED.dtstamp + timedelta(hours=1)
    declined = replace(ACCEPTED, partstat="DECLINED", dtstamp=later)
    older_version = replace(ACCEPTED, partstat="TENTATIVE", sequence=0, dtstamp=later + timedelta(days=9))
    colleague = replace(ACCEPTED, attendee="kim@example.com")
    replies = [declined, older_version, colleague, replace(ACCEPTED, attendee="Zoe@Example.com")]
    assert latest(replies) == (declined, colleague)
    assert set(latest(reversed(replies))) == {declined, colleague}
