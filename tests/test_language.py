"""The program in two languages: its catalogue, which of them is spoken, and every command on a narrow terminal."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from mkwmail.i18n import wanted
from tests.keyboard import typed
from tests.test_docs import _commands
from tests.test_layers import modules
from tests.workplace import EVENT, ROOT, Place, a_place
from tools import messages

LANGUAGES = ("en", "nl")
_PLACE = re.compile(r"%\(\w+\)[#0\- +]?[\d.]*[a-z]|%%")


# --- The catalogue


def _texts(string: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (string or "",) if isinstance(string, str | None) else tuple(string)


def test_every_message_is_translated_and_no_other_is_kept() -> None:
    said = {message.id for message in messages.messages() if message.id}
    kept = {message.id: message for message in messages.catalogue("nl") if message.id}
    assert sorted(map(str, said - kept.keys())) == [], "missing: make messages"
    assert sorted(map(str, kept.keys() - said)) == [], "no longer said: make messages"
    assert [message.id for message in kept.values() if not all(_texts(message.string)) or message.fuzzy] == []


def test_every_message_is_where_the_catalogue_finds_it() -> None:
    """Whole, as a constant, and in no f-string, where it would be passed over."""
    found = {text for message in messages.messages() for text in _texts(message.id)}
    lost = []
    for name, tree in modules():
        for call in ast.walk(tree) if name != "i18n" else ():
            if isinstance(call, ast.Call) and (called := _called(call)) in ("_", "ngettext"):
                given = [getattr(each, "value", None) for each in call.args[: 2 if called == "ngettext" else 1]]
                lost += [f"{name}:{call.lineno}" for text in given if text not in found]
    assert lost == []


def test_the_places_in_a_sentence_are_the_same_in_both_languages() -> None:
    for message in messages.catalogue("nl"):
        if not message.id:
            continue
        english = {place for text in _texts(message.id) for place in _PLACE.findall(text) if place != "%%"}
        for text in _texts(message.string):
            found = {place for place in _PLACE.findall(text) if place != "%%"}
            missing = {_name(place) for place in english} ^ {_name(place) for place in found}
            # "een" may stand for the number one, and the clock's zero before the hour is English.
            assert missing <= {"n"}, f"{message.id!r}: {text!r}"


def _name(place: str) -> str:
    return place[2 : place.index(")")]


def test_the_words_of_the_design_have_one_translation_each() -> None:
    """A Dutch sentence never has an English word of the program if there is a Dutch one."""
    english = re.compile(r"\b(?:ledger|event|member|members|skipped|deferred|refused|approved|sign-up|settings|the)\b")
    strange = [
        (message.id, text)
        for message in messages.catalogue("nl")
        if message.id
        for text in _texts(message.string)
        if english.search(_without_code(text))
    ]
    assert strange == []


# How members are addressed is theirs to choose (`form`). The program itself says je; the files that it writes, neither.
_FORMAL = re.compile(r"\b(?:u|uw|uzelf|jullie)\b(?!\+)", re.IGNORECASE)
_ADDRESSES = re.compile(r"\b(?:je|jij|jou|jouw|jezelf|jullie|u|uw|uzelf)\b(?!\+)", re.IGNORECASE)
_OF_THE_QUESTION = (
    "7. Are members addressed with je or u? [u]",
    "7. Type je or u:",
    "how the mails address people: je or u",
)


def test_the_program_never_says_u() -> None:
    said = [
        text
        for message in messages.catalogue("nl")
        if message.id and message.id not in _OF_THE_QUESTION
        for text in _texts(message.string)
        if _FORMAL.search(text)
    ]
    assert said == []


@pytest.mark.parametrize("form", ["je", "u"])
def test_the_files_of_a_working_folder_say_neither_except_the_form_itself(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "werk"
    place = Place(folder)
    asked = (*((f"{number}.", "") for number in range(1, 7)), ("7.", form), ("8.", ""))
    command = [sys.executable, "-m", "mkwmail", "init", str(folder)]
    assert typed(command, place.environment(), tmp_path, asked)[0] == 0
    assert place.run("new", "Najaarsdag", "--date", "2020-10-08").code == 0
    written = [
        line.split("#", 1)[1]
        for path in (folder / "mkwmail.yaml", *(folder / "events").glob("*.yaml"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "#" in line and "je of u" not in line
    ]
    assert len(written) > 30
    assert [line for line in written if _ADDRESSES.search(line)] == []


def _without_code(text: str) -> str:
    """Without what is typed or names a place: commands, file names, keys, options."""
    return re.sub(r"`[^`]*`|mkwmail [a-z][^\n→]*|\w+\.(?:yaml|md|db|csv)|\w+:|--[\w-]+|%\(\w+\)s", "", text)


# --- No message outside the catalogue

# Modules whose sentences are not read in another language, or are Dutch by nature.
OTHER_WORDS = {
    "ledger.schema": "tables",
    "mail.pages": "the policy of a page, the headings of the Dutch guide",
    "mail.context": "the mails that buttons open",
    "responses.mailbox": "what servers say, recognised",
    "responses.incoming": "patterns of what people and mail programs write",
    "report.incoming": "the mail about a run, in Dutch",
    "mail.templates": "what the library says, recognised",
    "members.same_name": "titles and prefixes in names",
    "responses.answers": "patterns of what people write",
    "delivery.smtp_replies": "patterns of what servers say",
    "planning.schedule": "names of terms in the ledger",
    "cli_help": "what the library says, recognised",
    "responses.form_columns": "patterns of headings",
    "config.yaml_document": "what the library says, recognised",
    "config.event": "examples",
    "config.kinds": "the JSON Schema's words for editors",
    "config.json_schema": "how dates are written",
    "config.settings": "examples",
    "report.notices": "the mail to the secretary is Dutch",
    "commands.notify": "the mail to the secretary is Dutch",
    "commands.due": "the mail to the secretary is Dutch",
    "commands.setup": "the files of a Dutch working folder",
    "planning.facts": "mails are Dutch",
    "mail.compose": "mails are Dutch",
    "papers.certificates": "papers are Dutch",
    "papers.sheets": "papers are Dutch",
}
_SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]{2,} [a-z]{2,}")
_SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|PRAGMA|ALTER) ")
# People read the whole text that these are given: even a single word must be translated.
SHOWN = {
    "Fault": (1, 2),
    "fault_at": (1, 2),
    "user_error": (1, 2),
    "say": (0,),
    "note": (0,),
    "ask": (0,),
    "add_column": (0,),
}
# A line of a file to write, or a command to type, is the same in every language.
_TO_COPY = re.compile(r"\s*(?:mkwmail [a-z]|\w+: |sep=)")


def _plain(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Sentences in a module that are no documentation, no message, no query and no fault of the programmer's."""
    passed: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                passed.add(id(statement.value))
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
            passed.update(map(id, ast.walk(node)))  # words of the record and of JSON
        ours = isinstance(node, ast.Call) and _called(node) in ("_", "ngettext", "compile")
        if ours or (isinstance(node, ast.Assert | ast.Raise) and not _is_user_error(node)):
            passed.update(map(id, ast.walk(node)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.lineno, node.value


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _is_user_error(node: ast.Raise | ast.Assert) -> bool:
    return (
        isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and _called(node.exc) in ("UserError", "user_error")
    )


def test_no_sentence_is_in_the_code_outside_the_catalogue() -> None:
    found = [
        f"{name}:{line}: {text!r}"
        for name, tree in modules()
        if name not in OTHER_WORDS and not name.startswith("dutch")
        for line, text in _plain(tree)
        if _SENTENCE.search(text) and not _SQL.match(text) and not _TO_COPY.match(text)
    ]
    assert found == []


def test_nothing_is_shown_that_did_not_go_through_the_catalogue() -> None:
    found = []
    for name, tree in modules():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            for number in SHOWN.get(_called(call), ()):
                given = call.args[number] if number < len(call.args) else None
                text = str(given.value) if isinstance(given, ast.Constant) else ""
                if re.search(r"[a-z]{3,}", text) and not _TO_COPY.match(text):
                    found.append(f"{name}:{call.lineno}: {text!r}")
    assert found == []


# --- Which language


@pytest.mark.parametrize(
    ("setting", "environment", "languages"),
    [
        ("nl", {"MKWMAIL_LANG": "en", "LC_ALL": "en_GB.UTF-8"}, ["nl"]),
        (None, {"MKWMAIL_LANG": "nl", "LC_ALL": "en_GB.UTF-8"}, ["nl"]),
        ("fr", {"LC_ALL": "nl_NL.UTF-8"}, ["nl_NL.UTF-8"]),
        ("", {"MKWMAIL_LANG": "dutch", "LANG": "nl_NL.UTF-8"}, ["nl_NL.UTF-8"]),
        (None, {"LANGUAGE": "nl:en", "LC_ALL": "en_GB.UTF-8"}, ["nl", "en"]),
        (None, {"LC_ALL": "nl_NL.UTF-8", "LANG": "en_GB.UTF-8"}, ["nl_NL.UTF-8"]),
        (None, {"LC_MESSAGES": "nl_NL", "LANG": "en_GB.UTF-8"}, ["nl_NL"]),
        (None, {"LANG": "nl_NL.UTF-8"}, ["nl_NL.UTF-8"]),
        (None, {}, []),
    ],
)
def test_which_language_is_asked_for(setting: str | None, environment: dict[str, str], languages: list[str]) -> None:
    assert wanted(setting, environment) == languages


DUTCH, ENGLISH = "Opties", "Options"


@pytest.mark.parametrize(
    ("setting", "environment", "heading"),
    [
        ("", {"LC_ALL": "C.UTF-8"}, ENGLISH),
        ("", {"LC_ALL": "nl_NL.UTF-8"}, DUTCH),
        ("", {"LANGUAGE": "en:nl", "LC_ALL": "nl_NL.UTF-8"}, ENGLISH),
        ("", {"LC_ALL": "fr_FR.UTF-8"}, ENGLISH),
        ("", {"MKWMAIL_LANG": "nl", "LC_ALL": "C.UTF-8"}, DUTCH),
        ("language: nl\n", {"MKWMAIL_LANG": "en", "LC_ALL": "C"}, DUTCH),
        ("language: en\n", {"MKWMAIL_LANG": "nl"}, ENGLISH),
    ],
)
def test_the_settings_go_before_the_variable_and_that_before_the_locale(
    tmp_path: Path, setting: str, environment: dict[str, str], heading: str
) -> None:
    place = a_place(tmp_path)
    place.settings(9, setting)
    assert heading in place.run("status", "--help", **environment).out


def test_dutch_without_any_environment_as_cron_gives_it(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.settings(9, "language: nl\n")
    place.write("leden.csv", "naam;e-mail;organisatie\nZoë Ruiter;zoë van tien;Tien\n")
    done = subprocess.run(
        place.command("check", "directeurendag-2020"),
        cwd="/",
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 65
    assert "leden.csv:2 e-mail: “zoë van tien” heeft geen @" in done.stdout.decode("utf-8")


# --- Every command, both languages, eighty columns

SCENES = (
    (),
    ("--help",),
    *((command, "--help") for command in ("init", "new", "check", "preview", "proof", "send", "schedule", "due")),
    *(
        (command, "--help")
        for command in (
            "skip",
            "status",
            "resolve",
            "forget",
            "about",
            "restore",
            "handover",
            "purge",
            "schema",
            "calendar",
        )
    ),
    ("takeover", "--help"),
    *((command, "--help") for command in ("login", "logout", "template", "papers", "inbox", "open", "guide", "change")),
    ("change", "directeurendag-2020", "er-niet", "x"),
    ("open", "er-niet"),
    ("guide", "er-niet"),
    ("template",),
    *(("answers", word, "--help") for word in ("import", "set", "list", "undo")),
    *(("bounces", word, "--help") for word in ("import", "set")),
    ("check", "directeurendag-2020"),
    ("send", "directeurendag-2020", "invitation", "--dry-run"),
    ("preview", "directeurendag-2020", "invitation", "--member", "kim@woonstede.example.org"),
    ("schedule", "directeurendag-2020"),
    ("due", "--dry-run"),
    ("skip", "jan@dehaven.example.org", "--reason", "wil niet"),
    ("answers", "set", "directeurendag-2020", "kim@woonstede.example.org", "ja"),
    ("answers", "list", "directeurendag-2020"),
    ("status", "directeurendag-2020"),
    ("status", "directeurendag-2020", "--skipped"),
    ("status",),
    ("resolve", "directeurendag-2020"),
    ("send", "directeurendag-2020", "invitation"),
    ("send", "directeurendag-2020", "invitation", "--yes"),
    ("bounces", "set", "directeurendag-2020", "jan@dehaven.example.org"),
    ("preview", "directeurendag-2020", "feest"),
    ("new", "Najaarsdag", "--date", "2020-10-08"),
    ("calendar", "directeurendag-2020", "dag.ics"),
    ("proof", "directeurendag-2020", "invitation", "secretaris@example.org", "--yes"),
    ("answers", "import", "directeurendag-2020", "er-niet.csv"),
    ("answers", "undo", "directeurendag-2020"),
    ("papers", "directeurendag-2020", "certificates"),
    ("bounces", "import", "directeurendag-2020", "er-niet.eml"),
    ("about", "zoe@tien.example.org"),
    ("restore", "--yes"),
    ("handover", "--undo"),
    ("takeover", "er-niet.mkwmail", "--yes"),
    ("forget", "zoe@tien.example.org", "--yes"),
    ("purge", "directeurendag-2020"),
    ("due",),
    ("inbox",),
    ("login",),
    ("logout",),
    ("sned",),
)


def test_the_scenes_are_of_every_command() -> None:
    shown = {" ".join(words) for words in SCENES}
    for name in _commands():
        assert f"{name} --help" in shown
        assert (
            name in ("init", "schema")
            or any(each.startswith(f"{name} ") and "--help" not in each for each in shown)
            or name in shown
        )


# English words that a Dutch sentence of the program has no use for.
_ENGLISH = re.compile(
    r"(?<![\w-])(?:the|and|with|which|were|this|that|from|every|nothing|usage|options|note|directory)(?![\w-])"
    r"|^Answers:",
    re.IGNORECASE,
)


# Questions, and the words typed.
TYPED: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {
    (): ((" q ", "q"),),
    ("preview", "directeurendag-2020", "invitation", "--member", "kim@woonstede.example.org"): (("Mail 1 ", "q"),),
    ("schedule", "directeurendag-2020"): (("5 mailings", "5"),),
    ("send", "directeurendag-2020", "invitation"): (("4 mails", "nee"),),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A command's screen on a terminal of eighty columns, and its exit code."""

    code: int
    lines: tuple[str, ...]


def _season(place: Place, language: str) -> dict[tuple[str, ...], Shown]:
    found = {}
    for words in SCENES:
        environment = place.environment(MKWMAIL_LANG=language)
        code, screen = typed(place.command(*words), environment, place.folder, TYPED.get(words, ()))
        # The paths of a working folder are not the program's words.
        found[words] = Shown(code, tuple(screen.replace(str(place.folder), "/werk").splitlines()))
    return found


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[str, ...], Shown]]:
    """Every scene in each language."""
    places = [a_place(tmp_path_factory.mktemp(language)) for language in LANGUAGES]
    with ThreadPoolExecutor() as pool:
        return dict(zip(LANGUAGES, pool.map(_season, places, LANGUAGES), strict=True))


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_fits_in_eighty_columns(season: dict[str, dict[tuple[str, ...], Shown]], language: str) -> None:
    # A command to copy and an address on the web stay in one piece.
    assert [
        (words, line)
        for words, shown in season[language].items()
        for line in shown.lines
        if len(line) > 80 and not re.search(r"mkwmail [a-z]|https?:|\* \* ", line)
    ] == []


def test_no_english_is_left_in_the_dutch_season(season: dict[str, dict[tuple[str, ...], Shown]]) -> None:
    left = {
        language: [
            (words, line)
            for words, shown in scenes.items()
            for line in shown.lines
            if _ENGLISH.search(_without_code(line))
        ]
        for language, scenes in season.items()
    }
    assert left["nl"] == []
    assert len(left["en"]) > 100


def test_exit_codes_are_the_same_in_both_languages(season: dict[str, dict[tuple[str, ...], Shown]]) -> None:
    english, dutch = ({words: shown.code for words, shown in season[each].items()} for each in LANGUAGES)
    assert english == dutch
    assert len(set(english.values())) > 3


# Other programs and libraries report faults in English: one fault of each that a secretary can meet.
FAULTY = (
    ("leden.csv", "naam;e-mail;organisatie\nKim;kim@@x.nl;A\n;a@b.nl;c\nA B;i@xn--.nl;d\nC D;k@-x.nl;e\n", 65),
    ("leden.csv", "naam;telefoon\n", 65),
    ("leden.csv", 'naam;e-mail;organisatie\n"Kim;kim@example.org;A\n', 65),
    (f"events/{EVENT.name}", "id: x\n\ttitle: [a\nstarts: 31-4-2020\n", 65),
    (f"events/{EVENT.name}", "id: X X\ntitle: &a b\nstarts: morgen\nends: !!int 3\nhosts: Kim\nextra: 1\n", 65),
    ("mkwmail.yaml", "sender: Kim\nlanguage: nl\nsmtp: {port: x, security: geen}\nkeep: lang\npace: 3\n", 78),
    ("templates/invitation.md", "---\nsubject: a\npreheader: b\n---\n{{ 'a' + 1 }}\n", 65),
    ("templates/invitation.md", "---\nsubject: a\npreheader: b\n---\n{{ 1 / 0 }} {{ x.__class__ }}\n", 65),
    ("templates/invitation.md", "---\nsubject: a\npreheader: b\n---\n{{ member first }} {% fi %}\n", 65),
    ("templates/invitation.md", "geen kop\n", 65),
    ("mkwmail-test.db", "geen logboek " * 500, 74),
)


@pytest.mark.parametrize(("name", "text", "code"), FAULTY)
def test_a_fault_is_shown_in_dutch_whichever_part_found_it(tmp_path: Path, name: str, text: str, code: int) -> None:
    place = a_place(tmp_path)
    place.write(name, text)
    ran = place.run("check", EVENT.stem, MKWMAIL_LANG="nl", COLUMNS="80")
    assert ran.code == code
    said = [line for line in (ran.out + ran.err).splitlines() if line]
    assert len(said) > 1
    assert [line for line in said if _ENGLISH.search(_without_code(line)) or _LIBRARY.search(line)] == []


# Words of Python's, pydantic's, YAML's, Jinja's and SQLite's own sentences.
_LIBRARY = re.compile(
    r"\b(?:input|should|valid|expected|got|found|unable|must|cannot|undefined|object|type|error|file is|mapping"
    r"|token|concatenate|division|database|malformed|character)\b"
)


JSON_SCENES = (
    ("check", "directeurendag-2020", "--json"),
    ("send", "directeurendag-2020", "invitation", "--dry-run", "--json"),
    ("preview", "directeurendag-2020", "invitation", "--json"),
    ("status", "directeurendag-2020", "--json"),
    ("answers", "list", "directeurendag-2020", "--json"),
    ("due", "--dry-run", "--json"),
)


def test_json_is_the_same_in_both_languages(tmp_path: Path) -> None:
    """Its keys, numbers and machine words; a reason is a sentence for people."""
    place = a_place(tmp_path)
    for words in JSON_SCENES:
        first, second = (place.run(*words, MKWMAIL_LANG=language) for language in LANGUAGES)
        assert first.code == second.code
        assert _shape(first.json) == _shape(second.json), words


SENTENCES = ("reason", "fault", "remedy", "faults", "notes", "findings", "odd")


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: None if key in SENTENCES else _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return value


def test_what_init_writes_speaks_dutch(tmp_path: Path) -> None:
    folder = tmp_path / "werk"
    command = [sys.executable, "-m", "mkwmail", "init", str(folder)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert "\nlanguage: nl" in (folder / "mkwmail.yaml").read_text(encoding="utf-8")
