"""Message: the final bytes and its envelope."""

import hashlib
from typing import NamedTuple


class Message(NamedTuple):
    """One mail for one recipient (RFC 5322), with the envelope that SMTP carries (RFC 5321 §2.3.1).

    ``chunks`` joined are the bytes on the wire before dot-stuffing: ASCII, CRLF line ends, ending in CRLF.
    They are several so that what messages share (attachments) is held once. ``dotless``: it is known that no line
    of theirs begins with a dot, so that none is to be doubled (RFC 5321 §4.5.2). ``digest`` is a letter's word for
    these bytes (:meth:`mkwmail.letters.letter.Letter.address`).
    """

    sender: str
    recipient: str
    message_id: str
    chunks: tuple[bytes, ...]
    dotless: bool = False
    digest: str = ""

    @property
    def data(self) -> bytes:
        """The whole message."""
        return b"".join(self.chunks)

    @property
    def size(self) -> int:
        """Its length in octets, as SIZE counts it (RFC 1870)."""
        return sum(map(len, self.chunks))

    @property
    def sha256(self) -> str:
        """The hash of its bytes, in hex."""
        digest = hashlib.sha256()
        for chunk in self.chunks:
            digest.update(chunk)
        return digest.hexdigest()
