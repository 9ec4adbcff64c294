"""Many runs of the program in little time: each in a process of its own, forked from one that has imported it.

What a run costs is then what it does, and no longer the import of its libraries. The language is chosen once, so these
runs speak English.
"""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.workplace import ROOT, Ran


class Zygote:
    """The process that has imported the program. One run at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def warm(self, *words: str, environment: Mapping[str, str]) -> None:
        """Run it once in the process that is forked later: what a library makes at its first use is there then."""
        self._ask(words, environment, here=True)

    def run(self, *words: str, environment: Mapping[str, str]) -> Ran:
        """Run the program to its end, as ``Place.run`` does."""
        return self._ask(words, environment, here=False)

    def _ask(self, words: tuple[str, ...], environment: Mapping[str, str], here: bool) -> Ran:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        names = [str(self._folder / name) for name in ("zygote-out", "zygote-err")]
        asked = {"words": words, "environment": dict(environment), "files": names, "here": here}
        json.dump(asked, self._process.stdin)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        out, err = (Path(name).read_text(encoding="utf-8") for name in names)
        assert "Traceback" not in err, err
        return Ran(code, out, err)


def _serve() -> None:
    # Everything that a run may need, once.

    gc.disable()
    for line in sys.stdin:
        asked = json.loads(line)
        for name in asked["files"]:
            Path(name).write_bytes(b"")
        if asked["here"]:
            code = _run(asked["words"], asked["environment"])
        else:
            gc.freeze()
            child = os.fork()
            if child == 0:
                _become(asked["words"], asked["environment"], asked["files"])
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)


def _run(words: list[str], environment: dict[str, str]) -> int:
    from mkwmail.cli import main

    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["mkwmail", *words]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 70


def _become(words: list[str], environment: dict[str, str], files: list[str]) -> None:
    code = 70
    try:
        for number, name in zip((1, 2), files, strict=True):
            os.dup2(os.open(name, os.O_WRONLY), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = _run(words, environment)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
