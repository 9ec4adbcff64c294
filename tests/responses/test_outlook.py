"""Messages that Outlook saved in its own format: reports, calendars' answers, and what people wrote."""

import random
from datetime import datetime
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import UserError
from mkwmail.responses.bounce_text import Verdict
from mkwmail.responses.bounces import Nature, Returned, read_returned
from mkwmail.responses.calendar_replies import replies_in
from mkwmail.responses.saved_mail import SavedMail, mail_from_msg, read_saved
from tests.responses.outlook_files import (
    APPOINTMENT,
    MEETING,
    Value,
    attached_file,
    attached_message,
    msg,
    object_id,
)

OURS = "6f0c1d2e3b4a59687786a5b4c3d2e1f0@platform.example.org"
KIM = "kim@woonstede.example.org"
SENT = datetime(2020, 2, 18, 9, 5, tzinfo=ZONE)
SAID = "<mx.example.org #5.1.1 smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found>"


def one(data: bytes) -> Returned:
    (found,) = read_returned(SavedMail("bericht.msg", mail_from_msg(data)))
    return found


def a_note(text: str = "Ik kom graag.", subject: str = "RE: Uitnodiging – Zoë") -> dict[int, Value]:
    return {
        **{0x001A: "IPM.Note", 0x0037: subject, 0x1000: text, 0x0C1A: "Kim Verbeek", 0x5D01: KIM, 0x0039: SENT},
        0x0C1F: "/o=ExchangeLabs/cn=kim",
    }


def a_report(said: str = SAID) -> bytes:
    properties: dict[int, Value] = {
        **{0x001A: "REPORT.IPM.Note.NDR", 0x0037: "Onbestelbaar: Uitnodiging", 0x0039: SENT},
        **{0x1000: "De mail is niet bezorgd.", 0x0C1A: "Microsoft Outlook", 0x1046: f"<{OURS}>"},
    }
    return msg(properties, recipients=[{0x39FE: KIM, 0x0C1B: said}])


def a_reply(kind: str, named: dict[tuple[bytes, int], Value] | None = None, text: str = "") -> bytes:
    properties: dict[int, Value] = {
        **{0x001A: f"IPM.Schedule.Meeting.Resp.{kind}", 0x0037: "Geweigerd: Dag", 0x1000: text, 0x0039: SENT},
        **{0x0042: "Kim Verbeek", 0x5D02: KIM, 0x5D01: "secretariaat@woonstede.example.org"},
    }
    names: dict[tuple[bytes, int], Value] = {
        (MEETING, 0x23): object_id("kim@mkwmail"),
        (MEETING, 0x01): SENT,
        (APPOINTMENT, 0x8201): 2,
        **(named or {}),
    }
    return msg(properties, names)


@pytest.mark.parametrize(
    ("said", "verdict", "status"),
    [
        (SAID, Verdict.FAILED, "5.1.1"),
        ("<x.example.org #5.2.2 smtp;552 5.2.2 mailbox full>", Verdict.FULL, "5.2.2"),
        ("<x.example.org #5.4.14 smtp;554 5.4.14 Hop count exceeded>", Verdict.LOOP, "5.4.14"),
        ("550 5.7.1 rejected as spam", Verdict.POLICY, "5.7.1"),
    ],
)
def test_a_report_says_who_was_not_reached_and_why(said: str, verdict: Verdict, status: str) -> None:
    found = one(a_report(said))
    assert (found.nature, found.verdict, found.status) == (Nature.REPORT, verdict, status)
    assert (found.recipients, found.message_ids) == ((KIM,), (OURS,))
    assert found.at == SENT and found.subject == "Onbestelbaar: Uitnodiging"


def test_a_report_that_came_by_imap_has_its_parts_as_attachments() -> None:
    status = f"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; {KIM}\nAction: failed\nStatus: 5.1.1\n"
    properties = {
        **a_note("Undelivered Mail Returned to Sender"),
        0x0037: "Undelivered Mail",
        0x5D01: "mailer-daemon@x.nl",
    }
    attachments = [
        attached_file("message/delivery-status", "details.txt", status.encode()),
        attached_message({0x001A: "IPM.Note", 0x1035: f"<{OURS}>", 0x0037: "Uitnodiging", 0x1000: "Beste Kim"}),
    ]
    found = one(msg(properties, attachments=attachments))
    assert (found.nature, found.verdict, found.message_ids) == (Nature.REPORT, Verdict.FAILED, (OURS,))


@pytest.mark.parametrize(
    ("properties", "nature"),
    [
        (a_note(), Nature.REPLY),
        (a_note(subject="Automatisch antwoord: Uitnodiging"), Nature.AUTOMATIC),
        ({**a_note(), 0x001A: "IPM.Note.Rules.OofTemplate.Microsoft"}, Nature.AUTOMATIC),
        ({**a_note(), 0x001A: "REPORT.IPM.Note.IPNRN"}, Nature.AUTOMATIC),
        ({**a_note(), 0x007D: "Auto-Submitted: auto-replied\r\nContent-Type: text/html\r\n"}, Nature.AUTOMATIC),
        (a_note(subject="Graag geen uitnodigingen meer van MKW Platform"), Nature.OPT_OUT),
    ],
)
def test_what_people_and_their_programs_write(properties: dict[int, Value], nature: Nature) -> None:
    found = one(msg(properties))
    assert (found.nature, found.sender, found.at) == (nature, KIM, SENT)
    assert found.subject == properties[0x0037]


@pytest.mark.parametrize(("kind", "partstat"), [("Pos", "ACCEPTED"), ("Neg", "DECLINED"), ("Tent", "TENTATIVE")])
def test_an_answer_to_the_meeting_request_is_of_the_person_and_not_of_their_office(kind: str, partstat: str) -> None:
    (found,) = replies_in(mail_from_msg(a_reply(kind, text="Helaas; ik ben\nmet vakantie, tot mei.\n")))
    assert (found.uid, found.attendee, found.partstat) == ("kim@mkwmail", KIM, partstat)
    assert (found.sequence, found.dtstamp) == (2, SENT)
    assert found.comment == "Helaas; ik ben met vakantie, tot mei."


def test_another_time_is_proposed() -> None:
    starts, ends = (datetime(2020, 4, 23, hour, 0, tzinfo=ZONE) for hour in (13, 18))
    named: dict[tuple[bytes, int], Value] = {
        (APPOINTMENT, 0x8257): 1,
        (APPOINTMENT, 0x8250): starts,
        (APPOINTMENT, 0x8251): ends,
    }
    (found,) = replies_in(mail_from_msg(a_reply("Tent", named)))
    assert (found.partstat, found.proposed) == ("COUNTER", (starts, ends))


def test_an_answer_to_an_entry_that_outlook_made_is_none_of_ours() -> None:
    assert replies_in(mail_from_msg(a_reply("Pos", {(MEETING, 0x23): b"\x04\0\0\0" * 10}))) == ()


def test_a_damaged_message_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    whole = a_report()
    (tmp_path / "a.msg").write_bytes(whole[:700])
    (tmp_path / "b.msg").write_bytes(whole)
    found = read_saved([tmp_path])
    assert [Path(each.place).name for each in found.mails] == ["b.msg"]
    assert [Path(each.place).name for each in found.unread] == ["a.msg"]
    with pytest.raises(UserError, match=r"\.eml"):
        read_saved([tmp_path / "a.msg"])


def test_no_damage_breaks_the_reader() -> None:
    chance = random.Random(20)
    for _round in range(300):
        data = bytearray(a_report() if chance.random() < 0.5 else a_reply("Pos", text="Ja"))
        for _change in range(chance.randint(1, 20)):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
        try:
            mail = mail_from_msg(bytes(data))
        except ValueError:
            continue
        read_returned(SavedMail("x.msg", mail))
