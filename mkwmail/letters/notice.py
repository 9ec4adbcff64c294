"""A short plain mail of the program itself to the secretary, apart from all mailings."""

import quopri
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from mkwmail.letters.headers import mailbox, unstructured, verbatim
from mkwmail.letters.message import Message
from mkwmail.sources.settings import Mailbox


def notice(sender: Mailbox, to: str, subject: str, lines: Sequence[str], message_id: str, moment: datetime) -> Message:
    """The mail: text/plain in quoted-printable, marked as made by a machine (RFC 3834 §5).

    ``message_id`` is without its angle brackets.
    """
    body = "".join(f"{line}\n" for line in lines).encode()
    encoded = quopri.encodestring(body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = (
        verbatim("Date", format_datetime(moment)),
        mailbox("From", sender.name, sender.email),
        mailbox("To", "", to),
        unstructured("Subject", subject),
        verbatim("Message-ID", f"<{message_id}>"),
        verbatim("Auto-Submitted", "auto-generated"),
        verbatim("X-Auto-Response-Suppress", "OOF, AutoReply"),
        unstructured("Content-Language", "nl"),
        verbatim("MIME-Version", "1.0"),
        verbatim("Content-Type", "text/plain; charset=utf-8"),
        verbatim("Content-Transfer-Encoding", "quoted-printable"),
    )
    return Message(sender.email, to, message_id, (b"".join(head) + b"\r\n", encoded))
