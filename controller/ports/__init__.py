"""The edges of the engine, as protocols. Each has an in-memory twin; one contract test runs on both.

    CallControl  Asterisk, by ARI        controller.ari.control    controller.simulation.telephony
    Ledger       Redis                   controller.store.ledger   controller.store.memory
    Hopper       Redis                   controller.store.hopper   controller.store.memory_hopper
    Records      SQL                     controller.store.records  controller.store.memory
    Imports      SQL                     controller.store.imports  controller.store.memory_imports
    Outward      SQL                     controller.store.outward  controller.store.memory_leads
    Mailer       a mail server, by SMTP  controller.outward.smtp  controller.store.memory_outbox
    Poster       receivers of webhooks   controller.outward.hooks tests have their own
    Clock        the machine's clocks    controller.engine.clock   tests set their own

Every method may raise ``Unreachable`` (controller.errors) when its edge gives no confirmed answer in time;
the engine then places no call (L7).
"""

from __future__ import annotations

from controller.ports.call_control import (
    AgentAction,
    AgentArrived,
    AgentAsked,
    AgentGone,
    AgentOnWire,
    CallArrived,
    CallControl,
    CallGone,
    CallLeft,
    CallOnWire,
    CallPickedUp,
    CallRang,
    LinkDown,
    LinkUp,
    PhoneEvent,
    Wire,
)
from controller.ports.clock import Clock
from controller.ports.compliance import Authorship, Evidence, Lists, People, PersonFile, Reduced
from controller.ports.hopper import Hopper, HopperEntry, HopperSizes
from controller.ports.ledger import (
    Admission,
    Admitting,
    Exposure,
    FlightMark,
    Ledger,
    ManualSuppression,
    Suppression,
    Verdict,
)
from controller.ports.operations import (
    AgentStatus,
    Blocked,
    CampaignStatus,
    ControllerStatus,
    OfferStatus,
    Operations,
)
from controller.ports.pacing import RECENT, Learned, PacingFigures, PacingReport, Spread
from controller.ports.queues import QueueStatus
from controller.ports.records import (
    AttemptEnd,
    AttemptFact,
    CampaignFigures,
    CampaignRow,
    ImportResult,
    ListedContact,
    Records,
)

__all__ = [
    "RECENT",
    "Admission",
    "Admitting",
    "AgentAction",
    "AgentArrived",
    "AgentAsked",
    "AgentGone",
    "AgentOnWire",
    "AgentStatus",
    "AttemptEnd",
    "AttemptFact",
    "Authorship",
    "Blocked",
    "CallArrived",
    "CallControl",
    "CallGone",
    "CallLeft",
    "CallOnWire",
    "CallPickedUp",
    "CallRang",
    "CampaignFigures",
    "CampaignRow",
    "CampaignStatus",
    "Clock",
    "ControllerStatus",
    "Evidence",
    "Exposure",
    "FlightMark",
    "Hopper",
    "HopperEntry",
    "HopperSizes",
    "ImportResult",
    "Learned",
    "Ledger",
    "LinkDown",
    "LinkUp",
    "ListedContact",
    "Lists",
    "ManualSuppression",
    "OfferStatus",
    "Operations",
    "PacingFigures",
    "PacingReport",
    "People",
    "PersonFile",
    "PhoneEvent",
    "QueueStatus",
    "Records",
    "Reduced",
    "Spread",
    "Suppression",
    "Verdict",
    "Wire",
]
