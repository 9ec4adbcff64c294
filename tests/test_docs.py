"""README and the English pages say what the program knows, and nothing that it does not."""

import re
from pathlib import Path
from typing import Any

import jinja2.filters
import pytest
import typer.main

from mkwmail.cli import app
from mkwmail.config.folder import EXAMPLE_MEMBERS, WorkingFolder
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode
from mkwmail.files import shipped
from mkwmail.mail.compose import template_names
from mkwmail.mail.context import MEMBER_FIELDS
from mkwmail.mail.templates import Templates
from tests.mail.workshop import an_occasion

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("usage", "commands", "templates", "mail-server", "files")
DOCS = "\n".join((README, *((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in PAGES)))
MOST_LINES_OF_README = 150  # more is a page of its own


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES_OF_README


def _commands() -> dict[str, set[str]]:
    """Every command with its long options; a command of a group as ``answers list``."""
    found = {}
    for name, command in _of_group(typer.main.get_command(app)).items():
        for full, each in (
            {f"{name} {part}": each for part, each in _of_group(command).items()} or {name: command}
        ).items():
            found[full] = {option for parameter in each.params for option in parameter.opts if option[:2] == "--"}
    return found


def _of_group(group: Any) -> dict[str, Any]:
    # typer's own click has no types.
    return dict(getattr(group, "commands", {}))


def _named(line: str) -> tuple[str, str]:
    """The command that a line begins with, and the rest of it."""
    words = line.split(" ", 2)
    pair = " ".join(words[:2])
    name = pair if pair in _commands() else words[0]
    return name, line.removeprefix(name)


def test_every_command_and_option_is_in_the_table() -> None:
    rows = dict(_named(row) for row in re.findall(r"^\| `mkwmail (\w[^`|]*)` \|", DOCS, re.MULTILINE))
    commands = _commands()
    assert set(rows) == set(commands)
    for name, options in commands.items():
        assert set(re.findall(r"--[a-z-]+", rows[name])) == options - {"--help"}, name


def test_every_command_line_in_the_text_is_one_that_the_program_knows() -> None:
    commands = _commands()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL))
    lines = re.findall(r"^mkwmail ([a-z]\w*.*)$", blocks, re.MULTILINE)
    lines += re.findall(r"`mkwmail (\w[^`]*)`", DOCS)
    assert lines
    for name, rest in map(_named, lines):
        if name == "COMMAND":
            continue
        assert name in commands
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest.split("#")[0])) <= commands[name] | {"--help"}


def test_the_people_of_the_examples_are_in_the_list_that_init_writes() -> None:
    people = (shipped("events") / EXAMPLE_MEMBERS).read_text(encoding="cp1252").replace(";", " ").replace("  ", " ")
    named = re.findall(r'^mkwmail [^\n]*"([A-Z][^"]* [A-Z][^"]*)"', DOCS, re.MULTILINE)
    assert len(named) > 2
    assert [name for name in named if name not in people] == []


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCS, re.MULTILINE)}
    assert explained == {int(code) for code in ExitCode}


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake (demo|test|lint|lock|\w+ing)\b", DOCS)) - {"nothing"} <= targets


def _table(heading: str) -> dict[str, str]:
    """A table of the pages by its first heading: first column's words in code, and the whole row."""
    _before, table = DOCS.split(f"\n| {heading} |", 1)
    rows = table.split("\n\n", 1)[0].splitlines()[2:]
    return {name: row for row in rows for name in re.findall(r"`(\w+)[^`]*`", row.split("|")[1])}


def _macros(file: str) -> set[str]:
    source = (ROOT / "templates" / file).read_text(encoding="utf-8")
    return {name for name in re.findall(r"{%-? macro (\w+)\(", source) if not name.startswith("_")}


def test_every_name_macro_and_filter_of_templates_is_listed() -> None:
    templates = Templates((ROOT / "templates",))
    occasion = an_occasion(template="invitation")
    names = set(template_names(occasion))
    assert set(_table("name")) == names
    assert set(_table("block (on a line of its own)")) == _macros("blocks.html") == _macros("blocks.txt")
    assert set(_table("phrase")) == _macros("phrases.md")
    listed = _table("name")
    assert set(re.findall(r"member\.(\w+)", listed["member"])) == {*MEMBER_FIELDS, "regio"}
    own = set(templates.text.filters) - set(jinja2.filters.FILTERS)
    assert set(_table("filter")) == own
    missing = set(jinja2.filters.FILTERS) - set(templates.text.filters)
    sentence = DOCS.split("Of Jinja's own filters all are there but", 1)[1].split(".", 1)[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == missing


@pytest.mark.parametrize("settings", re.findall(r"```yaml\n(sender:.*?)```", DOCS, re.DOTALL))
def test_the_settings_shown_are_read_without_a_fault(settings: str, tmp_path: Path) -> None:
    (tmp_path / "mkwmail.yaml").write_text(settings, encoding="utf-8")
    read = read_settings(WorkingFolder(tmp_path))
    assert read.smtp is not None and read.smtp.username
    assert read.pace.per_minute or read.pace.per_hour or read.pace.per_day
