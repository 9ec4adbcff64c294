"""The shape of the program: imports run downwards only, and each outside package has its one home."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import mkwmail

PACKAGE = Path(mkwmail.__file__).parent

# From the ground up: a part may import itself and any layer below; parts on one line know nothing of each other.
LAYERS = (
    (
        *("addresses", "clock", "errors", "files", "hmac_keys", "i18n", "lazy_sequence", "text", "user_folders"),
        "dutch",
    ),
    ("members",),
    ("config", "ledger"),
    ("mail", "auth"),
    ("planning",),
    ("delivery", "responses"),
    ("report",),
    ("commands",),
    ("cli_help",),
    ("cli",),
    ("__main__",),
)

# The ground is one layer whose parts may use each other: dutch speaks through i18n.
GROUND = LAYERS[0]

# Where each outside package may be imported: a module, or a folder with all its modules.
HOMES = {
    "typer": ("cli", "cli_help"),
    "rich": ("report",),
    "yaml": ("config.yaml_document",),
    "jinja2": ("mail",),
    "markupsafe": ("mail",),
    "icalendar": ("mail.icalendar",),
    "sqlite3": ("ledger",),
    "pydantic": ("config",),
    "pydantic_core": ("config",),
    "email_validator": ("addresses",),
    "markdown_it": ("mail",),
    "css_inline": ("mail",),
    "python_calamine": ("members.table",),
    "aiosmtpd": ("delivery.rehearsal",),
    "filelock": ("ledger", "auth.store"),
    "platformdirs": ("user_folders",),
    "oauthlib": ("auth.oauth_protocol",),
    "keyring": ("auth.store",),
    "holidays": ("planning",),
    "dns": ("delivery.dns_check",),
    "olefile": ("responses.outlook",),
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
    """How high a part stands, from 0; a new part must be given its place in LAYERS."""
    for height, parts in enumerate(LAYERS):
        if part in parts:
            return height
    raise AssertionError(f"mkwmail.{part} has no place among the layers")


def upward(name: str, target: str) -> bool:
    """Whether a module of the package may not import another."""
    part, other = name.split(".")[0], target.split(".")[1]
    if not part or other == "__version__" or part == other:
        return False
    own, its = layer_of(part), layer_of(other)
    return its > own or (its == own and part not in GROUND)


def at_home(name: str, package: str) -> bool:
    """Whether a module may import an outside package."""
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
    assert not at_home("config.file_text", "yaml")
