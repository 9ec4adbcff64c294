"""Whose turn it is: everybody once, in their order, whoever is given back in between."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from mkwmail.sending.turns import Turns


@dataclass(frozen=True, slots=True)
class Member:
    person: str


def members(count: int) -> list[Member]:
    return [Member(f"{number:03}") for number in range(count)]


@given(st.integers(0, 8), st.lists(st.sampled_from(["take", "back", "last", "done"]), max_size=60))
def test_everybody_waits_or_is_taken_or_is_done(count: int, steps: list[str]) -> None:
    everybody = members(count)
    turns = Turns(everybody)
    taken: list[Member] = []
    done: list[Member] = []
    for step in steps:
        if step == "take" and len(turns):
            first = next(iter(turns))
            taken.append(turns.take())
            assert taken[-1] == first
        elif step == "back" and taken:
            turns.put_back(taken.pop())
        elif step == "last" and taken:
            turns.put_last(taken.pop())
        elif step == "done" and taken:
            turns.done(taken[-1])
            done.append(taken.pop())
        assert len(turns) == len(list(turns))
        assert sorted([*turns, *taken, *done], key=lambda member: member.person) == everybody


def test_who_is_put_back_goes_before_those_behind_and_who_is_put_last_after_all() -> None:
    a, b, c, d = everybody = members(4)
    turns = Turns(everybody)
    assert [turns.take(), turns.take()] == [a, b]
    turns.put_last(a)
    turns.put_back(b)
    assert [turns.take() for _each in range(4)] == [b, c, d, a]
