"""Calendars' answers: whose they are, which of several counts, and what a person must look at."""

from datetime import UTC, datetime, timedelta

import pytest

from mkwmail.ledger.models import Answer
from mkwmail.mail.icalendar import CalendarReply
from mkwmail.responses.calendar_replies import Asked, Standing, replies_in, understood

THEN = datetime(2020, 2, 20, 10, tzinfo=UTC)
ASKED = Asked(
    own={"kim@mkwmail": "kim", "jan@mkwmail": "jan"},
    shared="all@mkwmail",
    addresses={"kim@example.org": "kim", "kim@old.example.org": "kim", "jan@example.org": "jan"},
)

EXCHANGE = """\
BEGIN:VCALENDAR
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
ATTENDEE;PARTSTAT=ACCEPTED;CN=Kim Verbeek:mailto:Kim@example.org
SUMMARY;LANGUAGE=nl-NL:Geaccepteerd: Directeurendag
DTSTART;TZID=W. Europe Standard Time:20200416T130000
DTEND;TZID=W. Europe Standard Time:20200416T180000
UID:kim@mkwmail
DTSTAMP:20200220T100000Z
SEQUENCE:1
END:VEVENT
END:VCALENDAR
"""

MAIL = f"""\
From: Het kantoor <kantoor@example.net>
To: secretaris@example.org
Subject: Geaccepteerd: Directeurendag
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

Tot dan.
--b
Content-Type: text/calendar; charset=utf-8; method=REPLY

{EXCHANGE}
--b
Content-Type: application/ics; name=invite.ics
Content-Disposition: attachment; filename=invite.ics

{EXCHANGE}
--b--
"""


def reply(
    partstat: str = "ACCEPTED",
    attendee: str = "kim@example.org",
    uid: str = "kim@mkwmail",
    sequence: int = 0,
    hours: int = 0,
) -> CalendarReply:
    return CalendarReply(uid, attendee, partstat, sequence, THEN + timedelta(hours=hours))


@pytest.mark.parametrize(
    "data", [EXCHANGE.encode(), MAIL.encode(), b"\xef\xbb\xbf" + EXCHANGE.replace("\n", "\r\n").encode()]
)
def test_exchange_answers_without_an_organizer_and_in_its_own_zone(data: bytes) -> None:
    (found,) = replies_in(data)
    answers = understood([found], ASKED, ()).answers
    assert answers == (Answer("kim", "attending", "calendar", THEN, 1),)


def test_a_mail_without_an_answer_has_none() -> None:
    assert replies_in(b"Subject: Afwezig\n\nIk ben er niet.\n") == ()
    assert replies_in(EXCHANGE.replace("METHOD:REPLY", "METHOD:REQUEST").encode()) == ()


@pytest.mark.parametrize(
    ("partstat", "answer"), [("ACCEPTED", "attending"), ("DECLINED", "declined"), ("TENTATIVE", "tentative")]
)
def test_the_answers(partstat: str, answer: str) -> None:
    (found,) = understood([reply(partstat, "KIM@OLD.example.org")], ASKED, ()).answers
    assert (found.person, found.answer) == ("kim", answer)


def test_the_highest_sequence_then_the_newest_counts_in_any_order() -> None:
    replies = [
        reply("DECLINED", sequence=1),
        reply("TENTATIVE", sequence=1, hours=1),
        reply("ACCEPTED", hours=9),
        reply("DECLINED", "kim@old.example.org", hours=20),
    ]
    for order in (replies, replies[::-1]):
        found = understood(order, ASKED, ())
        assert [(each.person, each.answer) for each in found.answers] == [("kim", "tentative")]


def test_an_answer_by_somebody_else_is_for_the_secretary() -> None:
    found = understood(
        [
            reply(attendee="collega@example.net"),
            reply(attendee="jan@example.org"),
            reply("DELEGATED"),
            reply(attendee="vreemd@example.net", uid="all@mkwmail"),
        ],
        ASKED,
        (),
    )
    assert not found.answers
    assert [(each.person, each.address, each.answer) for each in found.strays] == [
        ("kim", "collega@example.net", "attending"),
        ("kim", "jan@example.org", "attending"),
        ("kim", "kim@example.org", "delegated"),
        (None, "vreemd@example.net", "attending"),
    ]


def test_an_answer_to_the_entry_of_all_is_who_gives_it() -> None:
    (found,) = understood([reply(attendee="jan@example.org", uid="all@mkwmail")], ASKED, ()).answers
    assert found.person == "jan"


def test_another_events_answer_is_left_alone() -> None:
    found = understood([reply(uid="elders@example.org")], ASKED, ())
    assert [(each.answer, each.stray, each.standing) for each in found.heard] == [(None, None, Standing.FOREIGN)]


@pytest.mark.parametrize(
    ("recorded", "news"),
    [
        (Answer("kim", "attending", "calendar", THEN, 0), False),
        (Answer("kim", "attending", "calendar", THEN - timedelta(hours=1), 0), True),
        (Answer("kim", "attending", "calendar", THEN - timedelta(hours=1), 3), False),
        (Answer("kim", "attending", "said", THEN + timedelta(hours=1)), False),
        (Answer("kim", "attending", "said", THEN - timedelta(hours=1)), True),
        (Answer("kim", "present", "said", THEN - timedelta(hours=1)), False),
    ],
)
def test_known_answers_are_kept(recorded: Answer, news: bool) -> None:
    found = understood([reply("DECLINED")], ASKED, (recorded,))
    assert bool(found.answers) is news and found.known == (not news)


def test_an_assistants_reply_is_no_answer_but_names_her_member() -> None:
    asked = Asked(ASKED.own, ASKED.shared, {**ASKED.addresses, "els@example.org": "els"}, {"els@example.org": ("kim",)})
    reply = CalendarReply("all@mkwmail", "els@example.org", "ACCEPTED", 0, THEN)
    found = understood([reply], asked, ())
    assert not found.answers
    assert [(each.person, each.address, each.answer) for each in found.strays] == [
        ("kim", "els@example.org", "attending")
    ]


def test_a_calendar_of_another_type_or_without_its_method_is_read() -> None:
    as_file = MAIL.replace(
        "Content-Type: text/calendar; charset=utf-8; method=REPLY",
        'Content-Type: application/octet-stream; name="antwoord.ics"',
    ).replace("application/ics", "application/octet-stream")
    without = MAIL.replace("METHOD:REPLY\n", "")
    assert as_file != MAIL and without != MAIL
    for mail in (as_file, without):
        assert [each.partstat for each in replies_in(mail.encode())] == ["ACCEPTED"]
    assert replies_in(without.replace("method=REPLY", "method=REQUEST").encode()) == ()
