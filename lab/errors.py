"""What can go wrong in the lab."""

from __future__ import annotations


class LabError(Exception):
    """Base of the lab's errors; the text says what to do about it."""


class ProvisionError(LabError):
    """Asterisk or Redis cannot be had; the text holds the one command that helps."""


class ProcessError(LabError):
    """A program of the lab did not start, ended early or did not answer in time."""


class PhoneError(LabError):
    """A simulated phone could not do what it was told."""
