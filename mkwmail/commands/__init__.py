"""One module a command: it wires the layers together and returns an exit code."""
