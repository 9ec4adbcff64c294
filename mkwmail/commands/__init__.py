"""The commands: each wires the layers together and returns an exit code.

The other modules hold the steps and questions that several commands share.
"""
