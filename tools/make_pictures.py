"""The pictures in the documents, made from what the program makes: ``make pictures``.

Rehearses the example event's invitation in a folder of its own and takes Debian's Chromium to look at it.
"""

import subprocess
import sys
import tempfile
from email import message_from_bytes, policy
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
EVENT = "directeurendag-2020"


def _rehearsed(folder: Path) -> Path:
    """A new working folder's rehearsal."""
    program = [sys.executable, "-m", "mkwmail"]
    subprocess.run([*program, "init", folder], cwd=ROOT, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    rehearse = ["--folder", folder, "send", EVENT, "invitation", "--rehearse", "--yes"]
    subprocess.run([*program, *rehearse], cwd=ROOT, check=True, capture_output=True)
    return folder / "rehearsal"


def _picture(browser: Browser, page: str, name: str, width: int, height: int) -> None:
    sheet = browser.new_page(viewport={"width": width, "height": height})
    sheet.goto(page)
    sheet.wait_for_function("document.readyState === 'complete'")
    sheet.wait_for_timeout(500)
    sheet.screenshot(path=PICTURES / name)
    sheet.close()


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
        browser.close()


if __name__ == "__main__":
    main()
