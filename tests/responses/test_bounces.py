"""Delivery reports of six kinds of servers, and mails that are none: what each says, and which message it is about."""

import base64
import email
import mailbox
import time
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import UserError
from mkwmail.responses.bounce_text import Verdict, verdict
from mkwmail.responses.bounces import How, Matched, Nature, Returned, SentMessage, match, read_returned
from mkwmail.responses.saved_mail import SavedMail, read_saved

REPORTS = Path(__file__).parent / "reports"
OURS = "6f0c1d2e3b4a59687786a5b4c3d2e1f0@platform.example.org"
KEES = "k.jansen@huis.example.net"


def returned(name: str) -> Returned:
    (found,) = read_returned(SavedMail(name, (REPORTS / f"{name}.eml").read_bytes()))
    return found


def sent(attempt: int = 1, message_id: str = OURS, address: str = KEES, day: int = 17) -> SentMessage:
    moment = datetime(2020, 2, day, 8, 0, tzinfo=ZONE)
    return SentMessage(attempt, "dag", "invitation", "p1", address, message_id, moment)


def matched(value: Returned, *messages: SentMessage) -> Matched:
    (found,) = match([value], messages)
    return found


@pytest.mark.parametrize(
    ("name", "expected", "how", "status"),
    [
        ("postfix-unknown", Verdict.FAILED, How.ENVELOPE_ID, "5.1.1"),
        ("postfix-delayed", Verdict.DELAYED, How.MESSAGE_ID, "4.4.1"),
        ("exchange-online-unknown", Verdict.FAILED, How.MESSAGE_ID, "5.1.10"),
        ("exchange-online-policy", Verdict.POLICY, How.MESSAGE_ID, "5.7.133"),
        ("exim-report", Verdict.FULL, How.MESSAGE_ID, "5.0.0"),
        ("exim-older", Verdict.FAILED, How.MESSAGE_ID, ""),
        ("gmail-unknown", Verdict.FAILED, How.MESSAGE_ID, "5.1.1"),
        ("gmail-full", Verdict.FULL, How.MESSAGE_ID, "5.2.2"),
        ("sendmail-unknown", Verdict.FAILED, How.ADDRESS, "5.1.1"),
        ("qmail-unknown", Verdict.FAILED, How.MESSAGE_ID, ""),
        ("plain-dutch", Verdict.FULL, How.MESSAGE_ID, ""),
    ],
)
def test_a_report_is_understood_and_matched(name: str, expected: Verdict, how: How, status: str) -> None:
    value = returned(name)
    assert (value.nature, value.verdict, value.status) == (Nature.REPORT, expected, status)
    found = matched(value, sent(1, "0@platform.example.org", "iemand@example.net"), sent(2))
    assert (found.how, found.message and found.message.attempt) == (how, 2)
    assert value.reply, "what the server said is for the person who telephones"


def test_what_the_server_said_is_kept_on_one_line() -> None:
    said = "550 5.1.1 <k.jansen@huis.example.net>: Recipient address rejected: User unknown in virtual mailbox table"
    assert returned("postfix-unknown").reply == said
    assert returned("qmail-unknown").reply.startswith("192.0.2.25 does not like recipient. Remote host said: 550")


@pytest.mark.parametrize(
    ("name", "nature"),
    [
        ("out-of-office", Nature.AUTOMATIC),
        ("human-quoting", Nature.REPLY),
        ("read-receipt", Nature.AUTOMATIC),
    ],
)
def test_what_people_and_their_answering_machines_write_is_never_a_bounce(name: str, nature: Nature) -> None:
    value = returned(name)
    assert (value.nature, value.verdict) == (nature, None)
    assert matched(value, sent()).message is None


def test_the_first_recipient_decides_if_a_mail_was_forwarded() -> None:
    assert returned("sendmail-unknown").recipients == (KEES, "kjansen@intern.huis.example.net")


def test_a_report_about_another_mail_to_one_of_our_addresses_is_told_apart() -> None:
    found = matched(returned("another-mail"), sent())
    assert (found.how, found.message) == (How.OTHER_MESSAGE, None)


def test_by_address_the_newest_message_before_the_report_is_meant() -> None:
    messages = [sent(1, "1@x"), sent(2, "2@x"), sent(3, "3@x", day=18)]
    found = matched(returned("sendmail-unknown"), *messages)
    assert found.message is not None and found.message.attempt == 2


def test_a_report_about_somebody_else_matches_nobody() -> None:
    assert matched(returned("sendmail-unknown"), sent(1, "1@x", "iemand@example.net")).how is How.NOT


def test_a_complaint_is_to_be_looked_at() -> None:
    mail = (
        "From: fbl@provider.example\nSubject: FW: Uitnodiging\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nThis is an abuse report.\n"
        "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--\n"
    )
    (found,) = read_returned(SavedMail("x", mail.encode()))
    assert found.nature is Nature.UNCLEAR


def test_a_report_of_the_first_attempt_says_nothing_about_the_same_bytes_sent_later() -> None:
    report = returned("postfix-unknown")
    assert report.at is not None
    first, second = sent(1), replace(sent(2), at=report.at + timedelta(hours=2))
    for each in (report, replace(report, envelope_id="")):
        found = matched(each, second, first)
        assert found.message is not None and found.message.attempt == 1
    # The clocks of two servers differ, and a report without a date is about the newest.
    for message, at in ((replace(second, at=report.at + timedelta(minutes=2)), report.at), (second, None)):
        found = matched(replace(report, at=at), message, first)
        assert found.message is not None and found.message.attempt == 2


def test_of_two_attempts_with_the_same_bytes_the_newest_is_meant() -> None:
    found = matched(returned("postfix-unknown"), sent(2), sent(1))
    assert found.message is not None and found.message.attempt == 2


@pytest.mark.parametrize(
    ("status", "reply", "expected"),
    [
        ("5.1.1", "", Verdict.FAILED),
        ("5.2.1", "mailbox disabled", Verdict.FAILED),
        ("5.2.2", "", Verdict.FULL),
        ("4.2.2", "over quota", Verdict.FULL),
        ("5.0.0", "550 5.7.1 Message rejected as spam", Verdict.POLICY),
        ("5.7.1", "User unknown", Verdict.POLICY),
        ("5.2.3", "message too large for recipient", Verdict.POLICY),
        ("5.1.8", "bad sender", Verdict.POLICY),
        ("5.4.1", "Recipient address rejected: Access denied", Verdict.FAILED),
        ("5.5.0", "550 Requested action not taken: mailbox unavailable", Verdict.FAILED),
        ("", "552 sorry", Verdict.FULL),
        ("", "550 blocked using example.dnsbl", Verdict.POLICY),
        ("", "connect to 5.1.1.25: Connection refused", Verdict.GIVEN_UP),
        ("4.4.7", "delivery time expired", Verdict.GIVEN_UP),
        ("5.4.7", "delivery time expired", Verdict.GIVEN_UP),
        ("4.4.1", "connect: no route to host", Verdict.GIVEN_UP),
        # An expired mail says nothing about the address, whatever the last reply was.
        ("4.4.7", "450 4.7.1 greylisted; message expired", Verdict.GIVEN_UP),
        ("4.7.1", "450 4.7.1 <k@x.nl>: Recipient address rejected: Greylisted, see http://x.nl", Verdict.GIVEN_UP),
        ("5.0.0", "451 4.7.1 Greylisting in action, please come back later", Verdict.GIVEN_UP),
        ("5.4.300", "550 5.4.300 Message expired -> 451 4.7.0 temporary", Verdict.GIVEN_UP),
        ("4.4.7", "452 4.2.2 mailbox full", Verdict.FULL),
        # The domain does not exist; "try again" is a name server that did not answer.
        ("4.0.0", "NXDOMAIN", Verdict.FAILED),
        ("4.4.7", "DNS: NXDOMAIN, message expired", Verdict.FAILED),
        ("4.4.4", "DNS domain 'huis.nl' does not exist", Verdict.FAILED),
        ("5.4.310", "550 5.4.310 DNS domain huis.nl does not exist", Verdict.FAILED),
        ("5.4.4", "Host or domain name not found. Name service error for name=huis.nl type=A", Verdict.FAILED),
        ("4.4.3", "Host or domain name not found. Name service error: Host not found, try again", Verdict.GIVEN_UP),
        ("", "553 Sender address rejected: domain not found", Verdict.POLICY),
        # Their mail system sends it round.
        ("5.4.14", "554 5.4.14 Hop count exceeded - possible mail loop", Verdict.LOOP),
        ("5.4.6", "mail for huis.nl loops back to myself", Verdict.LOOP),
        ("", "554 too many hops, this message is looping", Verdict.LOOP),
        ("5.4.11", "550 5.4.11 Agent generated message depth exceeded", Verdict.LOOP),
        # Refusals of the sender, the connection or the content, and codes that are not about a mailbox.
        ("5.0.0", "550 relay not permitted", Verdict.POLICY),
        ("5.0.0", "550 IP 192.0.2.4 is listed at bl.example.org", Verdict.POLICY),
        ("5.0.0", "550 Sender verify failed", Verdict.POLICY),
        ("5.0.0", "550-Callback setup failed while verifying <s@example.org>", Verdict.POLICY),
        ("5.0.0", "550 Cannot find your reverse hostname, [192.0.2.4]", Verdict.POLICY),
        ("5.0.0", "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", Verdict.POLICY),
        ("5.0.0", "554 Message refused by content filter", Verdict.POLICY),
        ("5.0.0", "554 Denied (Mode: normal)", Verdict.POLICY),
        ("5.0.0", "550 sorry, not today", Verdict.FAILED),
        ("", "550 gebruiker onbekend", Verdict.FAILED),
        ("", "550 Administrative prohibition", Verdict.POLICY),
        ("", "550 Message is too big for system", Verdict.POLICY),
        ("", "Uw bericht is te groot", Verdict.POLICY),
        (
            "5.0.0",
            "550 Requested action not taken: mailbox unavailable\ninvalid DNS MX resource record",
            Verdict.POLICY,
        ),
        ("5.1.20", "Multiple From addresses are not allowed without Sender address", Verdict.POLICY),
        ("5.1.90", "you've reached your daily limit for message recipients", Verdict.POLICY),
        # Too much mail for now: the sender's, or the recipient's.
        ("5.4.5", "Daily user sending limit exceeded", Verdict.GIVEN_UP),
        ("5.2.122", "The recipient has exceeded their limit for the number of messages per hour", Verdict.GIVEN_UP),
        ("5.4.2", "Connection dropped", Verdict.GIVEN_UP),
        ("5.2.0", "STOREDRV.Deliver.Exception:QuotaExceededException; permanent exception with message", Verdict.FULL),
        ("", "mailbox size limit exceeded", Verdict.FULL),
        ("", "User mailbox exceeds allowed size: jan@example.org", Verdict.FULL),
        ("5.3.1", "Mail system full", Verdict.FULL),
        ("", "User jan not listed in Domino Directory", Verdict.FAILED),
        ("", "The account or domain may not exist, they may be blacklisted", Verdict.FAILED),
        ("", "Unknown host: jan@huis.example", Verdict.FAILED),
        ("", "550 User\n    unknown", Verdict.FAILED),
        ("", "De mailbox van jan zit vol", Verdict.FULL),
        ("", "Das Postfach ist voll", Verdict.FULL),
    ],
)
def test_the_codes_tell_a_dead_address_from_what_says_nothing_of_it(status: str, reply: str, expected: Verdict) -> None:
    assert verdict(status, reply) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Uw bericht aan KEES kon niet worden bezorgd.\n\nDe mailbox van de ontvanger zit vol.", Verdict.FULL),
        (
            "De bezorging is mislukt voor de volgende geadresseerden:\n\nKEES\nHet adres is niet gevonden.",
            Verdict.FAILED,
        ),
        ("Ihre Nachricht konnte nicht zugestellt werden.\n\nKEES\nDas Postfach ist voll", Verdict.FULL),
        ("Votre message n'a pas pu être remis :\n\nKEES\n550 5.1.1 Utilisateur inconnu", Verdict.FAILED),
        ("Uw mail kon niet bezorgd worden:\n\n<KEES>: geweigerd wegens spam", Verdict.POLICY),
        (
            "Het bezorgen van uw bericht aan de volgende geadresseerden is mislukt:\n\nKEES\n"
            "Het e-mailadres dat u hebt ingevoerd, kan niet worden gevonden.\n#550 5.1.1 RESOLVER; not found ##",
            Verdict.FAILED,
        ),
        ("Ihre Nachricht konnte nicht an KEES zugestellt werden.\nPostfach voll", Verdict.FULL),
        ("The attached message had PERMANENT fatal delivery errors!\n\nKEES\n550 User unknown", Verdict.FAILED),
        ("Your message did not reach some or all of the recipients.\n\nKEES\n550 User unknown", Verdict.FAILED),
        ("Your message could not\nbe delivered.\n\n<KEES>: said: 452 4.2.2 Over\n    quota", Verdict.FULL),
        # Only the subject says that it came back.
        ("Unknown host: KEES\n\nOriginal message follows.", Verdict.FAILED),
        ("De bezorging van uw bericht aan KEES is vertraagd. U hoeft niets te doen.", Verdict.DELAYED),
        (
            "There was a temporary problem with KEES. Gmail will retry for 46 more hours.\n"
            "You'll be notified if the delivery fails permanently.",
            Verdict.DELAYED,
        ),
    ],
)
def test_a_report_in_plain_words_of_three_languages(text: str, expected: Verdict) -> None:
    head = "Return-Path: <>\nFrom: postmaster@huis.example.net\nSubject: Undeliverable Mail\n\n"
    mail = f"{head}{text}\n\n-- headers:\nMessage-ID: <{OURS}>\n"
    (found,) = read_returned(SavedMail("x", mail.replace("KEES", KEES).encode()))
    assert (found.nature, found.verdict, matched(found, sent()).how) == (Nature.REPORT, expected, How.MESSAGE_ID)


PLAIN = """\
Return-Path: <>
From: System Administrator <{sender}>
Subject: Delivery Failure
Date: Tue, 18 Feb 2020 09:05:00 +0100
Content-Type: {kind}; charset=utf-8

{text}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Could not deliver message to the following recipient(s):\n\n"
            "Failed Recipient: {kees}\nReason: Remote host said: 550 5.1.1 no such account\n\n"
            "   -- The header and top 20 lines of the message follows --\n\n"
            "From: s@example.org\nTo: {kees}\nMessage-ID: <{ours}>",
            Verdict.FAILED,
        ),
        ("Could not deliver your message.\n452 4.2.2 over quota\nMessage-ID: <{ours}>\n", Verdict.FULL),
        ("This message could not be delivered to {kees} (552 mailbox full).\nmessage id {ours}.", Verdict.FULL),
        ("Mail delivery failed\n{kees}: 554 5.4.6 too many hops\n\nMessage-ID:\n <{ours}>", Verdict.LOOP),
        ("Uw bericht kan niet worden bezorgd:\nOntvanger: {kees}\n550 adres bestaat niet\n", Verdict.FAILED),
    ],
)
def test_reports_in_plain_words_are_matched_by_our_message_id_in_the_text(text: str, expected: Verdict) -> None:
    words = text.format(kees=KEES, ours=OURS)
    (found,) = read_returned(
        SavedMail("x", PLAIN.format(sender="postmaster@huis.example.net", kind="text/plain", text=words).encode())
    )
    assert (found.nature, found.verdict) == (Nature.REPORT, expected)
    assert matched(found, sent()).message is not None
    marked = words.replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    html = PLAIN.format(sender="postmaster@huis.example.net", kind="text/html", text=f"<p>{marked}</p>")
    (again,) = read_returned(SavedMail("x", html.encode()))
    assert (again.nature, again.verdict, matched(again, sent()).message is not None) == (Nature.REPORT, expected, True)
    # The same words in a mail of a person are an answer that quotes a report.
    (quoted,) = read_returned(
        SavedMail(
            "x",
            PLAIN.replace("Return-Path: <>\n", "")
            .format(sender="kees@huis.example.net", kind="text/plain", text=words)
            .encode(),
        )
    )
    assert quoted.nature is Nature.REPLY


def test_our_own_mail_to_opt_out_is_recognised() -> None:
    for subject in ("Graag geen uitnodigingen meer van MKW Platform", "FW: Graag geen uitnodigingen meer"):
        (found,) = read_returned(SavedMail("x", f"From: {KEES}\nSubject: {subject}\n\n\n".encode()))
        assert (found.nature, found.sender) == (Nature.OPT_OUT, KEES)
    (asked,) = read_returned(SavedMail("x", f"From: {KEES}\nSubject: Uitnodigingen\n\nGraag geen\n".encode()))
    assert asked.nature is Nature.REPLY


CONTROLS = "\x1b[31m \u009b2J \u202e\u2066 \u200f \x07"


def test_nothing_that_controls_a_screen_is_left_of_a_report() -> None:
    data = (REPORTS / "postfix-unknown.eml").read_text(encoding="utf-8")
    spoiled = data.replace("User unknown", f"User {CONTROLS} unknown").replace("Subject: ", f"Subject: {CONTROLS}")
    (found,) = read_returned(SavedMail("x", spoiled.encode()))
    encoded = "Subject: =?utf-8?b?" + base64.b64encode(CONTROLS.encode()).decode() + "?=\nFrom: a@x.nl\n\nx"
    (other,) = read_returned(SavedMail("x", encoded.encode()))
    shown = (found.reply, found.subject, found.status, *found.recipients, found.sender, other.subject)
    assert "unknown" in found.reply.casefold()
    assert not [each for each in shown if not each.isprintable()]
    hex_ = data.replace("Final-Recipient: rfc822;", "Final-Recipient: rfc822; x+1B+9B+07")
    assert all(each.isprintable() for one in read_returned(SavedMail("x", hex_.encode())) for each in one.recipients)


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: " + b"=?utf-8?q?" * 240_000 + b"\r\nFrom: a@b.nl\r\n\r\nx",
        b"Subject: " + b"=?utf-8?q?a?= " * 160_000 + b"\r\nFrom: a@b.nl\r\n\r\nx",
        b"From: " + b"a@b.nl, " * 300_000 + b"\r\n\r\nx",
        b"X-Failed-Recipients: " + b"a" * 2_400_000 + b"\r\nFrom: mailer-daemon@b.nl\r\n\r\nreturned mail",
        b'Content-Type: multipart/report; boundary="' + b'";' * 1_200_000 + b"\r\n\r\nx",
        b"From: mailer-daemon@b.nl\r\n\r\nundelivered mail\r\n" + b"message-id" * 240_000,
        b"From: mailer-daemon@b.nl\r\n\r\nundelivered mail\r\n" + b"<a@b.nl>:\r\n" * 200_000,
        b"From: mailer-daemon@b.nl\r\nContent-Type: text/html\r\n\r\nundelivered mail\r\n" + b"<" * 2_400_000,
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        + b"Final-Recipient: rfc822; a@b.nl\nAction: failed\n\n" * 40_000
        + b"--b--\n",
    ],
    ids=["words", "short words", "senders", "failed", "parameters", "ids", "qmail", "tags", "recipients"],
)
def test_a_report_of_megabytes_is_read_at_once(data: bytes) -> None:
    started = time.monotonic()
    read_returned(SavedMail("x", data))
    assert time.monotonic() - started < 2


def test_mbox_maildir_and_folders_hold_the_same_reports(tmp_path: Path) -> None:
    names = ("postfix-unknown", "qmail-unknown", "human-quoting")
    box = mailbox.mbox(tmp_path / "teruggekomen.mbox")
    directory = mailbox.Maildir(tmp_path / "Maildir")
    folder = tmp_path / "map"
    folder.mkdir()
    for name in names:
        data = (REPORTS / f"{name}.eml").read_bytes()
        box.add(data)
        directory.add(data)
        (folder / f"{name}.eml").write_bytes(data.replace(b"\n", b"\r\n"))
    box.close()
    expected = sorted((returned(name).nature, returned(name).verdict or "") for name in names)
    for place in (tmp_path / "teruggekomen.mbox", tmp_path / "Maildir", folder):
        found = [value for saved in read_saved([place]).mails for value in read_returned(saved)]
        assert sorted((value.nature, value.verdict or "") for value in found) == expected, place


def test_reports_forwarded_as_attachments_are_read_in_the_place_of_the_mail_that_carries_them() -> None:
    forward = EmailMessage()
    forward["From"], forward["To"], forward["Subject"] = "Lilian <l@example.org>", "s@example.org", "FW: teruggekomen"
    forward.set_content("Deze kwamen terug.")
    for name in ("postfix-unknown", "exchange-online-unknown", "human-quoting"):
        forward.add_attachment(email.message_from_bytes((REPORTS / f"{name}.eml").read_bytes()))
    found = read_returned(SavedMail("doorgestuurd.eml", forward.as_bytes()))
    assert [(each.nature, each.verdict) for each in found] == [(Nature.REPORT, Verdict.FAILED)] * 2
    assert [each.recipients for each in found] == [
        each.recipients for name in ("postfix-unknown", "exchange-online-unknown") for each in [returned(name)]
    ]
    # A report that returns a message is no forward of it.
    assert len(read_returned(SavedMail("x", (REPORTS / "gmail-full.eml").read_bytes()))) == 1


def test_outlooks_own_format_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "bericht.msg").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100)
    with pytest.raises(UserError, match=r"\.eml"):
        read_saved([tmp_path])


def test_an_empty_folder_and_a_missing_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no mail"):
        read_saved([tmp_path])
    with pytest.raises(UserError, match="not there"):
        read_saved([tmp_path / "weg.eml"])


@pytest.mark.parametrize(
    "data",
    [
        b"Bel Jan nog over donderdag.\nEn Kim: die komt.\n",
        b"Naam;E-mail\nJan;jan@example.org\n",
        b"<!DOCTYPE html><html><body>Opgeslagen pagina</body></html>",
        b"Van: Jan Jansen\nAan: Ilse\nOnderwerp: Uitnodiging\n\nFrom: hier\n",
        b"%PDF-1.4",
    ],
)
def test_a_file_that_is_no_mail_is_named_as_such(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "notitie.eml").write_bytes(data)
    (tmp_path / "terug.eml").write_bytes((REPORTS / "postfix-unknown.eml").read_bytes())
    found = read_saved([tmp_path])
    assert [Path(each.place).name for each in found.mails] == ["terug.eml"]
    assert ["notitie.eml" in str(each) and "not a mail" in str(each) for each in found.unread] == [True]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\xfd",
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\nniets\n--x--\n",
        b"Content-Type: multipart/report; report-type=delivery-status\n\nno boundary at all\n",
        b"From: =?x-unknown?q?=ff?= <mailer-daemon@a.nl>\nDate: gisteren\n\nUndelivered to k@x.nl\n",
        b"Content-Type: text/plain; charset=bestaat-niet\nFrom: <MAILER-DAEMON@a.nl>\n\nreturned mail\n",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
    ],
)
def test_no_mail_breaks_the_reader(data: bytes) -> None:
    assert all(
        value.verdict is None or value.recipients or value.message_ids for value in read_returned(SavedMail("x", data))
    )


def test_a_mail_of_blank_lines_is_read_at_once() -> None:
    data = b"From: MAILER-DAEMON@a.nl\n\nreturned mail\n" + b"\n" * 300_000 + b"> " * 100_000
    started = time.monotonic()
    read_returned(SavedMail("x", data))
    assert time.monotonic() - started < 5


def test_a_report_about_two_recipients_gives_one_value_for_each() -> None:
    data = (REPORTS / "postfix-unknown.eml").read_bytes()
    other = b"Final-Recipient: rfc822; ander@huis.example.net\nAction: delivered\nStatus: 2.0.0\n\nFinal-Recipient:"
    first, second = read_returned(SavedMail("x", data.replace(b"Final-Recipient:", other)))
    assert (first.nature, second.nature) == (Nature.DELIVERED, Nature.REPORT)
    assert first.recipients == ("ander@huis.example.net",)


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        ("5.0.0 (permanent failure)", "De mailbox van de ontvanger zit vol.", Verdict.FULL),
        ("5.0.0", "Your message was blocked by our spam filter.", Verdict.POLICY),
        ("5.1.1", "De mailbox van de ontvanger zit vol.", Verdict.FAILED),
    ],
)
def test_without_the_servers_reply_the_words_tell_what_the_code_does_not(
    status: str, words: str, expected: Verdict
) -> None:
    mail = (
        "From: <MAILER-DAEMON@huis.example.net>\nContent-Type: multipart/report; report-type=delivery-status; "
        f"boundary=b\n\n--b\n\n{words}\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; huis\n\n"
        f"Final-Recipient: rfc822; {KEES}\nAction: failed\nStatus: {status}\n\n--b--\n"
    )
    (found,) = read_returned(SavedMail("x", mail.encode()))
    assert (found.nature, found.verdict) == (Nature.REPORT, expected)
