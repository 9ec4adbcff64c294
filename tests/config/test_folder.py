"""The working folder: found by walking up, events by any of their names, and what copies it behind our back."""

from pathlib import Path

import pytest

from mkwmail.config.folder import WorkingFolder, find_folder, id_in, is_synchronised, network_type
from mkwmail.errors import ExitCode, UserError


@pytest.fixture
def folder(tmp_path: Path) -> WorkingFolder:
    (tmp_path / "mkwmail.yaml").write_text("sender:\n")
    events = tmp_path / "events"
    events.mkdir()
    (events / "2020-04-16-directeurendag.yaml").write_text("# Een dag\nid: directeurendag-2020  # vast\n")
    (events / "ledendag.yml").write_text("title: fout: fout\nid: 'leden-2021'\n", encoding="utf-16")
    (events / "programma.pdf").write_text("id: pdf\n")
    return WorkingFolder(tmp_path)


def test_it_is_found_by_walking_up(folder: WorkingFolder) -> None:
    assert find_folder(folder.path) == folder
    assert find_folder(folder.events_dir) == folder
    assert find_folder(Path("/"), explicit=folder.path) == folder


def test_there_is_none(tmp_path: Path, folder: WorkingFolder) -> None:
    with pytest.raises(UserError) as raised:
        find_folder(Path("/"))
    assert raised.value.code is ExitCode.SETTINGS
    assert raised.value.faults[0].remedy == "make one here: mkwmail init"
    # One that is named is not looked for elsewhere.
    with pytest.raises(UserError) as raised:
        find_folder(folder.path, explicit=folder.events_dir)
    assert raised.value.faults[0].remedy == f"make one there: mkwmail init {folder.events_dir}"


def test_its_files(folder: WorkingFolder) -> None:
    names = [folder.ledger_path(), folder.ledger_path(test=True), folder.id_path(), folder.id_path(test=True)]
    assert [path.name for path in names] == ["mkwmail.db", "mkwmail-test.db", "mkwmail.id", "mkwmail-test.id"]
    assert [path.name for path in folder.event_paths()] == ["2020-04-16-directeurendag.yaml", "ledendag.yml"]


@pytest.mark.parametrize(
    "word",
    [
        "2020-04-16-directeurendag",
        "2020-04-16-directeurendag.yaml",
        "directeurendag-2020",
        "dir",
        "2020-04",
        "events/2020-04-16-directeurendag.yaml",
    ],
)
def test_an_event_has_several_names(folder: WorkingFolder, word: str) -> None:
    path = folder.event_path(word)
    assert folder.shown(path) == "events/2020-04-16-directeurendag.yaml"


def test_an_event_is_found_by_its_path_from_here(folder: WorkingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.events_dir)
    assert folder.event_path("ledendag.yml").samefile(folder.events_dir / "ledendag.yml")
    assert folder.event_path("./ledendag.yml").samefile(folder.events_dir / "ledendag.yml")
    assert folder.event_path("leden-2021").name == "ledendag.yml"


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("directeurendag-2021", 'did you mean "directeurendag-2020"?'),
        ("events/ledendagen.yaml", 'did you mean "ledendag"?'),
        ("kerst", "choose from: 2020-04-16-directeurendag, ledendag, directeurendag-2020, leden-2021"),
        ("\0/x", None),
        ("", None),
    ],
)
def test_an_unknown_event(folder: WorkingFolder, word: str, remedy: str | None) -> None:
    with pytest.raises(UserError) as raised:
        folder.event_path(word)
    assert raised.value.code is ExitCode.USAGE
    assert remedy is None or raised.value.faults[0].remedy == remedy


def test_the_beginning_of_several_events_names_none(folder: WorkingFolder) -> None:
    (folder.events_dir / "najaar.yaml").write_text("title: Najaar\nid: leden-2022\n", encoding="utf-8")
    with pytest.raises(UserError) as raised:
        folder.event_path("leden-")
    assert raised.value.code is ExitCode.USAGE
    assert raised.value.faults[0].remedy == "choose from: leden-2021, leden-2022"
    assert folder.event_path("leden-2022").name == "najaar.yaml", "a whole name goes before a beginning"
    with pytest.raises(UserError, match="there is no event"):
        folder.event_path("direct", whole=True)


def test_an_event_elsewhere_or_doubled_is_refused(
    folder: WorkingFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.yaml"
    elsewhere.write_text("id: x\n")
    with pytest.raises(UserError) as raised:
        folder.event_path(str(elsewhere))
    assert raised.value.code is ExitCode.USAGE
    (folder.events_dir / "dubbel.yaml").write_text("id: leden-2021\n")
    with pytest.raises(UserError) as raised:
        folder.event_path("leden-2021")
    assert [fault.place for fault in raised.value.faults] == ["events/dubbel.yaml", "events/ledendag.yml"]


def test_the_id_of_a_file_is_read_even_if_the_rest_is_faulty(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    for text, event_id in (
        ('"id" : "a-b" # c', "a-b"),
        ("id: a-b\t", "a-b"),
        ("mailings:\n  id: x\n", None),
        ("id:\n", None),
    ):
        path.write_text(text)
        assert id_in(path) == event_id
    assert id_in(tmp_path / "absent.yaml") is None


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("OneDrive - Vereniging", "OneDrive"),
        ("Dropbox (Kim)", "Dropbox"),
        ("iCloudDrive", "iCloud"),
        ("Google Drive", "Google Drive"),
        ("Nextcloud", "Nextcloud"),
    ],
)
def test_a_synchronised_folder_is_recognised(tmp_path: Path, part: str, name: str) -> None:
    (tmp_path / part / "mail").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / part)
    assert is_synchronised(tmp_path / part / "mail") == name
    assert is_synchronised(tmp_path / "link" / "mail") == name


def test_an_ordinary_folder_is_not_synchronised(tmp_path: Path) -> None:
    assert is_synchronised(tmp_path) is None


def test_a_network_share_is_recognised_by_the_innermost_mount() -> None:
    mounts = [("/", "ext4"), ("/mnt/kantoor", "cifs"), ("/mnt/kantoor/schijf", "ext4")]
    assert network_type(Path("/mnt/kantoor/mail"), mounts) == "cifs"
    assert network_type(Path("/mnt/kantoor/schijf/mail"), mounts) is None
    assert network_type(Path("/mnt/kantoor2"), mounts) is None
