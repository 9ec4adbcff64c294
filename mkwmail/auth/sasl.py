"""SMTP authentication with an access token: OAUTHBEARER and XOAUTH2.

OAUTHBEARER is RFC 7628. XOAUTH2 is the older mechanism of Google and Microsoft:
developers.google.com/gmail/imap/xoauth2-protocol.
"""

import base64
import json

#: In order of preference: the standard first.
MECHANISMS = ("OAUTHBEARER", "XOAUTH2")

#: The response, in base64, to a challenge that reports an error: empty, or one octet (RFC 7628 §3.2.3).
ANSWERS = {"OAUTHBEARER": "AQ==", "XOAUTH2": ""}


def initial(mechanism: str, username: str, host: str, port: int, token: str) -> str:
    """Return the client's initial response.

    >>> initial("XOAUTH2", "kim@example.org", "", 0, "t").split("\\1")
    ['user=kim@example.org', 'auth=Bearer t', '', '']
    """
    if mechanism == "XOAUTH2":
        return f"user={username}\1auth=Bearer {token}\1\1"
    # A comma and an equals sign would end the name (RFC 5801 §4).
    name = username.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"


def reason(challenge: str) -> str:
    """Return the error in the server's JSON, such as ``invalid_token``.

    Return an empty text if the challenge contains none that can be read.
    """
    try:
        read = json.loads(base64.b64decode(challenge.split(" ")[-1], validate=True))
        status = str(read["status"])
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return "".join(char for char in status if char.isprintable())[:40]
