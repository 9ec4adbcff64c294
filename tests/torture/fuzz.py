"""Inputs by the hundred thousand, for one kind: led by coverage if atheris is installed, else by hypothesis.

    python -m tests.torture.fuzz KIND COUNT

What it finds is kept in tests/corpus/KIND, where ``make test`` reads it again.
"""

import hashlib
import importlib.util
import sys
import tempfile
from pathlib import Path

_LONGEST = 5  # seconds for one input
_MOST_MEMORY = 500  # megabytes


def main(kind: str, count: int) -> None:
    """Read so many inputs, and stop at the first that ends in anything but a reading or a refusal."""
    if importlib.util.find_spec("atheris"):
        _led_by_coverage(kind, count)
    else:
        _by_dice(kind, count)


def _led_by_coverage(kind: str, count: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["mkwmail"]):
        from tests.torture.inputs import CORPUS, KINDS, accepts, kept
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    seeds = folder / "seeds"
    seeds.mkdir()
    for data in (*KINDS[kind].seeds(), *kept(kind)):
        (seeds / hashlib.sha1(data).hexdigest()).write_bytes(data)
    (CORPUS / kind).mkdir(parents=True, exist_ok=True)
    read = KINDS[kind].reader(folder / "work")
    limits = (f"-runs={count}", f"-timeout={_LONGEST}", f"-rss_limit_mb={_MOST_MEMORY}", "-max_len=100000")
    kept_in = f"-artifact_prefix={CORPUS / kind}/"
    atheris.Setup([sys.argv[0], *limits, kept_in, "-print_final_stats=1", str(seeds)], lambda data: accepts(read, data))
    atheris.Fuzz()


def _by_dice(kind: str, count: int) -> None:
    from hypothesis import HealthCheck, given, settings

    from tests.test_corpus import spoiled
    from tests.torture.inputs import CORPUS, KINDS, accepts, most_memory

    read = KINDS[kind].reader(Path(tempfile.mkdtemp(prefix="fuzz-")))
    done = 0

    @settings(max_examples=count, deadline=_LONGEST * 1000, database=None, suppress_health_check=list(HealthCheck))
    @given(data=spoiled(KINDS[kind].seeds()))
    def one(data: bytes) -> None:
        nonlocal done
        done += 1
        try:
            accepts(read, data)
        except Exception:
            (CORPUS / kind).mkdir(parents=True, exist_ok=True)
            (CORPUS / kind / hashlib.sha1(data).hexdigest()).write_bytes(data)
            raise

    one()
    assert most_memory() < _MOST_MEMORY
    print(f"stat::number_of_executed_units: {done}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
