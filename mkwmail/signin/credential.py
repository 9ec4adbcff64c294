"""With what somebody logs in to the mail server."""

import os
from collections.abc import Mapping
from pathlib import Path

from mkwmail.signin.password import Password, password_for
from mkwmail.signin.store import Store
from mkwmail.signin.tokens import Issuing, Tokens
from mkwmail.sources.settings import Auth, Smtp

Credential = Password | Issuing


def credential_for(
    smtp: Smtp, folder: Path, environment: Mapping[str, str] = os.environ, store: Store | None = None
) -> Credential | None:
    """The password, or the tokens of a sign-in; None where the settings name no username. ``folder``: the working
    folder, in which a password's command runs and its file lies.

    :raises UserError: code SETTINGS where there is none, or its source fails or is open to others; LOGIN where nobody
        has signed in.
    """
    if smtp.username is None:
        return None
    if smtp.auth is Auth.OAUTH:
        tokens = Tokens(smtp, store or Store.of_user())
        tokens.check()
        return tokens
    return password_for(smtp, folder, environment, store)
