"""The command line: light help, plain faults, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from mkwmail import __version__
from tests.workplace import ROOT, a_place

COMMANDS = ("init", "check", "preview", "proof", "send", "status", "resolve", "schema")

LOADED = """
import sys
sys.argv = ["mkwmail", *{words!r}]
from mkwmail.__main__ import main
try:
    main()
except SystemExit:
    pass
ours = {{name.partition(".")[0] for name in sys.modules if not name.startswith("__")}}
print(*sorted(ours - set(sys.stdlib_module_names)), file=sys.stderr)
print(*sorted(name for name in sys.modules if name.startswith("mkwmail.")), file=sys.stderr)
"""


def loaded(*words: str) -> tuple[str, str]:
    """The outside packages and the own modules that a call of the program imports."""
    script = LOADED.format(words=list(words))
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    outside, own = done.stderr.splitlines()[-2:]
    return outside, own


@pytest.mark.parametrize("words", [("--help",), ("send", "--help"), ("--version",)])
def test_help_imports_typer_and_little_else(words: tuple[str, ...]) -> None:
    outside, own = loaded(*words)
    # Packages that typer itself needs (pydantic only for a command's own parameters), and what an editable installation
    # puts there.
    allowed = {"typer", "annotated_doc", "shellingham", "mkwmail", "_distutils_hack", "colorama"}
    if words[0].startswith("--"):
        assert set(outside.split()) <= allowed
    assert not {"rich", "jinja2", "yaml", "icalendar", "sqlite3"} & set(outside.split())
    # The settings are looked at for their language alone, without a YAML parser.
    spoken = {"config", "config.folder", "files"}
    mine = {"__main__", "cli", "errors", "i18n", "cli_help", *spoken}
    assert set(own.split()) <= {f"mkwmail.{name}" for name in mine}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example(tmp_path: Path, command: str) -> None:
    ran = a_place(tmp_path).run(command, "--help")
    assert ran.code == 0
    assert f"  mkwmail {command}" in ran.out


def test_version(tmp_path: Path) -> None:
    assert a_place(tmp_path).run("--version").out == f"mkwmail {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("unknown",),
        ("purge",),
        ("proof", "directeurendag-2020", "invitation"),
        ("send", "directeurendag-2020", "--limit", "0"),
        ("send", "directeurendag-2020", "invitation", "--dry-run", "--rehearse"),
        ("check", "no-such-event"),
        ("send", "directeurendag-2020", "no-such-mailing", "--yes"),
        ("preview", "directeurendag-2020", "invitation", "--member", "nobody"),
    ],
)
def test_wrong_usage_exits_2_and_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = a_place(tmp_path).run(*words)
    assert ran.code == 2
    assert ran.err.strip()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sned",), 'there is no command "sned"\n    → did you mean send?'),
        (("answers", "x"), 'there is no command "x"\n    → see: mkwmail answers --help'),
        (("send", "--yess"), "there is no option --yess\n    → did you mean --yes?"),
        (("purge",), "EVENT is missing\n    → see: mkwmail purge --help"),
        (("new", "Najaarsdag"), "--date is missing\n    → see: mkwmail new --help"),
        (("send", "x", "y", "[b]z"), "too many words: [b]z\n    → see: mkwmail send --help"),
        (("send", "x", "--limit", "y"), "--limit needs a whole number, 1 or more\n    → see: mkwmail send --help"),
        (("send", "x", "--limit"), "--limit needs a value behind it\n    → see: mkwmail send --help"),
        (("send", "x", "--json=3"), "--json takes no value\n    → see: mkwmail send --help"),
        (("schema", "x"), "event|settings cannot have this value\n    → choose from: event, settings"),
    ],
)
def test_wrong_usage_is_explained_in_our_own_words(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    ran = a_place(tmp_path).run(*words)
    assert (ran.code, ran.err) == (2, f"{said}\n")


def test_a_misspelt_event_is_answered_with_the_nearest(tmp_path: Path) -> None:
    ran = a_place(tmp_path).run("check", "directeurendag-2021")
    assert 'did you mean "directeurendag-2020"?' in ran.err


def test_all_faults_of_all_files_are_printed_with_place_and_remedy(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write("events/x.yaml", "id: x\ntitle: X\nstarts: 2020-02-31 13:00\nends: 2020-04-16 18:00\ntitel: Y\n")
    place.members("Kim;;Verbeek;kim@@example.org;Woonstede;")
    ran = place.run("send", "x", "invitation", "--yes")
    assert ran.code == 65
    assert "events/x.yaml:3" in ran.err
    assert "events/x.yaml:5" in ran.err
    assert "leden.csv:2" in ran.err
    assert "    →" in ran.err
    assert not ran.out


@pytest.mark.parametrize(
    "moment", ["tomorrow", "0001-01-01T00:00", "1969-12-31T23:59", "3000-01-01", "9999-12-31T23:59"]
)
def test_a_moment_that_is_none_or_out_of_range_is_named(tmp_path: Path, moment: str) -> None:
    ran = a_place(tmp_path).run("send", "directeurendag-2020", "invitation", "--dry-run", now=moment)
    assert ran.code == 2
    assert "MKWMAIL_NOW" in ran.err


@pytest.mark.parametrize("encoding", ["cp850", "latin-1", "ascii"])
@pytest.mark.parametrize(
    "words", [("status",), ("status", "directeurendag-2020"), ("check", "directeurendag-2020"), ()]
)
def test_characters_that_the_terminal_lacks_are_replaced(tmp_path: Path, encoding: str, words: tuple[str, ...]) -> None:
    place = a_place(tmp_path)
    ran = subprocess.run(
        place.command(*words),
        env=place.environment(PYTHONIOENCODING=encoding, MKWMAIL_LANG="nl"),
        capture_output=True,
        check=False,
    )
    assert ran.returncode in (0, 65), ran.stderr
    assert b"Traceback" not in ran.stderr
    assert ran.stdout


def test_outside_a_working_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkwmail"]
    environment = a_place(tmp_path / "there").environment()
    desk = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert desk.returncode == 0
    assert "mkwmail init" in desk.stdout
    check = subprocess.run(
        [*command, "check", "x"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert check.returncode == 78
    assert "mkwmail init" in check.stderr


def test_a_broken_pipe_is_no_traceback(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    with subprocess.Popen(
        place.command("preview", "directeurendag-2020", "invitation"),
        env=place.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mkwmail check dir", "directeurendag-2020"),
        ("mkwmail send directeurendag-2020 inv", "invitation"),
        ("mkwmail change directeurendag-2020 dead", "deadline"),
        ("mkwmail change directeurendag-2020 rem", "reminder"),
        ("mkwmail answers set directeurendag-2020 kim@", "kim@woonstede.example.org"),
        ("mkwmail answers set directeurendag-2020 kim@woonstede.example.org mis", "misschien"),
        ("mkwmail preview directeurendag-2020 invitation --member kim@", "kim@woonstede.example.org"),
        ("mkwmail skip kim@", "kim@woonstede.example.org"),
        ("mkwmail guide led", "ledenlijst"),
    ],
)
def test_the_shell_completes_what_the_folder_has(tmp_path: Path, words: str, expected: str) -> None:
    place = a_place(tmp_path)
    ran = place.run(
        _MKWMAIL_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
        MKWMAIL_FOLDER=str(tmp_path),
    )
    assert ran.out.splitlines() == [expected]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("preview", "directeurendag-2020", "--sent"), "--sent: use it with MAILING and --member"),
        (("send", "directeurendag-2020", "invitation", "--limit", "veel"), "--limit needs a whole number, 1 or more"),
        (("send", "directeurendag-2020", "invitation", "--limit", "0"), "--limit needs a whole number, 1 or more"),
        (("schema", "evenement"), "choose from: event, settings"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    ran = a_place(tmp_path).run(*words)
    assert ran.code == 2
    assert said in ran.err
