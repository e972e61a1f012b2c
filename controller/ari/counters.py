"""What the ARI client counts, for metrics and for tests. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class AriCounters:
    """Totals since the client was opened; written by the client only.

    Attributes:
        connects: event WebSockets opened and set up.
        disconnects: of these, how many were lost.
        connect_failures: attempts that got no working connection.
        events: events read, whatever their type.
        malformed: frames that were no JSON object, events that lacked what their type requires, and answers
            that name no request.
        overflows: connections dropped because the event queue was full.
        requests: requests made, both transports.
        retries: requests repeated after a broken connection.
        timeouts: requests whose deadline passed.
        late_responses: WebSocket answers that came after their deadline.
    """

    connects: int = 0
    disconnects: int = 0
    connect_failures: int = 0
    events: int = 0
    malformed: int = 0
    overflows: int = 0
    requests: int = 0
    retries: int = 0
    timeouts: int = 0
    late_responses: int = 0
