"""``schema``: the JSON Schema of event and settings files."""

from mkwmail.commands.invocation import Invocation
from mkwmail.errors import ExitCode
from mkwmail.sources.schema import event_schema, settings_schema


def schema(invocation: Invocation, which: str) -> ExitCode:
    """Print the schema of ``event`` or ``settings`` files."""
    invocation.terminal.document(settings_schema() if which == "settings" else event_schema())
    return ExitCode.OK
