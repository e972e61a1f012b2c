"""Campaign controller for Asterisk: dials a campaign and keeps the law on silent calls by construction."""

__version__ = "0.1.0"
