"""Shared parts of the tests of letters: small templates, an event, members, and reading a message back."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from mkwmail.clock import ZONE
from mkwmail.config.event import Event, Location, Mailing, Registration
from mkwmail.config.settings import Mailbox, Settings
from mkwmail.dutch.names import Name
from mkwmail.mail.compose import Composition, compose
from mkwmail.mail.context import Addressee, MailingContext
from mkwmail.mail.letter import Message
from mkwmail.mail.templates import Templates
from mkwmail.members.member_list import Member

MOMENT = datetime(2020, 2, 17, 9, 0, tzinfo=ZONE)

SMALL_TEMPLATES = {
    "signature.md": "Groet,  \n{{ sender.name }}\n",
    "footer.md": "",
    "calendar.txt": "{% if signup_link %}Aanmelden: {{ signup_link }}{% endif %}\n",
    "phrases.md": "{% macro where() %}{{ event.location.city }}{% endmacro %}",
    "blocks.html": "{% macro facts() %}<table><tr><td>{{ event.title }}</td><td>{{ member.organisation }}</td></tr>"
    '</table>{% endmacro %}{% macro signup(label) %}<a href="{{ signup_link }}">{{ label }}</a>{% endmacro %}'
    "{% macro nothing() %}{% endmacro %}",
    "blocks.txt": "{% macro facts() %}\n{{ event.title }} : {{ member.organisation }}\n{% endmacro %}"
    "{% macro signup(label) %}{{ label }}: {{ signup_link }}{% endmacro %}{% macro nothing() %}{% endmacro %}",
    "layout.html": '<!DOCTYPE html><html lang="nl"><head><title>{{ subject }}</title><style>{{ css }}</style></head>'
    "<body><div>{{ preheader }}</div>\n{{ body }}\n</body></html>",
    "layout.txt": "{{ body }}\n",
    "mail.css": "p { color: #111111; }\n@media (prefers-color-scheme: dark) { p { color: #eeeeee; } }\n",
}


@dataclass(frozen=True, slots=True)
class Workshop:
    """A folder with small templates, in which bodies can be tried."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def body(self, text: str, subject: str = "Over {{ event.title }}", preheader: str = "") -> None:
        self.write("invitation.md", f"---\nsubject: {subject}\npreheader: {preheader}\n---\n{text}")

    def compose(self, *members: Addressee, occasion: MailingContext | None = None) -> Composition:
        return compose(occasion or an_occasion(), Templates((self.folder,)), members)

    def message(self, *members: Addressee) -> EmailMessage:
        return read(self.compose(*members).addressed[0].message("id@example.org", MOMENT))


def a_workshop(folder: Path) -> Workshop:
    """A workshop in an empty folder."""
    workshop = Workshop(folder)
    for name, text in SMALL_TEMPLATES.items():
        workshop.write(name, text)
    return workshop


def an_occasion(**changed: object) -> MailingContext:
    """An invitation to a small event, with the given fields changed."""
    event = Event(
        id="dag-2020",
        title="Dag & *nacht*",
        starts=datetime(2020, 4, 16, 13, tzinfo=ZONE),
        ends=datetime(2020, 4, 16, 18, tzinfo=ZONE),
        location=Location(city="Utrecht"),
        registration=Registration(url="https://aanmelden.example.org/?lid={code}"),
        mailings={"invitation": Mailing()},
    )
    given: dict[str, object] = {
        "event": event,
        "name": "invitation",
        "mailing": Mailing(),
        "template": "invitation",
        "settings": Settings(
            sender=Mailbox(name="Lilian van Zandbrink", email="secretaris@example.org"),
            association="MKW Platform",
            form="je",
        ),
        "uid": "uid@example.org",
    }
    return MailingContext(**{**given, **changed})  # type: ignore[arg-type]


def a_member(first: str = "Kim", surname: str = "Verbeek", organisation: str = "Woonstede", **fields: str) -> Addressee:
    """A member to address."""
    number = fields.pop("number", "7")
    email = fields.pop("email", "kim@woonstede.example.org")
    code = fields.pop("code", "k7m2p9q4rs")
    function = fields.pop("function", "")
    name = Name(first=first, surname=surname, prefix=fields.pop("prefix", ""))
    member = Member(2, name, email, organisation, function, number, columns=fields)
    return Addressee(f"person-{email}", member, code)


def read(message: Message) -> EmailMessage:
    """The message as a mail program reads it, which must find no defect in it."""
    assert message.data.isascii()
    assert b"\r\n" in message.data and b"\n" not in message.data.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in message.data.split(b"\r\n"))
    parsed = message_from_bytes(message.data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    for part in parsed.walk():
        assert not part.defects
        assert not [defect for value in part.values() for defect in value.defects]
    return parsed


def said(parsed: EmailMessage) -> dict[str, str]:
    """Return the contents of a message, part by part and header by header, decoded."""
    parts = {
        f"{number} {part.get_content_type()}": part.get_content()
        for number, part in enumerate(parsed.walk())
        if not part.is_multipart()
    }
    words = {kind: text.decode() if isinstance(text, bytes) else text for kind, text in parts.items()}
    return {**words, **{name: str(value) for name, value in parsed.items()}}


def plain_text(parsed: EmailMessage) -> str:
    """The text/plain part, decoded."""
    return _body(parsed, "plain")


def html_text(parsed: EmailMessage) -> str:
    """The text/html part, decoded."""
    return _body(parsed, "html")


def _body(parsed: EmailMessage, subtype: str) -> str:
    part = parsed.get_body((subtype,))
    assert part is not None
    return str(part.get_content())
