"""Refusals in a row: held back until it is clear whether they concern the members or the run."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mkwmail.sending.reply import Reply, same_refusal

ENOUGH = 3

T = TypeVar("T")


@dataclass
class Refusals(Generic[T]):
    """Refusals with one code, no acceptance between them.

    Three of them are the run's fault: a server that answers "relay access denied" to everyone means none of
    them. Until then it is open, and the ledger has them as still under way, the wire journal as planned: after
    a crash they are tried again, which is safe, for a refused message has reached nobody.
    """

    held: list[tuple[T, Reply]] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        """Whether it is the run's fault."""
        return len(self.held) >= ENOUGH

    def refused(self, item: T, reply: Reply) -> list[tuple[T, Reply]]:
        """One more. Returns those that are now certain to concern their members: the code is another."""
        certain = self.accepted() if self.held and not same_refusal(self.held[-1][1], reply) else []
        self.held.append((item, reply))
        return certain

    def accepted(self) -> list[tuple[T, Reply]]:
        """A message was taken: those held so far concern their members, unless they were enough already."""
        return [] if self.enough else self.rest()

    def rest(self) -> list[tuple[T, Reply]]:
        """Nothing more comes: all that are held still."""
        held, self.held = self.held, []
        return held
