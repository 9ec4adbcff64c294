"""Any bytes for everything that is read: taken or refused with a word, never a traceback, a hang or all memory."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.torture.inputs import KINDS, accepts, kept, most_memory

_LONGEST = 5.0  # seconds for one input


@pytest.mark.parametrize("kind", KINDS)
def test_good_examples_and_all_findings(kind: str, tmp_path: Path) -> None:
    read = KINDS[kind].reader(tmp_path)
    seeds = KINDS[kind].seeds()
    assert any(accepts(read, seed) for seed in seeds)
    for data in kept(kind):
        began = time.monotonic()
        accepts(read, data)
        assert time.monotonic() - began < _LONGEST


@st.composite
def spoiled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A good example with some pieces cut out, doubled or overwritten."""
    data = draw(st.sampled_from(seeds))
    for _each in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        new = draw(st.one_of(st.binary(max_size=8), st.just(data[start:end] * 2), st.sampled_from(_AWKWARD)))
        data = data[:start] + new + data[end:]
    return data


_AWKWARD = (
    *(b"\0", b"\xff\xfe", b"\x1b[2J", b"\r", b"\n\n", b"\t", b'"', b"'", b"=1+1", b"@", b"&a *a", b"!!python/x y"),
    *(b"{{", b"}}", b"{%", b"%}", b"{% include 'x' %}", b"{{ x.__class__ }}", b"{{ 9**9**9 }}", b"[" * 60, b": " * 9),
    *(b"9" * 400, b"\xe2\x80\xae", b"<script>", b"END:VEVENT", b"--", b"Content-Type: multipart/mixed\n", b"---"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_spoiled_examples(kind: str, tmp_path: Path) -> None:
    read = KINDS[kind].reader(tmp_path)
    seeds = KINDS[kind].seeds()

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=spoiled(seeds))
    def spoil(data: bytes) -> None:
        began = time.monotonic()
        accepts(read, data)
        assert time.monotonic() - began < _LONGEST

    spoil()
    assert most_memory() < 500
