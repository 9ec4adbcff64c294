"""README says what the program knows, and nothing that it does not."""

import re
from pathlib import Path

import typer.main

from mkwmail.cli import app
from mkwmail.errors import ExitCode

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> dict[str, set[str]]:
    """Every command with its long options."""
    group = typer.main.get_command(app)
    commands = getattr(group, "commands")  # noqa: B009 -- typer's own click has no types
    return {
        name: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        for name, command in commands.items()
    }


def test_every_command_and_option_is_in_the_table() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `mkwmail (\w+)([^`|]*)` \|", README, re.MULTILINE)}
    commands = _commands()
    assert set(rows) == set(commands)
    for name, options in commands.items():
        assert set(re.findall(r"--[a-z-]+", rows[name])) == options - {"--help"}, name


def test_every_command_line_in_the_text_is_one_that_the_program_knows() -> None:
    commands = _commands()
    lines = re.findall(r"^mkwmail ([a-z]\w*)(.*)$", README, re.MULTILINE)
    lines += re.findall(r"`mkwmail (\w+)([^`]*)`", README)
    assert lines
    for name, rest in lines:
        if name == "COMMAND":
            continue
        assert name in commands
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest.split("#")[0])) <= commands[name] | {"--help"}


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert explained == {int(code) for code in ExitCode}


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake (demo|test|lint|lock|\w+ing)\b", README)) - {"nothing"} <= targets
