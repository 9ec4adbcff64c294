"""Settings: values, presets of providers, and every fault at once without a password in sight."""

from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.providers import PRESETS
from mkwmail.config.settings import (
    Auth,
    Hours,
    Keep,
    Pace,
    Security,
    Settings,
    example_senders,
    is_loopback,
    read_settings,
)
from mkwmail.errors import ExitCode, UserError

SENDER = "sender: {name: Kim, email: kim@vereniging.nl}\n"
ROOT = Path(__file__).parents[2]


def read(folder: Path, text: str) -> Settings:
    (folder / "mkwmail.yaml").write_text(text, encoding="utf-8")
    return read_settings(WorkingFolder(folder))


def faults(folder: Path, text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(UserError) as raised:
        read(folder, text)
    assert raised.value.code is ExitCode.SETTINGS
    return [(fault.place.removeprefix("mkwmail.yaml"), fault.fault, fault.remedy) for fault in raised.value.faults]


def test_a_sender_is_enough(tmp_path: Path) -> None:
    settings = read(tmp_path, SENDER)
    assert settings.smtp is None
    assert settings.pace == Pace()
    assert settings.hours == Hours()
    assert (settings.members, settings.form, settings.keep) == ("leden.csv", "u", Keep(months=12))


def test_the_name_at_ehlo_and_an_authority_of_ones_own(tmp_path: Path) -> None:
    smtp = "smtp: {host: mail.vereniging.nl, hello: %s, ca_file: %s}\n"
    (tmp_path / "eigen.pem").write_text("")
    settings = read(tmp_path, SENDER + smtp % ("mail.vereniging.nl", "eigen.pem"))
    assert settings.smtp is not None
    assert settings.smtp.hello == "mail.vereniging.nl"
    assert settings.smtp.ca_file == str(tmp_path / "eigen.pem")
    found = faults(tmp_path, SENDER + smtp % ("laptop", "weg.pem"))
    assert [place for place, _fault, _remedy in found] == [":2:41", ":2:58"]
    assert "hello: mail.example.org" in found[0][2] and "PEM" in found[1][2]
    mailbox = "mailbox: {host: imap.vereniging.nl, ca_file: %s}\n"
    settings = read(tmp_path, SENDER + mailbox % "eigen.pem")
    assert settings.mailbox is not None and settings.mailbox.ca_file == str(tmp_path / "eigen.pem")
    assert [place for place, _fault, _remedy in faults(tmp_path, SENDER + mailbox % "weg.pem")] == [":2:46"]
    for odd in ("a b.nl", "-x.nl", "mail..nl", '"mail.nl\\r\\nMAIL FROM:<x>"'):
        assert "hello" in str(faults(tmp_path, SENDER + smtp % (odd, "eigen.pem")))


def test_backups_are_kept_as_the_settings_say(tmp_path: Path) -> None:
    assert read(tmp_path, SENDER).backup.keep == 10
    settings = read(tmp_path, SENDER + "backup: {keep: 3, to: /mnt/kopie}\n")
    assert (settings.backup.keep, settings.backup.to) == (3, "/mnt/kopie")
    assert faults(tmp_path, SENDER + "backup: {keep: 0}\n")


def test_keys_without_anything_behind_them_have_their_defaults(tmp_path: Path) -> None:
    keys = ["association", "language", "reply_to", "report_to", "logo", "provider", "smtp", "pace", "hours"]
    assert read(tmp_path, SENDER + "".join(f"{key}:\n" for key in keys)) == read(tmp_path, SENDER)


def test_reports_are_for_one_address_or_several(tmp_path: Path) -> None:
    assert read(tmp_path, SENDER + "report_to: bureau@example.org\n").report_to == ("bureau@example.org",)
    two = read(tmp_path, SENDER + "report_to: [bureau@example.org, els@example.org]\n").report_to
    assert two == ("bureau@example.org", "els@example.org")
    assert read(tmp_path, SENDER + 'report_to: ""\n').report_to == ()
    (fault,) = faults(tmp_path, SENDER + "report_to: [bureau@example.org, els]\n")
    assert "els is not an address that can be mailed" in fault[1]


def test_the_settings_of_the_repository_are_read() -> None:
    settings = read_settings(WorkingFolder(ROOT))
    assert settings.smtp is not None
    assert settings.smtp.on_loopback
    assert (ROOT / settings.members).is_file()
    assert [fault.fault.split(":")[0] for fault in example_senders(settings)] == ["sender"]


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "logo.PNG").write_bytes(b"x")
    settings = read(
        tmp_path,
        SENDER + "reply_to: bestuur@vereniging.nl\nlanguage: NL\nform: Je\nlogo: logo.PNG\nkeep: 2 jaar\n"
        "smtp: {host: mail.vereniging.nl, port: 465, security: TLS, username: kim, password_command: pass show x}\n"
        "pace: {per_minute: 10, per_hour: null, batch: null, pause: 30 s}\n"
        "hours: {from: 9.30, to: '17:00', days: all}\n",
    )
    assert (settings.language, settings.form, settings.keep) == ("nl", "je", Keep(months=24))
    assert settings.smtp is not None
    assert (settings.smtp.port, settings.smtp.security) == (465, Security.TLS)
    assert settings.pace == Pace(per_minute=10, batch=None, pause=timedelta(seconds=30))
    assert (settings.hours.start, settings.hours.end, settings.hours.days) == (time(9, 30), time(17), "all")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_one_that_settings_accept(tmp_path: Path, name: str) -> None:
    settings = read(tmp_path, f"{SENDER}provider: {name.upper()}\nsmtp: {{host: mail.vereniging.nl, username: kim}}\n")
    assert settings.smtp is not None
    assert settings.smtp.host == "mail.vereniging.nl"
    assert settings.pace != Pace()


def test_a_preset_fills_what_the_settings_do_not_say(tmp_path: Path) -> None:
    text = "provider: microsoft365\nsmtp: {username: kim@vereniging.nl}\npace: {per_day: null, batch: 10}\n"
    settings = read(tmp_path, SENDER + text)
    assert settings.smtp is not None
    assert (settings.smtp.host, settings.smtp.port) == ("smtp.office365.com", 587)
    assert settings.pace == Pace(per_minute=25, per_day=None, batch=10)


def test_a_preset_leaves_a_port_for_tls_alone(tmp_path: Path) -> None:
    settings = read(tmp_path, SENDER + "provider: google\nsmtp: {username: kim, security: tls, port: 465}\n")
    assert settings.smtp is not None
    assert (settings.smtp.host, settings.smtp.port) == ("smtp.gmail.com", 465)


FAULTS = [
    ("theme: x", ":2:1", "theme: this key is not known here", "choose from"),
    ("provider: microsft365", ":2:11", 'provider: "microsft365" is not known', "provider: microsoft365"),
    ("provider: ergens", ":2:11", 'provider: "ergens" is not known', "leave it out"),
    (
        "provider: microsoft365",
        "",
        "username: smtp.office365.com requires a login; the username is usually the mail address",
        "write below smtp:",
    ),
    (
        "smtp: {host: mail.x.nl, security: none}",
        ":2:35",
        "security: without it everyone on the way can read mails and password; allowed on this computer only",
        "smtp: {host: mail.x.nl, security: starttls}",
    ),
    (
        "smtp: {host: mail.x.nl, port: 70000}",
        ":2:31",
        "port: cannot be more than 65535",
        "write it like this: port: 587",
    ),
    (
        "smtp: {host: mail.x.nl, port: veel}",
        ":2:31",
        'port: "veel" is not a whole number',
        "write it like this: port: 587",
    ),
    ("smtp: {host: https://mail.x.nl}", ":2:14", 'host: "https://mail.x.nl" is not the name of a server', "host: "),
    (
        "smtp: {host: mail.x.nl, password_command: x, password_file: y}",
        ":2:46",
        "password_file: the password comes from password_command already",
        "keep one of the two",
    ),
    (
        "provider: microsoft365\nsmtp: {auth: oauth, username: kim@x.nl, password_file: x}",
        ":3:41",
        "password_file: with auth: oauth there is no password",
        "delete it, and type: mkwmail login",
    ),
    (
        "smtp: {host: mail.x.nl, auth: oauth, username: kim@x.nl, token_url: https://x.nl/token}",
        ":2:31",
        "auth: oauth: no address to sign in at is known",
        "write provider: microsoft365 or google;",
    ),
    (
        "provider: google\nsmtp: {auth: oauth, username: kim@x.nl, token_url: http://x.nl/token}",
        ":3:52",
        'token_url: "http://x.nl/token" is not an address that begins with https://',
        "",
    ),
    (
        "provider: microsoft365\nsmtp: {auth: oauth, username: kim@x.nl, tenant: x/y}",
        ":3:49",
        'tenant: "x/y" is neither a domain nor an id',
        "tenant: mkw.nl",
    ),
    (
        "provider: microsoft365\nsmtp: {username: kim@x.nl, client_id: x}",
        ":3:28",
        "client_id: it is for signing in without a password",
        "write below smtp: a line auth: oauth",
    ),
    (
        "smtp: {host: mail.x.nl, auth: OAuth, token_url: https://x/t, scopes: s, device_url: https://x/d}",
        ":2:7",
        "username: with auth: oauth it names who signs in; usually the mail address",
        "write below smtp:",
    ),
    ("pace: {per_minute: 0}", ":2:20", "per_minute: must be more than 0", ""),
    (
        "pace: {pause: 2}",
        ":2:15",
        'pause: "2" is not a length of time: write it like 1 day, 2 hours or 30 min',
        "pace: {pause: 2 min}",
    ),
    (
        "hours: {from: 20.00, to: 8.00}",
        ":2:8",
        "hours: they end before they begin, so nothing would ever be mailed",
        "hours: {from: 8.00, to: 20.00}",
    ),
    ("keep: altijd", ":2:7", 'keep: "altijd" is not a number of months, years or days', "keep: 12 maanden"),
    ("keep: 0 months", ":2:7", 'keep: "0 months" is not a number of months, years or days', "keep: 12 maanden"),
    ("form: jij", ":2:7", 'form: "jij" is not one of: je, u', "write it like this: form: je"),
    ("logo: weg.png", ":2:7", 'logo: there is no file "weg.png" in the working folder', ""),
    ("logo: ../x.png", ":2:7", 'logo: "../x.png" lies outside the working folder', ""),
    (
        "logo: logo.svg",
        ":2:7",
        'logo: "logo.svg" is not a picture that mail programs show: use a PNG, JPEG or GIF',
        "",
    ),
]


@pytest.mark.parametrize(("line", "place", "sentence", "remedy"), FAULTS)
def test_faults(tmp_path: Path, line: str, place: str, sentence: str, remedy: str) -> None:
    (found,) = faults(tmp_path, f"{SENDER}{line}\n")
    assert found[:2] == (place, sentence)
    assert found[2].startswith(remedy)


def test_a_sender_must_be_there_and_mailable(tmp_path: Path) -> None:
    assert faults(tmp_path, "form: je\n")[0][:2] == ("", "sender: is missing, and must be there")
    (found,) = faults(tmp_path, "sender: {name: Kim, email: kim@@x.nl}\n")
    assert found[0] == ":1:28"
    assert found[1].startswith("email: kim@@x.nl is not an address that can be mailed")
    (found,) = faults(tmp_path, "sender: {name: Kim, email: kïm@x.nl}\n")
    assert "letters outside ASCII" in found[1]


def test_passwords_are_refused_and_never_shown(tmp_path: Path) -> None:
    text = (
        SENDER + "Wachtwoord: zeergeheim #2\n"
        "smtp: {host: mail.x.nl, security: none, pasword_file: x, password: zeergeheim}\n"
    )
    found = faults(tmp_path, text)
    assert "zeergeheim" not in str(found)
    assert [(place, sentence) for place, sentence, _remedy in found if "a secret does not belong" in sentence] == [
        (":2:1", "Wachtwoord: a secret does not belong in this file, which is copied and shared"),
        (":3:58", "password: a secret does not belong in this file, which is copied and shared"),
    ]
    assert all("mkwmail login" in remedy for _place, sentence, remedy in found if "does not belong" in sentence)


def test_a_provider_says_where_to_sign_in(tmp_path: Path) -> None:
    line = "smtp: {auth: OAuth, username: kim@vereniging.nl, client_id: abc}\n"
    smtp = read(tmp_path, f"{SENDER}provider: microsoft365\n{line}").smtp
    assert smtp is not None and smtp.auth is Auth.OAUTH
    # An organisation goes by any of its domains.
    assert smtp.token_url == "https://login.microsoftonline.com/vereniging.nl/oauth2/v2.0/token"
    assert smtp.scopes == "https://outlook.office.com/SMTP.Send offline_access"
    other = read(tmp_path, f"{SENDER}provider: microsoft365\n{line.replace('abc', 'abc, tenant: 1-2-3')}").smtp
    assert other is not None and other.device_url == "https://login.microsoftonline.com/1-2-3/oauth2/v2.0/devicecode"
    google = read(tmp_path, f"{SENDER}provider: google\n{line}").smtp
    assert google is not None and google.scopes == "https://mail.google.com/"
    assert google.device_url is None
    plain = read(tmp_path, f"{SENDER}provider: google\nsmtp: {{username: kim@vereniging.nl}}\n").smtp
    assert plain is not None and plain.token_url is None


def test_secrets_of_a_sign_in_are_refused_too(tmp_path: Path) -> None:
    text = f"{SENDER}provider: google\nsmtp: {{auth: oauth, username: kim@x.nl, client_secret: zeergeheim}}\n"
    (found,) = faults(tmp_path, text)
    assert found[1].startswith("client_secret: a secret does not belong") and "zeergeheim" not in str(found)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "x.localhost"])
def test_without_protection_to_this_computer_only(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    settings = read(tmp_path, f'{SENDER}smtp: {{host: "{host}", security: none}}\n')
    assert settings.smtp is not None
    assert settings.smtp.on_loopback


@pytest.mark.parametrize("host", ["mail.example.org", "10.0.0.1", "localhost.example.org", "0.0.0.0", "", "[::2]"])
def test_other_hosts_are_not_this_computer(host: str) -> None:
    assert not is_loopback(host)


def test_how_long_data_are_kept() -> None:
    moment = datetime(2020, 8, 31, 18, tzinfo=ZONE)
    assert Keep(months=6).until(moment) == datetime(2021, 2, 28, 18, tzinfo=ZONE)
    assert Keep(months=12).until(moment) == datetime(2021, 8, 31, 18, tzinfo=ZONE)
    assert Keep(days=90).until(moment) == datetime(2020, 11, 29, 18, tzinfo=ZONE)


def test_a_settings_file_that_cannot_be_read_is_a_fault_of_settings(tmp_path: Path) -> None:
    for text in ("a: [", "", "x"):
        assert faults(tmp_path, text)
