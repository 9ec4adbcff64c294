"""Our line in a crontab, and nothing but our line."""

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkwmail.delivery.crontab import CronJob, job_for, line_of, no_task_command, task_command, with_line, without_line
from mkwmail.errors import UserError

JOB = job_for(
    Path("/home/lilian/mkw dagen 100%"), "0123456789abcdef", {"PATH": "/opt/bin:bin:/usr/bin", "HOME": "/home/l"}
)


def test_the_line_needs_nothing_of_its_surroundings() -> None:
    line = line_of(JOB)
    assert line.startswith("*/30 * * * * /usr/bin/env -i ")
    words = shlex.split(line.removeprefix("*/30 * * * * ").replace("\\%", "%"), comments=True)
    assert words[:2] == ["/usr/bin/env", "-i"]
    assert {"HOME=/home/l", "LANG=C.UTF-8", "PATH=/opt/bin:/usr/bin:/usr/local/bin:/bin"} <= set(words)
    assert words[-3:] == ["--folder", "/home/lilian/mkw dagen 100%", "due"]
    program = words[words.index("-P") - 1]
    assert Path(program).is_absolute() and Path(program).exists()


def test_a_percent_sign_is_escaped_for_cron() -> None:
    assert line_of(JOB).count("%") == line_of(JOB).count("\\%") == 1


def test_no_password_is_in_the_line() -> None:
    job = job_for(Path("/x"), "0123456789abcdef", {"MKWMAIL_SMTP_PASSWORD": "geheim", "MKWMAIL_NOW": "2020-01-01"})
    assert "geheim" not in line_of(job) and "MKWMAIL_NOW" not in line_of(job)


def test_the_way_to_a_provider_is_passed_on_without_a_password() -> None:
    proxies = {"https_proxy": "http://proxy.example.org:3128", "HTTPS_PROXY": "http://kim:geheim@proxy.example.org"}
    line = line_of(job_for(Path("/x"), "0123456789ab", proxies))
    assert "https_proxy=http://proxy.example.org:3128" in line and "geheim" not in line


def test_cron_finds_the_same_state_folder() -> None:
    line = line_of(job_for(Path("/x"), "0123456789ab", {"MKWMAIL_STATE": "/srv/state", "XDG_STATE_HOME": "/srv/xdg"}))
    assert "MKWMAIL_STATE=/srv/state" in line and "XDG_STATE_HOME=/srv/xdg" in line


def test_a_long_path_gives_way() -> None:
    long = ":".join(f"/opt/{number}/bin" for number in range(200))
    assert "PATH=/usr/local/bin:/usr/bin:/bin " in line_of(job_for(Path("/x"), "0123456789ab", {"PATH": long}))


@pytest.mark.parametrize("name", ["/a\nb", "/a\\b", "/" + "x" * 1000])
def test_what_no_crontab_can_hold_is_refused(name: str) -> None:
    with pytest.raises(UserError):
        line_of(CronJob(Path(name), "0123456789ab", Path("/usr/bin/python3"), {}))


OTHERS = b"# mine\r\nMAILTO=l@example.org\n\n0 5 * * 1\ttar -z \xff /home/\n#*/5 * * * * x # mkwmail 0123456789ab\n"


def test_the_line_is_added_renewed_and_taken_out_again() -> None:
    line = line_of(JOB)
    with_it = with_line(OTHERS, line, JOB.marker)
    assert with_it == OTHERS + line.encode() + b"\n"
    assert with_line(with_it, line, JOB.marker) == with_it
    older = OTHERS.replace(b"\n\n", b"\n* * * * * old --folder /y due # mkwmail 0123456789ab\n\n")
    assert with_line(older, line, JOB.marker) == OTHERS.replace(b"\n\n", b"\n" + line.encode() + b"\n\n")
    assert without_line(with_it, JOB) == OTHERS


def test_another_folders_line_is_another_line() -> None:
    other = line_of(job_for(Path("/y"), "fedcba9876543210", {}))
    both = with_line(with_line(b"", other, "# mkwmail fedcba987654"), line_of(JOB), JOB.marker)
    assert without_line(both, JOB) == f"{other}\n".encode()


def test_a_line_of_this_folder_with_another_id_is_taken_out_too() -> None:
    assert JOB.name != (older := replace(JOB, name="fedcba9876543210")).name
    assert without_line(with_line(OTHERS, line_of(older), older.marker), JOB) == OTHERS


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b"") + b"\n")))
def test_the_rest_stays_byte_for_byte(lines: list[bytes]) -> None:
    crontab = b"".join(lines)
    added = with_line(crontab, line_of(JOB), JOB.marker)
    assert without_line(added, JOB) == without_line(crontab, JOB)


def test_the_shell_gives_the_program_what_was_meant(tmp_path: Path) -> None:
    echo = tmp_path / "echo arguments"
    echo.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    echo.chmod(0o755)
    job = CronJob(Path("/home/l'il $HOME 100%"), "0123456789ab", echo, {"A": "b c"})
    command = line_of(job).removeprefix("*/30 * * * * ").replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["-P", "-m", "mkwmail", "--folder", "/home/l'il $HOME 100%", "due"]


def test_windows_gets_a_task() -> None:
    command = task_command(JOB)
    assert command.startswith("schtasks /Create /F /SC MINUTE /MO 30 /TN ")
    assert '"mkwmail 0123456789ab"' in command and command.endswith('due"')
    assert no_task_command(JOB) == 'schtasks /Delete /F /TN "mkwmail 0123456789ab"'
