"""Shared parts of the tests of papers: a folder with certificates, who was there, and PDFs read."""

import email
import hashlib
import subprocess
from pathlib import Path

from tests.workplace import ROOT, Place, a_place

EVENT = "directeurendag-2020"
AFTER = "2020-04-20T09:00"
CERTIFICATE = "certificate: {hours: 4, signed_by: 'Lilian van Zandbrink, secretaris', accredited: 'erkend, nummer 12'}"


def with_certificates(folder: Path, port: int = 9, certificate: str = CERTIFICATE, points: str = "4") -> Place:
    """A folder whose event has certificates."""
    place = a_place(folder, port)
    event = next((place.folder / "events").glob("*.yaml"))
    event.write_text(event.read_text().replace("pe_points: true", f"pe_points: {points}\n{certificate}"))
    return place


def attendance(place: Place, present: list[str], absent: list[str], more: str = "") -> None:
    """Import who was there, as a check-in list gives it."""
    rows = [f"{line};ja" for line in present] + [f"{line};nee" for line in absent]
    place.write("presentie.csv", "\n".join([f"naam;e-mail;organisatie{more};ingecheckt", *rows]) + "\n")
    ran = place.run("answers", "import", EVENT, str(place.folder / "presentie.csv"), "--yes", now="2020-04-17T09:00")
    assert ran.code == 0, ran.err


def text_of(pdf: bytes, *options: str) -> str:
    done = subprocess.run(["pdftotext", *options, "-", "-"], input=pdf, capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


def no_typst(folder: Path) -> str:
    """A path on which typst cannot be imported, and mkwmail can."""
    place = folder / "without"
    place.mkdir()
    (place / "typst.py").write_text("raise ImportError('typst is not installed')\n")
    return f"{place}:{ROOT}"


def pdfs_in(mail: bytes) -> list[str]:
    """Return the SHA-256 of each PDF in a mail."""
    found = []
    for part in email.message_from_bytes(mail).walk():
        data = part.get_payload(decode=True)
        if part.get_content_type() == "application/pdf" and isinstance(data, bytes):
            found.append(hashlib.sha256(data).hexdigest())
    return found
