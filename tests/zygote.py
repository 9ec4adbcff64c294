"""Many runs of the program in little time: each in a process of its own, forked from one that has its libraries.

A run then costs only what it does, without the imports and without compiling the program's own templates. The
command line itself, whose words depend on the language, is imported again by each run.
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from jinja2 import Environment

ROOT = Path(__file__).parent.parent
_PATIENCE = 120.0

_idle: list["Zygote"] = []


@contextmanager
def a_zygote() -> Iterator["Zygote | Fresh"]:
    """One that nobody else uses now; it stays for the next."""
    if sys.platform == "win32":
        yield Fresh()
        return
    zygote = _idle.pop() if _idle else Zygote()
    yield zygote
    # Not after a failure: the run may still be going on in it.
    _idle.append(zygote)


class Zygote:
    """The process that has imported the program's libraries; it ends with the one that started it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="zygote-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Unbuffered: a line that a buffer had taken already is one that select never tells of.
            bufsize=0,
        )

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], started: Callable[[int], object] = int
    ) -> tuple[int, str, str]:
        """Run the program to its end with nobody at the keyboard: exit code, standard output and error.

        ``started`` is told the run's process id as it begins; a run that a signal ends has its number, negative.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        files = [str(Path(self._folder.name, name)) for name in ("out", "err")]
        asked = json.dumps({"words": list(words), "environment": dict(environment), "files": files})
        self._process.stdin.write(f"{asked}\n".encode())
        started(int(self._process.stdout.readline()))
        ready, _writable, _errors = select.select([self._process.stdout], [], [], _PATIENCE)
        assert ready, f"not done in {_PATIENCE} seconds: {words}"
        code = int(self._process.stdout.readline())
        out, err = (Path(name).read_text(encoding="utf-8") for name in files)
        return code, out, err


class Fresh:
    """Replaces the zygote on Windows, which cannot fork: each run imports everything."""

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], started: Callable[[int], object] = int
    ) -> tuple[int, str, str]:
        """Run the program as :meth:`Zygote.run` does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "mkwmail", *words],
            env={**os.environ, **environment, "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        started(process.pid)
        out, err = process.communicate(timeout=_PATIENCE)
        return process.returncode, out, err


def _serve() -> None:
    import mkwmail

    for module in pkgutil.walk_packages(mkwmail.__path__, "mkwmail."):
        if module.name not in ("mkwmail.__main__", "mkwmail.cli"):
            importlib.import_module(module.name)
    _compile_templates()
    # Collected objects are not touched again, so that forks share them.
    gc.disable()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        if sys.platform == "win32":
            raise SystemExit("Windows cannot fork")
        child = os.fork()
        if child == 0:
            _become(asked["words"], asked["environment"], asked["files"])
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _compile_templates() -> None:
    """Compile the program's own templates once; a run that finds the same text takes what is made."""
    from mkwmail.mail.sandbox import TemplateEnvironment
    from mkwmail.mail.templates import Templates

    # Without its first argument, the environment: all that the program makes compile alike.
    _keep(TemplateEnvironment, "compile")
    _keep(TemplateEnvironment, "_parse")
    templates = Templates((ROOT / "templates",))
    for path in (ROOT / "templates").iterdir():
        templates.text.get_template(path.name)
        templates.parsed(path.name)
        if path.read_text(encoding="utf-8").startswith("---"):
            templates.mail(path.stem)
            templates.mail_trees(path.stem)
        else:
            templates.part(path.name)


def _keep(kind: type[Environment], name: str) -> None:
    make, made = getattr(kind, name), dict[tuple[object, ...], object]()

    def kept(environment: Environment, *given: object, **named: object) -> object:
        key = (*given, *named.items())
        if key not in made:
            made[key] = make(environment, *given, **named)
        return made[key]

    setattr(kind, name, kept)


def _become(words: list[str], environment: dict[str, str], files: list[str]) -> None:
    code = 70
    try:
        for number, name in zip((1, 2), files, strict=True):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(environment)
        gc.enable()
        code = _run(words)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(words: list[str]) -> int:
    from mkwmail.__main__ import main

    sys.argv = ["mkwmail", *words]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


if __name__ == "__main__":
    _serve()
