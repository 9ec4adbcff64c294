"""People with what holds for each: grouped by reason for a reader, one by one for a program."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mkwmail.dutch.names import Name, sort_key
from mkwmail.report.terminal import Style, Terminal
from mkwmail.report.words import some


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody, and why they are in the list that this stands in."""

    member: str
    address: str
    reason: str

    @property
    def shown(self) -> str:
        """The name and the address, as far as there is either."""
        return f"{self.member} <{self.address}>" if self.member and self.address else self.member or self.address


def entry_values(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """The entries of a JSON document."""
    return [{"member": one.member, "address": one.address, "reason": one.reason} for one in entries]


def by_reason(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Each reason, in the order in which they come, with whom it holds for, by the main word of their names."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.reason, []).append(entry)
    return {
        reason: sorted(people, key=lambda entry: sort_key(Name(written=entry.member)))
        for reason, people in groups.items()
    }


def show_by_reason(
    terminal: Terminal, heading: str, entries: Sequence[Entry], *, everybody: bool = False, style: Style = ""
) -> None:
    """Print a heading with the count, then who it holds for by reason: all of them, or the first few."""
    if not entries:
        return
    terminal.gap()
    terminal.say(f"{heading}: {len(entries)}", style)
    for reason, people in by_reason(entries).items():
        if len(people) == 1:
            terminal.say(f"  {people[0].shown}: {reason}")
        elif everybody:
            terminal.say(f"  {reason}")
            for entry in people:
                terminal.say(f"    {entry.shown}")
        else:
            terminal.say(f"  {reason}: {some([entry.shown for entry in people])}")
