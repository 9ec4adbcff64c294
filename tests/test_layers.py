"""The shape of the program: imports run downwards only, each outside package has one home, and nothing is too large."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mkwmail
from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, a_place

PACKAGE = Path(mkwmail.__file__).parent

# From the ground up: a part may import itself and any layer below; parts on one line know nothing of each other.
LAYERS = (
    (
        *("addresses", "archive", "clock", "errors", "files", "i18n"),
        "dutch",
    ),
    ("members",),
    ("config", "ledger"),
    ("mail", "auth"),
    ("planning",),
    ("delivery", "papers", "responses"),
    ("report",),
    ("commands",),
    ("cli_help",),
    ("cli",),
    ("__main__",),
)

# The ground is one layer whose parts may use each other: dutch speaks through i18n.
GROUND = LAYERS[0]

# The home of each outside package: a module, or a folder with all its modules.
HOMES = {
    "typer": ("cli", "cli_help"),
    "rich": ("report",),
    "yaml": ("config.yaml_document",),
    "jinja2": ("mail",),
    "markupsafe": ("mail",),
    "icalendar": ("mail.icalendar",),
    "dateutil": ("dutch.dates",),
    "sqlite3": ("ledger",),
    "pydantic": ("config",),
    "pydantic_core": ("config",),
    "email_validator": ("addresses",),
    "markdown_it": ("mail",),
    "css_inline": ("mail",),
    "python_calamine": ("members.table",),
    "aiosmtpd": ("delivery.rehearsal",),
    "filelock": ("ledger", "auth.store"),
    "platformdirs": ("files",),
    "oauthlib": ("auth.oauth_protocol",),
    "keyring": ("auth.store",),
    "dns": ("delivery.dns_check",),
    "olefile": ("responses.saved_mail",),
    "imapclient": ("responses.mailbox",),
    "typst": ("papers.typesetting",),
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module by its name within the package, parsed."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"mkwmail.{name}:{node.lineno} imports relatively: write the whole name"
            source = node.module or ""
            # `from mkwmail import errors` names a module; elsewhere the part behind `import` is a name in it.
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def layer_of(part: str) -> int:
    """Return the height of a part, from 0; a new part must be given its place in LAYERS."""
    for height, parts in enumerate(LAYERS):
        if part in parts:
            return height
    raise AssertionError(f"mkwmail.{part} has no place among the layers")


def upward(name: str, target: str) -> bool:
    """Return whether a module of the package may not import another."""
    part, other = name.split(".")[0], target.split(".")[1]
    if not part or other == "__version__" or part == other:
        return False
    own, its = layer_of(part), layer_of(other)
    return its > own or (its == own and part not in GROUND)


def at_home(name: str, package: str) -> bool:
    """Return whether a module may import an outside package."""
    return any(name == home or name.startswith(f"{home}.") for home in HOMES[package])


def test_imports_run_downwards_only() -> None:
    wrong = [
        f"mkwmail.{name}:{line} imports {target}"
        for name, tree in modules()
        for line, target in imported(name, tree)
        if target.startswith("mkwmail.") and upward(name, target)
    ]
    assert not wrong, "against the layers (errors … < members < config, ledger < …):\n" + "\n".join(wrong)


def test_each_outside_package_has_one_home() -> None:
    wrong = [
        f"mkwmail.{name}:{line} imports {package}, whose home is mkwmail.{' and mkwmail.'.join(HOMES[package])}"
        for name, tree in modules()
        for line, target in imported(name, tree)
        if (package := target.split(".")[0]) in HOMES and not at_home(name, package)
    ]
    assert not wrong, "outside their home:\n" + "\n".join(wrong)


def test_every_outside_package_is_one_that_is_known() -> None:
    known = {*sys.stdlib_module_names, *HOMES, "mkwmail"}
    wrong = [
        f"mkwmail.{name}:{line} imports {target}"
        for name, tree in modules()
        for line, target in imported(name, tree)
        if target.split(".")[0] not in known
    ]
    assert not wrong, "packages without a home in HOMES:\n" + "\n".join(wrong)


def test_the_rules_themselves_tell_right_from_wrong() -> None:
    assert upward("members.table", "mkwmail.mail.letter.Message")
    assert upward("config.event_file", "mkwmail.ledger.Ledger")
    assert not upward("mail.letter", "mkwmail.config.event.Event")
    assert not upward("dutch.names", "mkwmail.i18n._")
    assert not upward("cli", "mkwmail.__version__")
    assert at_home("ledger.people", "sqlite3")
    assert not at_home("config.folder", "yaml")


LONGEST_MODULE = 600
LONGEST_FUNCTION = 60
# The command line is one list of commands and their options.
LONG = ("cli.py",)


def too_long(name: str, text: str) -> Iterator[str]:
    """Yield the parts of a module that are too long: all of it, or a function."""
    lines = len(text.splitlines())
    if lines > LONGEST_MODULE:
        yield f"{name} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{name}:{node.lineno} {node.name} has {length} lines"


def test_no_module_and_no_function_is_too_long() -> None:
    files = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    wrong = [fault for name, text in sorted(files.items()) if name not in LONG for fault in too_long(name, text)]
    assert not wrong, "too long:\n" + "\n".join(wrong)
    assert list(too_long("x.py", "def f():\n" + "    pass\n" * LONGEST_FUNCTION)) == ["x.py:1 f has 61 lines"]
    assert list(too_long("x.py", "pass\n" * (LONGEST_MODULE + 1))) == ["x.py has 601 lines"]


MOST_FILES_OF_A_SEND = 80
NAME, PASSWORD = "secretaris@example.org", "geheim-1"

# The program as `python -m mkwmail` runs it; at its end it writes the modules of mkwmail that were imported.
COUNTED = """
import atexit, runpy, sys
names = lambda: [name for name in sys.modules if name.partition(".")[0] == "mkwmail"]
atexit.register(lambda: open({file!r}, "w").write("\\n".join(names())))
runpy.run_module("mkwmail", run_name="__main__", alter_sys=True)
"""


def test_a_send_to_five_members_needs_few_of_our_files(tmp_path: Path) -> None:
    """A reader who follows one mailing from its files to the server reads no more than these files.

    Counted are the files of mkwmail of which code runs in a real ``send``: each module in ``sys.modules`` at its end,
    the ``__init__.py`` of each folder too, and ``__main__.py``. The server asks for a password, as nearly all do.
    """
    with ScriptedServer(users={NAME: PASSWORD}) as server:
        place = a_place(tmp_path / "work", server.port)
        settings = place.folder / "mkwmail.yaml"
        settings.write_text(settings.read_text().replace("security: none", f"security: none, username: {NAME}"))
        script = COUNTED.format(file=str(tmp_path / "modules"))
        words = ("--folder", str(place.folder), "send", "directeurendag-2020", "invitation", "--yes")
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            env=place.environment(MKWMAIL_SMTP_PASSWORD=PASSWORD),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert len(server.taken) == len(PEOPLE) and server.said("AUTH")
    files = ["mkwmail.__main__", *(tmp_path / "modules").read_text(encoding="utf-8").split()]
    assert {"mkwmail.cli", "mkwmail.delivery.delivery", "mkwmail.mail.letter"} <= set(files)
    # Modules that an ordinary mailing does not need.
    assert not [each for each in files if ".papers" in each or each.endswith("personal_files")]
    assert len(files) <= MOST_FILES_OF_A_SEND, f"{len(files)} files:\n" + "\n".join(sorted(files))
