"""The embedded server: real SMTP, and mails as files."""

import os
import smtplib
import socket
import stat
import threading
from pathlib import Path

import pytest

from mkwmail.config.settings import Pace
from mkwmail.delivery.outcome import exit_code
from mkwmail.delivery.rehearsal import RehearsalServer
from mkwmail.errors import ExitCode
from tests.delivery.office import Office, addresses

MAIL = b"From: a@example.org\r\nTo: %s\r\nMessage-ID: <1@example.org>\r\n\r\nHallo\r\n.\r\n..punt\r\n"


def test_every_mail_becomes_a_readable_file(tmp_path: Path) -> None:
    folder = tmp_path / "rehearsal"
    names = [
        "Lilian van Zandbrink <l@example.org>",
        "=?utf-8?q?Ana=C3=AFs?= van 't Hof <l@example.org>",
        "l.van.dijk@example.org",
        "\u0451 <l@example.org>".encode().decode("latin-1"),
    ]
    with RehearsalServer(folder) as server:
        client = smtplib.SMTP(server.smtp.host, server.smtp.port)
        for name in names:
            client.sendmail("a@example.org", ["l.van.dijk@example.org"], MAIL % name.encode("latin-1"))
        client.quit()
        received = server.received
    assert [each.path.name for each in received[:3]] == [
        "001-lilian-van-zandbrink.eml",
        "002-anais-van-t-hof.eml",
        "003-l-van-dijk-example-org.eml",
    ]
    assert len(received) == 4
    assert received[0].path.read_bytes() == MAIL % names[0].encode()
    assert (received[0].sender, received[0].recipient) == ("a@example.org", "l.van.dijk@example.org")
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(received[0].path.stat().st_mode) == 0o600


def test_an_earlier_rehearsals_mails_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("001-lilian.eml", "1042-a.eml", "notes.txt", "preview.html", "001-Mine.eml"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    before = threading.active_count()
    with RehearsalServer(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["001-Mine.eml", "notes.txt", "preview.html"]
    assert threading.active_count() == before


def test_commands_in_one_write_are_answered_in_order(tmp_path: Path) -> None:
    """As pipelining sends them (RFC 2920): the body with the next message's commands behind it."""
    with (
        RehearsalServer(tmp_path) as server,
        socket.create_connection((server.smtp.host, server.smtp.port), 10) as client,
        client.makefile("rb") as replies,
    ):
        start = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
        body = (MAIL % b"b@example.org").replace(b"\r\n.", b"\r\n..")
        client.sendall(b"HELO x\r\n" + start + body + b".\r\n" + start)
        codes = [replies.readline()[:3] for _each in range(9)]
        assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"250", b"250", b"354"]


@pytest.mark.parametrize("connections", [1, 3])
def test_a_whole_mailing(tmp_path: Path, connections: int) -> None:
    office = Office(tmp_path, [f"lid{number}@example.org" for number in range(40)])
    with RehearsalServer(tmp_path / "rehearsal") as server:
        outcome = office.send(server.smtp, Pace(connections=connections))
        recipients = sorted(each.recipient for each in server.received)
    assert recipients == sorted(office.addresses)
    assert sorted(addresses(outcome.sent)) == recipients
    assert exit_code(outcome) == ExitCode.OK
    assert len(list((tmp_path / "rehearsal").glob("*.eml"))) == 40


def test_a_folder_that_cannot_be_written_defers(tmp_path: Path) -> None:
    office = Office(tmp_path, ["a@example.org"])
    folder = tmp_path / "rehearsal"
    with RehearsalServer(folder) as server:
        folder.rmdir()
        outcome = office.send(server.smtp)
    assert addresses(outcome.deferred) == ["a@example.org"]
