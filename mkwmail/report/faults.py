"""Faults as lines for people and as values for programs."""

from collections.abc import Iterable, Iterator

from mkwmail.errors import Fault


def fault_lines(faults: Iterable[Fault]) -> Iterator[str]:
    """Each fault as its place and sentence, and below it the remedy."""
    for fault in faults:
        yield f"{fault.place}: {fault.fault}" if fault.place else fault.fault
        for index, line in enumerate(fault.remedy.splitlines()):
            yield f"    {'→' if index == 0 else ' '} {line}"


def fault_values(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """The faults of a JSON document."""
    return [{"place": fault.place, "fault": fault.fault, "remedy": fault.remedy} for fault in faults]
