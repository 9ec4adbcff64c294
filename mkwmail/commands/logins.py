"""Whether there is a login to be had when it is needed, as far as can be told without asking anybody."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mkwmail.errors import Fault, UserError
from mkwmail.language import _
from mkwmail.signin.credential import credential_for
from mkwmail.signin.store import Store
from mkwmail.sources.settings import Settings, Smtp


def lacking(settings: Settings, folder: Path, environment: Mapping[str, str] = os.environ) -> Fault | None:
    """What keeps the program from logging in; None where nothing is known to. A password's command is not run."""
    smtp = settings.smtp
    if smtp is None or smtp.password_command:
        return None
    try:
        credential_for(smtp, folder, environment)
    except UserError as error:
        return error.faults[0]
    return None


def out_of_crons_reach(smtp: Smtp) -> str:
    """Why cron may not find a login that is there; empty where it does."""
    if sys.platform != "linux" or not Store.of_user().is_in_ring(smtp):
        return ""
    return _(
        "The login is in the system's keyring, which cron can mostly not reach: uninstall the extra `keyring`, and "
        "type mkwmail login."
    )
