"""The pictures in the documents, made from what the program makes: ``make pictures``.

Rehearses the example event's invitation in a folder of its own, lives through its first months with a moved clock and a
mail server of its own, and takes Debian's Chromium to look at what came of it.
"""

import csv
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from html import escape
from itertools import groupby
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, a_place
from tools.make_session import Line, Screen

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
EVENT = "directeurendag-2020"
LIST = ROOT / "events" / "leden-voorbeeld.csv"


def _rehearsed(folder: Path) -> Path:
    """A new working folder's rehearsal."""
    program = [sys.executable, "-m", "mkwmail"]
    subprocess.run([*program, "init", folder], cwd=ROOT, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    rehearse = ["--folder", str(folder), "send", EVENT, "invitation", "--rehearse", "--yes"]
    subprocess.run([*program, *rehearse], cwd=ROOT, check=True, capture_output=True)
    return folder / "rehearsal"


def _picture(browser: Browser, page: str, name: str, width: int, height: int, whole: bool = False) -> None:
    sheet = browser.new_page(viewport={"width": width, "height": height})
    sheet.goto(page)
    sheet.wait_for_function("document.readyState === 'complete'")
    sheet.wait_for_timeout(500)
    sheet.screenshot(path=PICTURES / name, full_page=whole)
    sheet.close()


_SCREEN = """\
<!DOCTYPE html><meta charset="utf-8"><style>
body { margin: 0; padding: 16px 20px; background: #1d2129; display: inline-block; }
pre { margin: 0; font: 15px/1.35 "DejaVu Sans Mono", Menlo, Consolas, monospace; }
</style><pre>%s</pre>
"""
# Columns and lines: high enough for the longest screen, which would be shown page by page otherwise.
_SIZE = (80, 70)


def _screen(
    browser: Browser, place: Place, now: str, name: str, *words: str, answers: Sequence[tuple[str, str]] = ()
) -> None:
    """Take a picture of a command in a terminal of eighty columns, in colour and in Dutch."""
    environment = place.environment(now, MKWMAIL_LANG="nl", MKWMAIL_FOLDER=str(place.folder))
    command = [sys.executable, "-m", "mkwmail", *words]
    _code, printed = typed(command, environment, place.folder, answers, _SIZE)
    screen = Screen()
    screen.write("\x1b[36m$\x1b[0m " + " ".join(("mkwmail", *words)) + "\r\n" + printed.replace("\n", "\r\n"))
    page = place.folder / "screen.html"
    page.write_text(_SCREEN % "\n".join(map(_html_of, screen.shown())).strip(), encoding="utf-8")
    sheet = browser.new_page(viewport={"width": 780, "height": 100}, device_scale_factor=1.5)
    sheet.goto(page.as_uri())
    sheet.locator("body").screenshot(path=PICTURES / name)
    sheet.close()


def _html_of(line: Line) -> str:
    runs = ((colour, "".join(char for char, _ in run)) for colour, run in groupby(line, key=lambda each: each[1]))
    return "".join(f'<span style="color:{colour}">{escape(text)}</span>' for colour, text in runs)


def _season(browser: Browser, folder: Path) -> None:
    """The pictures of the handleiding: an event from its first mail to the page for the board."""
    with ScriptedServer() as server:
        place = a_place(folder, server.port)
        place.settings(server.port, "language: nl\n")
        (folder / "leden.csv").write_bytes(LIST.read_bytes())
        _screen(browser, place, "2020-01-20T09:00", "bureau.png", answers=[("om te stoppen:", "q")])
        _screen(browser, place, "2020-01-20T09:00", "nakijken.png", "check")
        question = ("om 42 mails te versturen:", "42")
        words = ("send", "vooraankondiging")
        _screen(browser, place, "2020-01-20T09:00", "versturen.png", *words, answers=[question])
        place.run("send", EVENT, "invitation", "--yes", now="2020-02-17T09:00")
        place.write("aanmeldingen.csv", _signups())
        place.run("answers", "import", EVENT, str(place.folder / "aanmeldingen.csv"), "--yes", now="2020-03-20T10:00")
        place.run("send", EVENT, "reminder", "--yes", now="2020-03-23T09:00")
        _screen(browser, place, "2020-03-24T09:00", "status.png", "status", EVENT)
        page = place.folder / "bestuur.html"
        place.run("status", EVENT, "--html", str(page), now="2020-03-24T09:00", MKWMAIL_LANG="nl")
        _picture(browser, page.as_uri(), "bestuur.png", 820, 300, whole=True)


def _papers(folder: Path) -> None:
    """A certificate, and the sign-in sheet, as pictures (poppler's pdftoppm)."""
    place = a_place(folder)
    place.settings(9, "language: nl\n")
    event = next((folder / "events").glob("*.yaml"))
    certificate = "certificate: {hours: 4, signed_by: 'Lilian van Zandbrink, secretaris MKW Platform'}"
    event.write_text(event.read_text("utf-8").replace("pe_points: true", f"pe_points: 4\n{certificate}"), "utf-8")
    (folder / "leden.csv").write_bytes(LIST.read_bytes())
    place.write("aanmeldingen.csv", _signups())
    place.run("answers", "import", EVENT, str(folder / "aanmeldingen.csv"), "--yes", now="2020-03-20T10:00")
    place.run("papers", EVENT, "sign-in", now="2020-04-14T10:00")
    with LIST.open(encoding="cp1252", newline="") as file:
        first = next(csv.DictReader(file, delimiter=";"))["E-mailadres"]
    place.run("answers", "set", EVENT, first, "present", now="2020-04-17T10:00")
    place.run("papers", EVENT, "certificates", now="2020-04-20T09:00")
    papers = folder / "papers" / EVENT
    for pdf, name in (
        (next(papers.glob("*bewijs van deelname*.pdf")), "bewijs"),
        (papers / "presentielijst.pdf", "presentielijst"),
    ):
        to_png = ["pdftoppm", "-png", "-r", "72", "-singlefile", str(pdf), str(PICTURES / name)]
        subprocess.run(to_png, check=True, capture_output=True)


def _signups() -> str:
    """Return the answers that three in four of the list filled in."""
    dice = random.Random(2020)
    rows = ["Naam;E-mailadres;Komt u?;Lunch?;Tijdstempel"]
    with LIST.open(encoding="cp1252", newline="") as file:
        members = [each for each in csv.DictReader(file, delimiter=";") if not each["Niet mailen"]]
    for n, each in enumerate(dice.sample(members, 32)):
        name = " ".join(filter(None, (each["Voornaam"], each["Tussenvoegsel"], each["Achternaam"])))
        moment = datetime(2020, 2, 17, 12) + timedelta(days=min(31, int(dice.expovariate(1 / 8))), minutes=n)
        comes, lunch = dice.choice(["ja", "ja", "ja", "nee"]), dice.choice(["ja", "nee"])
        rows.append(f"{name};{each['E-mailadres']};{comes};{lunch};{moment:%d-%m-%Y %H:%M}")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Make them all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        rehearsal = _rehearsed(Path(place, "dagen"))
        mail = message_from_bytes(min(rehearsal.glob("*.eml")).read_bytes(), policy=policy.default)
        body = mail.get_body(("html",))
        assert body is not None
        html = Path(place, "mail.html")
        html.write_text(str(body.get_content()), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _picture(browser, html.as_uri(), "mail.png", 720, 1000)
        _picture(browser, (rehearsal / "index.html").as_uri(), "preview.png", 1280, 860)
        _season(browser, Path(place, "jaar"))
        _papers(Path(place, "papieren"))
        browser.close()


if __name__ == "__main__":
    main()
