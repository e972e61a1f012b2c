"""All that the API serves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from controller import __version__
from controller.api.rest.openapi import document
from controller.api.rest.resources import (
    agents,
    calls,
    campaigns,
    compliance,
    contacts,
    events,
    followups,
    forms,
    history,
    imports,
    itself,
    leads,
    lists,
    offers,
    scripts,
    segments,
    watching,
    webhooks,
    work,
)

RESOURCES = (
    campaigns.campaigns,
    contacts.contacts,
    history.history,
    imports.imports,
    segments.segments,
    scripts.scripts,
    calls.calls,
    work.work,
    leads.leads,
    forms.forms,
    followups.followups,
    webhooks.webhooks,
    agents.agents,
    offers.offers,
    lists.lists,
    compliance.compliance,
    events.events,
    watching.watching,
    itself.itself,
)
"""In the order of the document."""


@cache
def openapi_document() -> Mapping[str, Any]:
    """The OpenAPI document; made once."""
    return document(RESOURCES, __version__)
