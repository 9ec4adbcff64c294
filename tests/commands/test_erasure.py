"""After ``forget`` nothing of a person is in any file of the folder or its backups, however it is written there.

Every file is searched as it is, and taken apart: tables of SQLite, compressed values, PDFs, mails and archives, in all
encodings that occur.
"""

import email
import email.policy
import html
import io
import json
import re
import shutil
import sqlite3
import subprocess
import unicodedata
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from email.header import Header
from pathlib import Path
from quopri import encodestring
from urllib.parse import quote

import pytest

from tests.papers.reading import CERTIFICATE, EVENT, text_of
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, a_place

NAME, ADDRESS, NUMBER = "Ömer Yıldız-Çelik", "omer.celik@woonrijk.example.org", "L-4711"
WORDS = (
    NAME,
    "Ömer",
    "Çelik",
    ADDRESS,
    "omer.celik",
    NUMBER,
    "coeliakie",
    "geen pinda’s",
    "halal-én-zout",
    "ketelhuis",
)
HEADINGS = "naam;e-mail;organisatie;lidnummer"
OTHERS = ("Kim Verbeek;kim@woonstede.example.org;Woonstede;L-1", "Jan de Vries;jan@dehaven.example.org;De Haven;L-2")


def forms_of(word: str) -> set[bytes]:
    """The ways in which a word may be written."""
    texts = {word, word.casefold(), word.upper(), unicodedata.normalize("NFD", word), html.escape(word)}
    texts |= {quote(word), quote(word, safe=""), json.dumps(word)[1:-1], word.replace(" ", "_"), word.replace(" ", "-")}
    texts |= {word.encode("ascii", "xmlcharrefreplace").decode(), word.replace("’", "'")}
    forms = set()
    for text in texts:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "utf-7"):
            with suppress(UnicodeEncodeError):
                forms.add(text.encode(encoding))
        data = text.encode()
        forms |= {encodestring(data).rstrip(b"=\n"), encodestring(data, header=True).rstrip(b"=\n")}
        forms.add(Header(text, "utf-8").encode().encode())
        if len(data) > 9:
            # As base64 has it, at each of the three places where it can begin.
            forms |= {b64encode(b"x" * lead + data)[4 if lead else 0 : -4] for lead in range(3)}
        forms |= {data.hex().encode(), text.encode("utf-16-be").hex().upper().encode()}
    return forms


def parts_of(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes themselves, and everything that is packed in them."""
    yield data
    # Long lines are folded in mails, calendars and base64.
    yield re.sub(rb"=?\r?\n[ \t]?", b"", data)
    if depth > 4:
        return
    inner: list[bytes] = []
    if data.startswith(b"SQLite format 3"):
        inner += _values_in(data)
    elif data.startswith(b"%PDF"):
        inner += [_unpacked(data), text_of(data).encode(), text_of(data, "-raw").encode()]
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            inner += [opened.read(name) for name in opened.namelist()]
    elif b"MIME-Version:" in data[:5000]:
        for part in email.message_from_bytes(data, policy=email.policy.default).walk():
            content = part.get_payload(decode=True)
            inner += [str(part.items()).encode(), *([content] if isinstance(content, bytes) else [])]
    else:
        with suppress(zlib.error):
            inner.append(zlib.decompress(data))
        with suppress(ValueError):
            inner.append(json.dumps(json.loads(data), ensure_ascii=False).encode())
        for packed in re.findall(rb"[A-Za-z0-9+/]{80,}={0,2}", data):
            with suppress(ValueError):
                inner.append(b64decode(packed + b"=" * (-len(packed) % 4)))
    for each in inner:
        yield from parts_of(each, depth + 1)


def _values_in(data: bytes) -> Iterator[bytes]:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(data)
    # The file says that it has a write-ahead log, which memory has not.
    for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        for row in connection.execute(f'SELECT * FROM "{table}"'):
            for value in row:
                if isinstance(value, bytes):
                    yield value
                elif isinstance(value, str) and len(value) > 1:
                    yield value.encode()
    connection.close()


def _unpacked(pdf: bytes) -> bytes:
    done = subprocess.run(
        ["qpdf", "--qdf", "--stream-data=uncompress", "-", "-"], input=pdf, capture_output=True, check=False
    )
    return done.stdout


def found_in(folder: Path, words: tuple[str, ...] = WORDS) -> set[tuple[str, str]]:
    """The file and the word, of each that is found anywhere; the member list and the user's own files apart."""
    wanted = {word: forms_of(word) for word in words}
    found = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name == "leden.csv" or "events" in path.parts:
            continue
        data = path.read_bytes()
        if data.startswith(b"SQLite format 3"):
            data = data[:18] + b"\x01\x01" + data[20:]
        for part in parts_of(data):
            found |= {
                (path.relative_to(folder).as_posix(), word)
                for word, forms in wanted.items()
                if any(form in part for form in forms)
            }
    return found


@pytest.fixture
def place(tmp_path: Path, server: ScriptedServer) -> Place:
    """A folder with everything that is ever kept of a person: mails, files of his own, a certificate, wishes, calls."""
    if not shutil.which("qpdf") or not shutil.which("pdftotext"):
        pytest.skip("qpdf and pdftotext are needed (qpdf, poppler-utils)")
    place = a_place(tmp_path / "map", server.port)
    place.members(f"{NAME};{ADDRESS};Woonrijk;{NUMBER}", *OTHERS, headings=HEADINGS)
    event = next((place.folder / "events").glob("*.yaml"))
    text = event.read_text().replace("pe_points: true", f"pe_points: 4\n{CERTIFICATE}")
    rule = 'send: 2020-02-17 09.00\n    attachments: ["brieven/{lidnummer}.txt"]'
    assert "send: 2020-02-17 09.00" in text
    event.write_text(text.replace("send: 2020-02-17 09.00", rule))
    for number in (NUMBER, "L-1", "L-2"):
        place.write(f"events/brieven/{number}.txt", f"Brief aan {NAME if number == NUMBER else number}\n" * 30)
    assert place.send("--limit", "1").code == 75
    server.on("DOT", f"554 5.7.1 message for <{ADDRESS}> rejected by ketelhuis", recipient=ADDRESS, times=1)
    assert place.send().code in (0, 80)
    rows = [f"{NAME};{ADDRESS};Woonrijk;ja", "Kim Verbeek;kim@woonstede.example.org;Woonstede;ja"]
    place.write("p.csv", "\n".join(["naam;e-mail;organisatie;ingecheckt", *rows]) + "\n")
    ran = place.run("answers", "import", EVENT, str(place.folder / "p.csv"), "--yes", now="2020-04-17T09:00")
    assert ran.code in (0, 75), ran.err
    (place.folder / "p.csv").unlink()
    place.write(
        "a.csv",
        f"Naam;E-mailadres;Komt u?;Dieetwensen\n{NAME};{ADDRESS};ja;coeliakie, geen pinda’s\n"
        f"O. Celik;o.anders@example.net;ja;halal-én-zout\n",
    )
    assert place.run("answers", "import", EVENT, str(place.folder / "a.csv"), "--yes", now="2020-04-17T10:00").code in (
        0,
        75,
    )
    (place.folder / "a.csv").unlink()
    assert place.run("papers", EVENT, "certificates", now="2020-04-18T09:00").code == 0
    assert place.run("papers", EVENT, now="2020-04-15T09:00").code in (0, 2)
    ran = place.run("send", EVENT, "thanks", "--yes", "--json", now="2020-04-20T09:00")
    assert ran.code in (0, 79, 80), ran.err
    assert place.run("send", EVENT, "save-the-date", "--rehearse", "--yes").code in (0, 75, 80)
    shown = place.run("preview", EVENT, "save-the-date", "--browser", DISPLAY=":0", BROWSER="true %s")
    assert shown.code == 0, shown.err
    assert (
        place.run(
            "skip", NAME, "--event", EVENT, "--reason", f"{NAME} is ziek, zegt het ketelhuis", now="2020-04-20T10:00"
        ).code
        == 0
    )
    # A ledger that was damaged, and one of before a new version.
    for suffix in (".damaged", ".before-12"):
        shutil.copy(place.folder / "mkwmail-test.db", place.folder / f"mkwmail-test.db{suffix}")
    return place


def test_the_search_finds_everything_before(place: Place) -> None:
    found = found_in(place.folder)
    assert {word for _file, word in found} >= {NAME, ADDRESS, NUMBER, "coeliakie", "geen pinda’s"}
    tops = {file.split("/")[0] for file, _word in found}
    assert tops >= {"backups", "papers", "preview", "rehearsal", "mkwmail-test.db", "mkwmail-test.db.damaged"}, tops
    # In the letters, the certificate and his own attachment, which are packed in the ledger.
    with sqlite3.connect(place.folder / "mkwmail-test.db") as ledger:
        for table in ("files", "certificates"):
            assert ledger.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_nothing_is_left_after_forget_in_any_file_or_encoding(place: Place) -> None:
    ran = place.run("forget", ADDRESS, "--yes", now="2020-05-20T09:00")
    assert ran.code == 0, ran.err
    assert found_in(place.folder, tuple(word for word in WORDS if word != "halal-én-zout")) == set()
    # Of others everything is still there.
    assert any(word == "Verbeek" for _file, word in found_in(place.folder, ("Verbeek",)))


def test_nothing_is_left_after_forget_in_the_folder_and_the_file_of_a_handover(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "overdracht.mkwmail"
    state = {"MKWMAIL_STATE": str(place.folder / ".home" / ".local" / "state" / "mkwmail")}
    assert place.run("handover", str(file), "--yes", now="2020-05-20T09:00").code == 0
    other = Place(tmp_path / "elders")
    assert other.run("takeover", str(file), "--yes", now="2020-05-20T10:00", **state).code == 0
    ran = other.run("forget", ADDRESS, "--yes", now="2020-05-20T11:00")
    assert ran.code == 0, ran.err
    assert not file.exists()
    assert found_in(other.folder, (NAME, ADDRESS, "coeliakie", "geen pinda’s")) == set()


def test_nothing_of_anybody_is_left_after_purge(place: Place) -> None:
    assert place.run("purge", EVENT, "--yes", now="2021-05-20T09:00").code == 0
    left = {word for _file, word in found_in(place.folder, ("coeliakie", "geen pinda’s", "halal-én-zout", "ketelhuis"))}
    assert left == set()
