"""Files that mkwmail made are known by their content, and nobody else's are."""

import io
from pathlib import Path

import openpyxl
import pytest

from mkwmail.config.attachments import is_export
from mkwmail.report.recipients import spreadsheet

STATUS = ["event", "mailing", "member", "organisation", "address", "state", "moment", "reason"]
ANSWERS = [
    "code",
    "naam",
    "sorteernaam",
    "organisatie",
    "e-mail",
    "antwoord",
    "antwoord toen de lijst werd gemaakt",
    "Dieetwensen",
]
PERSON = ["x", "invitation", "Zoë Ruiter", "Tien", "zoe@tien.example.org", "sent", "", ""]


def is_ours(folder: Path, data: bytes) -> bool:
    path = folder / "bijlage"
    path.write_bytes(data)
    return is_export(path)


@pytest.mark.parametrize("headings", [STATUS, ANSWERS])
def test_a_table_is_known_as_excel_saves_it_again(tmp_path: Path, headings: list[str]) -> None:
    ours = spreadsheet(headings, [PERSON] * 2000)
    assert is_ours(tmp_path, ours)
    text = ours.decode("utf-8-sig")
    moved = "\r\n".join(";".join(reversed(line.split(";"))) for line in text.splitlines())
    again = {
        "Windows-1252": text.encode("cp1252"),
        "commas and quotation marks": ('"' + text.replace(";", '","').replace("\r\n", '"\r\n"')).encode(),
        "Unicode text": text.replace(";", "\t").encode("utf-16"),
        "a title above": f"Deelnemers\r\n\r\n{text}".encode(),
        "columns moved": moved.encode(),
        "capitals": text.upper().encode(),
    }
    assert [name for name, data in again.items() if not is_ours(tmp_path, data)] == []
    book = openpyxl.Workbook()
    for row in (["Deelnemers"], headings, PERSON):
        book.active.append(row)
    workbook = io.BytesIO()
    book.save(workbook)
    assert is_ours(tmp_path, workbook.getvalue())


def test_other_files_are_not_taken_for_ours(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["naam", "antwoord", "reden"])
    workbook = io.BytesIO()
    book.save(workbook)
    head = b"From: a@example.org\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\nSubject: x\r\n"
    others = {
        "a member list": "voornaam;achternaam;e-mail;organisatie\r\nKim;Verbeek;kim@example.org;Tien\r\n".encode(
            "cp1252"
        ),
        "a list with some of the headings": b"event;mailing;member;address\r\n",
        "a workbook": workbook.getvalue(),
        "a zip that is no workbook": b"PK\x03\x04 and no more",
        "a text about it": b"The columns are mailing, address, state, moment and reason; the answer when listed too.",
        "a page": b'<!DOCTYPE html><html><head><meta name="generator" content="WordPress 6"></head>mkwmail</html>',
        "a mail": head + b'Content-Type: multipart/mixed; boundary="abc"\r\n\r\n--abc--\r\n',
        "another mail": b'Content-Type: multipart/mixed;\r\n boundary="=_0123456789abcdef0123456789abcdef"\r\n\r\n',
        "a database": b"SQLite format 3\0" + bytes(200),
        "a PDF": b"%PDF-1.7\n" + bytes(range(256)) * 500,
        "nothing": b"",
    }
    assert [name for name, data in others.items() if is_ours(tmp_path, data)] == []
