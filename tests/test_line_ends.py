"""A line end in any field begins nothing: no header, no command, no end of a mail or of a calendar entry."""

import copy
import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.smtp_server import ScriptedServer, Taken
from tests.workplace import HEADINGS, PEOPLE, Place

_EVIL = (
    "Kim\rBcc: eve@example.net\r\nX-Evil: 1\nX-Evil: 2\n\nX-Evil: 3\r\n.\r\nMAIL FROM:<eve@example.net>\r\n"
    "END:VEVENT\r\nATTENDEE:mailto:eve@example.net\n.\n.\r.\x85Bcc: eve@example.net\u2028Bcc: eve@example.net"
)
# Short, and nothing that a list refuses: so that it is in headers unchanged, if anything is.
_SHORT = "Kim\r\nBcc: eve@example.net"
EVENT: dict[str, Any] = {
    "id": "dag-2020",
    "title": "Directeurendag",
    "theme": "Samen verder",
    "starts": "2020-04-16 13.00",
    "ends": "2020-04-16 18.00",
    "location": {"name": "De Moestuin", "street": "Laan 2", "city": "Utrecht"},
    "introduction": "Een middag.",
    "programme": [{"time": "13.00", "title": "Begin", "description": "We bespreken.", "speakers": "Bram Lipsch"}],
    "hosts": [{"name": "Bram Lipsch", "role": "bestuur", "organisation": "Jutphaas Wonen"}],
    "registration": {"url": "https://aanmelden.example.org/dag?lid={code}", "deadline": "2020-04-02"},
    "calendar": {"method": "request", "alarm": "1 dag"},
    "mailings": {"invitation": {"send": "2020-02-17 09.00", "subject": "Kom je?", "text": "Tot dan."}},
}
SETTINGS: dict[str, Any] = {
    "association": "MKW Platform",
    "sender": {"name": "Lilian van Zandbrink", "email": "secretaris@example.org"},
    "reply_to": "antwoord@example.org",
    "members": "leden.csv",
    "form": "je",
}


def _places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of texts."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in parts:
        yield from _places(value, (*path, key))
    if isinstance(node, str):
        yield path


def _with(document: dict[str, Any], path: tuple[str | int, ...], text: str) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = text
    return changed


def _sent(
    folder: Path, event: dict[str, Any] = EVENT, settings: dict[str, Any] = SETTINGS, member: str = PEOPLE[0]
) -> tuple[int, list[Taken]]:
    """The exit code, and what the server took. Everything that it was told is looked at too."""
    place = Place(folder)
    with ScriptedServer() as server:
        smtp = {"smtp": {"host": "127.0.0.1", "port": server.port, "security": "none"}}
        place.write("mkwmail.yaml", json.dumps(settings | smtp))
        place.write("events/dag.yaml", json.dumps(event))
        place.members(member, PEOPLE[1])
        ran = place.run("send", "dag", "invitation", "--yes")
        assert {command.split(maxsplit=1)[0].upper() for command in server.commands} <= {
            "EHLO",
            "MAIL",
            "RCPT",
            "DATA",
            "QUIT",
        }
        assert not any("eve@" in command for command in server.commands)
        assert len(server.said("DATA")) == len(server.taken)
    if ran.code:
        assert ran.code in (65, 78), ran.err
        assert "\r" not in ran.err
    return ran.code, server.taken


def _shape(mail: bytes) -> list[list[str]]:
    """The names of the headers of each part, and of the properties of the calendar entry."""
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail)
    message = message_from_bytes(mail, policy=policy.default)
    assert isinstance(message, EmailMessage)
    names = [[name.lower() for name in part] for part in message.walk()]
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            unfolded = part.get_content().replace("\r\n ", "").replace("\n ", "")
            names.append([re.split("[:;]", line)[0] for line in unfolded.splitlines()])
    return names


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    code, taken = _sent(tmp_path_factory.mktemp("usual"))
    assert (code, len(taken)) == (0, 2)
    return _shape(taken[0].data)


def _adds_nothing(ended: tuple[int, list[Taken]], usual: list[list[str]]) -> None:
    code, taken = ended
    assert len(taken) == (2 if code == 0 else 0)
    for mail in taken:
        shape = _shape(mail.data)
        # An entry may lack what a field no longer says, and never has more of anything.
        assert [sorted(each) for each in shape[:-1]] == [sorted(each) for each in usual[:-1]]
        assert all(shape[-1].count(name) <= usual[-1].count(name) for name in shape[-1])


@pytest.mark.parametrize("path", list(_places(EVENT)), ids=lambda path: "-".join(map(str, path)))
def test_in_the_event(tmp_path: Path, usual: list[list[str]], path: tuple[str | int, ...]) -> None:
    _adds_nothing(_sent(tmp_path, event=_with(EVENT, path, _EVIL)), usual)
    _adds_nothing(_sent(tmp_path / "short", event=_with(EVENT, path, _SHORT)), usual)


@pytest.mark.parametrize("path", list(_places(SETTINGS)), ids=lambda path: "-".join(map(str, path)))
def test_in_the_settings(tmp_path: Path, usual: list[list[str]], path: tuple[str | int, ...]) -> None:
    _adds_nothing(_sent(tmp_path, settings=_with(SETTINGS, path, _EVIL)), usual)
    _adds_nothing(_sent(tmp_path / "short", settings=_with(SETTINGS, path, _SHORT)), usual)


@pytest.mark.parametrize("column", range(len(HEADINGS.split(";"))), ids=HEADINGS.split(";"))
def test_in_the_list(tmp_path: Path, usual: list[list[str]], column: int) -> None:
    cells = PEOPLE[0].split(";")
    for evil, folder in ((_EVIL, "evil"), (_SHORT, "short")):
        member = ";".join(f'"{evil}"' if number == column else cell for number, cell in enumerate(cells))
        _adds_nothing(_sent(tmp_path / folder, member=member), usual)
