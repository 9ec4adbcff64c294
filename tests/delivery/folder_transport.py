"""A second transport: every message becomes a file in a folder, and a script says what goes wrong."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path

from mkwmail.delivery.transport import Phase, Reply
from mkwmail.mail.letter import Message

TAKEN = Reply(250, "2.0.0 kept", Phase.DOT)


class Trouble(Enum):
    """A fault at a message; a Reply in its place is the other side's answer."""

    END = "the session ends before it"
    BREAK = "an exception within its body"
    SILENCE = "no answer to its body, until the connection is cut"


class FolderTransport:
    """Keeps messages as ``NUMBER-ADDRESS.eml``."""

    most: int | None = None

    def __init__(self, folder: Path, script: Mapping[str, Trouble | Reply] | None = None) -> None:
        self._folder = folder
        self._script = script or {}
        self._cut = threading.Event()
        self.silent = threading.Event()

    def submit(self, messages: Iterable[Message], begin: Callable[[Message], bool]) -> Iterator[tuple[Message, Reply]]:
        for message in messages:
            trouble = self._script.get(message.recipient, TAKEN)
            if self._cut.is_set() or trouble is Trouble.END or not begin(message):
                return
            if isinstance(trouble, Reply) and trouble.code != 250:
                yield message, trouble
                continue
            name = f"{len(list(self._folder.iterdir())):03}-{message.recipient}.eml"
            (self._folder / name).write_bytes(message.data)
            if trouble is Trouble.BREAK:
                raise RuntimeError("the other side broke")
            if trouble is Trouble.SILENCE:
                self.silent.set()
                self._cut.wait()
                yield message, Reply(0, "cut", Phase.DOT)
                return
            yield message, TAKEN

    def cut(self) -> None:
        self._cut.set()

    def close(self) -> None:
        self._cut.set()
