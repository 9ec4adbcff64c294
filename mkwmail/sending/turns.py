"""Whose turn it is: everybody in their order, and again those who were given back."""

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar


class Somebody(Protocol):
    """Who has a turn; ``person`` is the key."""

    @property
    def person(self) -> str: ...


T = TypeVar("T", bound=Somebody)


class Turns(Generic[T]):
    """Those who wait. Of them only those who were taken or given back are held."""

    def __init__(self, everybody: Sequence[T]) -> None:
        self._everybody = everybody
        self._next = 0
        self._back: list[int] = []  # a heap of those before it that wait again
        self._last: deque[int] = deque()
        self._taken: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._everybody) - self._next + len(self._back) + len(self._last)

    def __iter__(self) -> Iterator[T]:
        numbers = (*sorted(self._back), *range(self._next, len(self._everybody)), *self._last)
        return (self._everybody[number] for number in numbers)

    def take(self) -> T:
        """Whose turn it is. There must be somebody."""
        if self._back:
            number = heapq.heappop(self._back)
        elif self._next < len(self._everybody):
            number, self._next = self._next, self._next + 1
        else:
            number = self._last.popleft()
        taken = self._everybody[number]
        self._taken[taken.person] = number
        return taken

    def put_back(self, taken: T) -> None:
        """To its place again."""
        heapq.heappush(self._back, self._taken.pop(taken.person))

    def put_last(self, taken: T) -> None:
        """Behind everybody."""
        self._last.append(self._taken.pop(taken.person))

    def done(self, taken: T) -> None:
        """It does not come back."""
        del self._taken[taken.person]
