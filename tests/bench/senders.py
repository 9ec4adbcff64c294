"""The senders: mkwmail as a user runs it, and others with its mail."""

import email
import email.policy
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from tests.bench.runs import CONNECTIONS, MANY, SBIN, Run
from tests.workplace import EVENT, ROOT, Place, a_place

BUILD = ROOT / "build" / "bench"
FEW = 1_000  # messages of the slow senders: a round would last minutes
_HEADINGS = "voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie"
_A_CORPORATION = 10  # members of one corporation
_LETTERS = str.maketrans("0123456789", "aeiouyhjqw")


def mkwmail(connections: int, pdf: int, port: int, count: int, folder: Path) -> Sequence[str]:
    """``mkwmail send``: no pace, a durable ledger; ``pdf``: octets of an attachment."""
    place = a_place(folder)
    place.settings(port, f"pace: {{connections: {connections}}}\n")
    place.members(*(_row(number) for number in range(count)), headings=_HEADINGS)
    if pdf:
        event = EVENT.read_text(encoding="utf-8")
        attached = event.replace("  invitation:\n", "  invitation:\n    attachments: [programma.pdf]\n", 1)
        assert attached != event, "the example event has no mailings.invitation of its own line any more"
        place.write(f"events/{EVENT.name}", attached)
        (folder / "events" / "programma.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * (pdf // 256))
    return place.command("send", "directeurendag-2020", "invitation", "--yes", "--json")


def _row(number: int) -> str:
    corporation = number // _A_CORPORATION
    # In letters: mkwmail points out every name with a digit in it, which a list of members does not have.
    name = f"{number:02}".translate(_LETTERS).capitalize()
    return f"{name};van;Acht{name.lower()};lid{number}@corp{corporation}.example.org;Corporatie {corporation};lid"


def the_mail(pdf: int = 0) -> EmailMessage:
    """The mail that mkwmail sends: the others send its text, its HTML and its calendar entry."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = mkwmail(1, pdf, 9, 1, folder)
        shown = [
            *command[: command.index("send")],
            "preview",
            "directeurendag-2020",
            "invitation",
            "--eml",
            str(folder),
        ]
        subprocess.run(shown, env=Place(folder).environment(), check=True, capture_output=True)
        (written,) = folder.glob("*.eml")
        return email.message_from_bytes(written.read_bytes(), _class=EmailMessage, policy=email.policy.SMTP)


def smtp_source(sessions: int, size: int, port: int, count: int, _folder: Path) -> Sequence[str]:
    """Return the command of Postfix's load generator.

    It makes one message of ``size`` octets and repeats it; each session keeps its connection (``-d``).
    """
    program = shutil.which("smtp-source", path=SBIN) or "smtp-source"
    how_much = ("-d", "-s", str(sessions), "-m", str(count), "-l", str(size))
    return program, *how_much, "-f", "a@example.org", "-t", "b@example.org", f"127.0.0.1:{port}"


def others() -> Iterator[Run]:
    """Yield the runs of the others that can be fetched."""
    mail = the_mail()
    parts = _parts(mail)
    yield Run("smtplib", partial(_smtplib, parts), FEW, connections=1)
    if _fetched("mailmerge", [sys.executable, "-m", "uv", "pip", "install", "-q", "--target"], "mailmerge"):
        # No number of connections: mailmerge opens one for each message, and has no setting for it.
        yield Run("mailmerge", partial(_mailmerge, _as_large(parts, len(mail.as_bytes()))), FEW)
        yield Run("mailmerge", partial(_mailmerge, parts), FEW, setting="the text once")
    if shutil.which("npm") and _fetched("nodemailer", ["npm", "install", "--silent", "--prefix"], "nodemailer"):
        for connections in CONNECTIONS:
            yield Run("nodemailer", partial(_nodemailer, parts, connections), MANY, connections)


def mailmerge_help() -> Sequence[str] | None:
    """Return ``mailmerge --help``; None if it could not be fetched."""
    return (*_mailmerge_program(), "--help") if (BUILD / "mailmerge").is_dir() else None


def _parts(mail: EmailMessage) -> dict[str, str]:
    kinds = ("text/plain", "text/html", "text/calendar")
    return {part.get_content_type(): part.get_content() for part in mail.walk() if part.get_content_type() in kinds}


def _fetched(name: str, command: Sequence[str], package: str) -> bool:
    if not (BUILD / name).is_dir():
        try:
            subprocess.run([*command, str(BUILD / name), package], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            print(f"{name} could not be fetched: it is left out", file=sys.stderr)
            return False
    return True


_SMTPLIB = """
import json, smtplib, sys
from email.message import EmailMessage
port, count = map(int, sys.argv[1:])
parts = json.load(open("parts.json"))
with smtplib.SMTP("127.0.0.1", port) as server:
    for number in range(count):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@example.org", f"lid{number}@example.org", "Uitnodiging"
        mail.set_content(f"Beste Lid {number},\\n" + parts["text/plain"])
        mail.add_alternative(parts["text/html"].replace("Lid 0", f"Lid {number}"), subtype="html")
        mail.add_alternative(parts["text/calendar"], subtype="calendar", params={"method": "PUBLISH"})
        server.send_message(mail)
"""


def _smtplib(parts: dict[str, str], port: int, count: int, folder: Path) -> Sequence[str]:
    (folder / "parts.json").write_text(json.dumps(parts))
    return sys.executable, "-c", _SMTPLIB, str(port), str(count)


def _mailmerge_program() -> tuple[str, ...]:
    start = f"import sys; sys.path.insert(0, {str(BUILD / 'mailmerge')!r}); from mailmerge.__main__ import main; main()"
    return sys.executable, "-c", start


def _as_large(parts: dict[str, str], size: int) -> dict[str, str]:
    """The same with as much text as makes mailmerge's mail as large as the others': its HTML has no design."""
    lines = [*parts["text/plain"].splitlines(), ""]
    once, twice = (_size_of_mailmerge({**parts, "text/plain": "\n".join(lines * n)}) for n in (1, 2))
    wanted = int(len(lines) * (1 + (size - once) / (twice - once)))
    return {**parts, "text/plain": "\n".join(islice(cycle(lines), wanted))}


def _size_of_mailmerge(parts: dict[str, str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        command = _mailmerge(parts, 9, 1, Path(name))
        shown = [*command[: command.index("--no-dry-run")], "--dry-run", "--output-format", "raw"]
        mail = subprocess.run(shown, cwd=name, check=True, capture_output=True).stdout
    return len(mail.replace(b"\n", b"\r\n"))


def _mailmerge(parts: dict[str, str], port: int, count: int, folder: Path) -> Sequence[str]:
    # Its own way to a mail in text and HTML: Markdown. The text part of our mail is that already.
    (folder / "invite.ics").write_text(parts["text/calendar"])
    head = "TO: {{email}}\nSUBJECT: Uitnodiging\nFROM: a@example.org\nCONTENT-TYPE: text/markdown\n"
    text = f"{head}ATTACHMENT: invite.ics\n\nBeste {{{{email}}}},\n\n{parts['text/plain']}"
    (folder / "mailmerge_template.txt").write_text(text)
    rows = "".join(f"lid{number}@example.org\n" for number in range(count))
    (folder / "mailmerge_database.csv").write_text(f"email\n{rows}")
    (folder / "mailmerge_server.conf").write_text(f"[smtp_server]\nhost = 127.0.0.1\nport = {port}\n")
    return *_mailmerge_program(), "--no-dry-run", "--no-limit"


# "idle" says that the pool's queue has room: nodemailer's own way to send many. With all 10,000 queued at once it is no
# quicker and takes three times the memory.
_NODEMAILER = """
const { createTransport } = require(process.argv[1] + "/node_modules/nodemailer");
const parts = JSON.parse(require("fs").readFileSync("parts.json", "utf8"));
const [port, count, maxConnections] = process.argv.slice(2).map(Number);
const server = createTransport({ host: "127.0.0.1", port, pool: true, maxConnections, maxMessages: Infinity,
  ignoreTLS: true });
const message = (n) => ({
  from: "a@example.org", to: `lid${n}@example.org`, subject: "Uitnodiging",
  text: `Beste Lid ${n},\\n` + parts["text/plain"], html: parts["text/html"].replace("Lid 0", `Lid ${n}`),
  icalEvent: { method: "PUBLISH", content: parts["text/calendar"] } });
let begun = 0, sent = 0;
server.on("idle", () => {
  while (server.isIdle() && begun < count)
    server.sendMail(message(begun++)).then(() => { if (++sent === count) server.close(); });
});
"""


def _nodemailer(parts: dict[str, str], connections: int, port: int, count: int, folder: Path) -> Sequence[str]:
    (folder / "parts.json").write_text(json.dumps(parts))
    return "node", "-e", _NODEMAILER, str(BUILD / "nodemailer"), str(port), str(count), str(connections)
