"""A name server on loopback that knows some TXT and MX records."""

import contextlib
import socket
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """Answers over UDP. ``records``: name → its texts; a name that is not there does not exist. ``exchanges``: domain →
    the servers that receive its mail."""

    def __init__(
        self, records: Mapping[str, Sequence[str]], exchanges: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._exchanges = {dns.name.from_text(name): servers for name, servers in (exchanges or {}).items()}
        self._records = {dns.name.from_text(name): texts for name, texts in records.items()}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An empty question ends the thread: closing alone does not wake it.
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            question = dns.message.from_wire(data)
            name = question.question[0].name
            self.asked.append(name.to_text(omit_final_dot=True))
            answer = dns.message.make_response(question)
            answer.flags |= dns.flags.RA
            texts = self._records.get(name)
            if question.question[0].rdtype == dns.rdatatype.MX and name in self._exchanges:
                servers = [f"10 {server}." for server in self._exchanges[name]]
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", *servers))
            elif texts:
                # In pieces of 255 octets, as a record holds them.
                quoted = [" ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255)) for text in texts]
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *quoted))
            elif texts is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self._socket.sendto(answer.to_wire(), client)
