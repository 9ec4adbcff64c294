"""mkwmail, an event mailer for an association.

One event file and one member list hold everything that the correspondence about an event needs.
"""

__version__ = "0.2.0"
