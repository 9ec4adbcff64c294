"""What reading a file gives: the value, and what is odd about it without stopping anyone."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from mkwmail.errors import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A value read from a file. ``warnings`` are odd, but nothing is refused for them."""

    value: T
    warnings: tuple[Fault, ...] = ()
