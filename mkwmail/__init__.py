"""mkwmail: one event file and one member list carry the whole correspondence of an event."""

__version__ = "0.1.0"
