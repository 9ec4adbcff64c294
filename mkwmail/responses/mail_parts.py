"""The headers and texts of mails that strangers wrote, bounded.

A mail can be megabytes of one header, and hold characters that control a terminal or a page.
"""

import re
from contextlib import suppress
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from html import unescape

from mkwmail.i18n import one_line

# Characters of a header that are read. Headers of mails are at most 998 characters a line (RFC 5322 §2.1.1).
_LONGEST_HEADER = 5000


#: The type that the machine-readable part of a report has here. Under its own (RFC 3464 §2.1) Python's parser makes a
#: mail of each group of fields, and there can be ten thousands of them.
STATUS = "application/delivery-status"
_MACHINE_READABLE = re.compile(r"\s*message/(?:global-)?delivery-status\b", re.IGNORECASE)


class _BoundedHeaders(Compat32):
    """The reading of mails that strangers wrote: a header has an end.

    Decoding a header, and finding its parameters, takes time that grows faster than its length.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if name.casefold() == "content-type":
            value = _MACHINE_READABLE.sub(STATUS, value)
        return name, value[:_LONGEST_HEADER]


_BOUNDED = _BoundedHeaders()
_LONGEST_TEXT = 100_000  # characters of a mail's text that are read
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_BLOCK_END = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\b[^<>]*>", re.IGNORECASE)


def parsed(data: bytes) -> Message:
    """Return a mail in parts; of each header only the beginning is read."""
    return message_from_bytes(data, policy=_BOUNDED)


def header_text(mail: Message, name: str) -> str:
    """Return a header, decoded, on one line, without control characters.

    It is empty if the mail has no such header.
    """
    value = str(mail.get(name, ""))
    with suppress(ValueError, LookupError, MessageError):
        value = str(make_header(decode_header(value)))
    return one_line(value, _LONGEST_HEADER)


def part_text(part: Message) -> str:
    """Return the beginning of a part's text, decoded; HTML without its tags."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    data = data[: 4 * _LONGEST_TEXT]
    try:
        text = data.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):  # a character set that does not exist, or is no name
        text = data.decode("latin-1")
    text = text[:_LONGEST_TEXT].replace("\r\n", "\n")
    if part.get_content_type() == "text/html":
        text = unescape(_TAG.sub("", _BLOCK_END.sub("\n", text)))
    return text
