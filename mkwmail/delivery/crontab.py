"""The crontab line that runs `due`.

Exactly one line of a crontab is ours; the rest is never changed.

crontab(5): a line runs in /bin/sh with hardly any environment; an unescaped ``%`` ends the command.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _

EVERY_HALF_HOUR = "*/30 * * * *"
_PACKAGE = Path(__file__).parent.parent
_PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"
_LONGEST = 998  # characters of a crontab line; Debian's cron takes no more (MAX_COMMAND 1000)
_PASSED_ON = (
    *("HOME", "LOGNAME", "USER", "MKWMAIL_LANG", "MKWMAIL_STATE", "GNUPGHOME"),
    *("XDG_CONFIG_HOME", "XDG_STATE_HOME", "SSL_CERT_FILE", "TZ"),
)
_PROXIES = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class CronJob:
    """The job to run every half hour.

    ``name`` is the ledger's, so that the line is recognised after the folder has moved.
    """

    folder: Path
    name: str
    python: Path
    environment: Mapping[str, str]

    @property
    def marker(self) -> str:
        """The comment that ends our line, and no other line."""
        return f"# mkwmail {self.name[:12]}"


def job_for(folder: Path, name: str, environment: Mapping[str, str] = os.environ) -> CronJob:
    """Return the job of a working folder, for the Python that runs now.

    It passes on only the variables that a password command, a certificate or the way to a provider may need; never a
    password, which the address of a proxy may hold.
    """
    kept = {key: environment[key] for key in (*_PASSED_ON, *_PROXIES) if environment.get(key)}
    kept = {key: value for key, value in kept.items() if key not in _PROXIES or "@" not in value}
    kept.setdefault("HOME", str(Path.home()))
    if not _is_installed():
        kept["PYTHONPATH"] = str(_PACKAGE.parent)
    wanted = [*environment.get("PATH", "").split(":"), *_PLAIN_PATH.split(":")]
    places = dict.fromkeys(place for place in wanted if place.startswith("/"))
    return CronJob(folder, name, Path(sys.executable).absolute(), {**kept, "LANG": "C.UTF-8", "PATH": ":".join(places)})


def _is_installed() -> bool:
    """Check whether this package is installed.

    A checkout is only found from its own folder.
    """
    return str(_PACKAGE.parent) in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))


def line_of(job: CronJob) -> str:
    """Return the line, without its end.

    :raises UserError: code SETTINGS if a name has a character that a crontab line cannot hold.
    """
    line = _line(job, job.environment)
    if len(line) > _LONGEST:
        # PATH is too long: use the plain one.
        line = _line(job, {**job.environment, "PATH": _PLAIN_PATH})
    if not line.isprintable() or "\\" in line or len(line) > _LONGEST:
        fault = _("%(folder)s cannot be in a crontab line: its name is too long or has odd characters in it")
        raise user_error("", fault, _("give the folder a plain name"), code=ExitCode.SETTINGS, folder=job.folder)
    return f"{EVERY_HALF_HOUR} {line.replace('%', chr(92) + '%')}"


def _line(job: CronJob, environment: Mapping[str, str]) -> str:
    assignments = [f"{key}={value}" for key, value in sorted(environment.items())]
    # -P: Python does not search the folder in which cron starts for modules.
    command = ["/usr/bin/env", "-i", *assignments, str(job.python), "-P", "-m", "mkwmail"]
    command += ["--folder", str(job.folder), "due"]
    return f"{' '.join(map(shlex.quote, command))} {job.marker}"


def with_line(crontab: bytes, line: str, marker: str) -> bytes:
    """Return the crontab with our line.

    It replaces our present line, else it is added at the end.
    """
    ours = f"{line}\n".encode()
    lines = crontab.splitlines(keepends=True)
    places = [number for number, each in enumerate(lines) if _is_ours(each, marker)]
    if not places:
        gap = b"\n" if crontab and not crontab.endswith(b"\n") else b""
        return crontab + gap + ours
    lines[places[0]] = ours
    return b"".join(each for number, each in enumerate(lines) if number not in places[1:])


def without_line(crontab: bytes, job: CronJob) -> bytes:
    """Return the crontab without our line, also if the ledger has another id than when the line was made."""
    folder = f"--folder {shlex.quote(str(job.folder))} due # mkwmail ".replace("%", "\\%").encode()
    lines = crontab.splitlines(keepends=True)
    return b"".join(each for each in lines if not _is_ours(each, job.marker) and not _is_made(each, folder))


def has_line(crontab: bytes, job: CronJob) -> bool:
    """Check whether the crontab has our line, of this computer or folder or of an earlier one."""
    return without_line(crontab, job) != crontab


def _is_ours(line: bytes, marker: str) -> bool:
    return line.rstrip().endswith(marker.encode()) and not _is_comment(line)


def _is_made(line: bytes, folder: bytes) -> bool:
    return folder in line and not _is_comment(line)


def _is_comment(line: bytes) -> bool:
    # A line that somebody has commented out is theirs.
    return line.lstrip().startswith(b"#")


def task_command(job: CronJob) -> str:
    """Return the command for the same task on Windows (schtasks)."""
    run = subprocess.list2cmdline([str(job.python), "-P", "-m", "mkwmail", "--folder", str(job.folder), "due"])
    words = ["schtasks", "/Create", "/F", "/SC", "MINUTE", "/MO", "30", "/TN", _task(job), "/TR", run]
    return subprocess.list2cmdline(words)


def no_task_command(job: CronJob) -> str:
    """Return the command that removes the Windows task."""
    return subprocess.list2cmdline(["schtasks", "/Delete", "/F", "/TN", _task(job)])


def _task(job: CronJob) -> str:
    return job.marker.removeprefix("# ")


# The crontab itself


def read_crontab() -> bytes:
    """Return this user's crontab; empty if there is none.

    :raises UserError: if it cannot be read.
    """
    done = _crontab(["-l"])
    if done.returncode == 0:
        return done.stdout
    if b"no crontab" in done.stderr.lower():
        return b""
    raise _cannot(done.stderr)


def write_crontab(crontab: bytes) -> None:
    """Replace this user's crontab; remove it if the new one is empty.

    :raises UserError: if cron does not accept it.
    """
    done = _crontab(["-"], crontab) if crontab else _crontab(["-r"])
    if done.returncode and not (not crontab and b"no crontab" in done.stderr.lower()):
        raise _cannot(done.stderr)


def _crontab(arguments: list[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # LC_ALL: its words are compared below.
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["crontab", *arguments], input=given, capture_output=True, env=environment, timeout=30, check=False
        )
    except FileNotFoundError:
        remedy = _("install cron, or let another scheduler run this command every half hour: mkwmail due")
        raise user_error("crontab", _("there is no cron here"), remedy, code=ExitCode.SETTINGS) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _cannot(str(error).encode()) from None


def _cannot(words: bytes) -> UserError:
    fault = _("cron refuses: %(words)s")
    remedy = _("put the line into your crontab by hand: crontab -e")
    return user_error("crontab", fault, remedy, code=ExitCode.SETTINGS, words=words.decode("utf-8", "replace").strip())
