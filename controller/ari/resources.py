"""ARI's resources under the names ari-py gave them, as ari.channels.originate(...).

Every method raises AsteriskUnreachable (no answer: `outcome_unknown` tells whether it may have happened),
AsteriskRefused (an error status: see `.not_found`, `.conflict`) and AriProtocolError (an answer that makes
no sense). Only what differs from that is documented below.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from controller.ari import requests
from controller.ari.models import Application, AsteriskInfo, Bridge, Channel, Endpoint, Playback, decode, text
from controller.ari.protocol import Request, Response, require_success
from controller.errors import AsteriskRefused, AsteriskUnreachable

Send: TypeAlias = Callable[[Request], Awaitable[Response]]


class _Resource:
    def __init__(self, send: Send) -> None:
        self._send = send

    async def _do(self, request: Request) -> Response:
        return require_success(request, await self._send(request))

    async def _do_unless_gone(self, request: Request) -> bool:
        """Do it; False if what it concerns does not exist any more."""
        response = await self._send(request)
        if response.status == 404:
            return False
        require_success(request, response)
        return True


class Channels(_Resource):
    """Legs of calls."""

    async def originate(
        self,
        *,
        endpoint: str,
        channel_id: str | None = None,
        context: str | None = None,
        extension: str | None = None,
        priority: int = 1,
        label: str | None = None,
        app: str | None = None,
        app_args: str | None = None,
        caller_id: str | None = None,
        timeout: int = 30,
        variables: Mapping[str, str] | None = None,
    ) -> Channel:
        """Place a call, into the dialplan (context, extension) or into an application (app).

        Give `channel_id`, and register it before: events may come before the answer, and a call whose
        request broke can be placed again without ringing twice. If it was placed twice over, this returns as
        if once.

        Args:
            endpoint: "PJSIP/39055123@trunk".
            channel_id: our own unique id for the channel.
            context: where in the dialplan the call goes when it is answered; with `app`, leave it out.
            extension: extension there.
            priority: priority there.
            label: the same by its name; then Asterisk looks whether it is there before it dials (else 404).
            app: Stasis application the call enters when it is answered.
            app_args: arguments for it, separated by commas.
            caller_id: "Name <number>" or a number.
            timeout: seconds to ring; -1 for no limit.
            variables: channel variables, and functions such as CALLERID(name).

        Raises:
            AsteriskRefused: 500 if the channel could not be made, as for an unknown endpoint or an
                unavailable phone (resource_channels.c:1325); that is no fault of the server. 409 for an id
                in use, but also, on a connection that saw one before, for whatever else would be a 500: look
                with `get`.
        """
        request = requests.originate(
            endpoint=endpoint,
            channel_id=channel_id,
            context=context,
            extension=extension,
            priority=priority if app is None and label is None else None,
            label=label,
            app=app,
            app_args=app_args,
            caller_id=caller_id,
            timeout=timeout,
            variables=variables,
        )
        return await self._place(request, channel_id)

    async def _place(self, request: Request, channel_id: str | None) -> Channel:
        """Send an origination; if only its repetition was refused, return the first one's channel.

        A 409 alone proves nothing, hence the look: Asterisk keeps it for the connection's thread and gives it
        for every later failure there (resource_channels.c tests ast_channel_errno(), which nothing resets).
        """
        response = await self._send(request)
        if response.status != 409 or not response.repeated or channel_id is None:
            return decode(Channel.parse, require_success(request, response).json_object())
        try:
            return await self.get(channel_id)
        except AsteriskRefused as error:
            if not error.not_found:
                raise
            raise AsteriskUnreachable(
                f"Channel {channel_id} was placed and is over, or was never placed", outcome_unknown=True
            ) from error

    async def list(self) -> list[Channel]:
        """Return all channels of this Asterisk, ours or not."""
        response = await self._do(requests.get("channels"))
        return [decode(Channel.parse, raw) for raw in response.json_objects()]

    async def get(self, channel_id: str) -> Channel:
        """Return one channel."""
        response = await self._do(requests.get("channels", channel_id))
        return decode(Channel.parse, response.json_object())

    async def answer(self, channel_id: str) -> None:
        """Answer a channel; waits for whatever is being played to it."""
        await self._do(requests.answer(channel_id))

    async def hangup(self, channel_id: str, reason: str | int = "normal") -> bool:
        """Hang up; False if the channel was gone already, which is no error.

        Args:
            channel_id: the channel.
            reason: "normal", "busy", "congestion", "no_answer", ... or a Q.850 cause.
        """
        return await self._do_unless_gone(requests.hangup(channel_id, reason))

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Set a variable or function of a channel in Stasis; waits for whatever is being played to it.

        Asterisk answers 204 even where the function is unknown or refused (control.c:757 ignores the
        result): what matters must be read back once with `get_variable`.
        """
        await self._do(requests.set_variable(channel_id, name, value))

    async def get_variable(self, channel_id: str, name: str) -> str:
        """Return the value of a variable or function; "" if the channel has none of that name."""
        request = requests.get("channels", channel_id, "variable", variable=name)
        try:
            response = await self._do(request)
        except AsteriskRefused as error:
            # The same status says "no such channel"; only the words differ (resource_channels.c).
            if error.not_found and "variable" in error.reason.lower():
                return ""
            raise
        return text(response.json_object(), "value")

    async def start_moh(self, channel_id: str, moh_class: str | None = None) -> None:
        """Play a music-on-hold class until `stop_moh`; unlike a playback it makes no request wait."""
        await self._do(requests.start_moh(channel_id, moh_class))

    async def stop_moh(self, channel_id: str) -> bool:
        """Stop music on hold, whoever started it, in a bridge or not; False if the channel is gone."""
        return await self._do_unless_gone(requests.delete("channels", channel_id, "moh"))

    async def continue_in_dialplan(
        self,
        channel_id: str,
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
        label: str | None = None,
    ) -> None:
        """Leave Stasis and go on in the dialplan, there or after the Stasis() that led here."""
        await self._do(requests.continue_in_dialplan(channel_id, context, extension, priority, label))

    async def send_dtmf(
        self, channel_id: str, digits: str, *, between_ms: int = 100, duration_ms: int = 100
    ) -> None:
        """Press keys for `duration_ms` milliseconds each with `between_ms` between them."""
        await self._do(requests.send_dtmf(channel_id, digits, between_ms, duration_ms))

    async def play(self, channel_id: str, media: str, playback_id: str | None = None) -> Playback:
        """Start a sound such as "sound:hello"; until it ends, methods that "wait" here block."""
        response = await self._do(requests.play("channels", channel_id, media, playback_id))
        return decode(Playback.parse, response.json_object())


class Bridges(_Resource):
    """Where channels hear each other."""

    async def create(
        self, bridge_id: str | None = None, *, type: str = "mixing", name: str | None = None
    ) -> Bridge:
        """Make a bridge.

        Raises:
            AsteriskRefused: 409 if there is one with this id.
        """
        request = requests.create_bridge(bridge_id, type, name)
        response = await self._send(request)
        if response.status == 409 and response.repeated and bridge_id is not None:
            return await self.get(bridge_id)
        return decode(Bridge.parse, require_success(request, response).json_object())

    async def list(self) -> list[Bridge]:
        """Return all bridges of this Asterisk."""
        response = await self._do(requests.get("bridges"))
        return [decode(Bridge.parse, raw) for raw in response.json_objects()]

    async def get(self, bridge_id: str) -> Bridge:
        """Return one bridge."""
        response = await self._do(requests.get("bridges", bridge_id))
        return decode(Bridge.parse, response.json_object())

    async def add_channel(self, bridge_id: str, *channel_ids: str, role: str | None = None) -> None:
        """Put channels in; waits for a playback on them.

        Music on hold makes nobody wait and goes on in the bridge, unheard by the others: `stop_moh` after
            this.

        Raises:
            AsteriskRefused: 404 no such bridge, 400 no such channel (not 404), 409 a channel that is not in
                Stasis.
        """
        await self._do(requests.add_channel(bridge_id, channel_ids, role))

    async def remove_channel(self, bridge_id: str, *channel_ids: str) -> None:
        """Take channels out; waits for a playback on them."""
        await self._do(requests.remove_channel(bridge_id, channel_ids))

    async def destroy(self, bridge_id: str) -> bool:
        """End a bridge, its channels stay in Stasis; False if it was gone already.

        A bridge that is just being destroyed is answered with 409, "not in Stasis application": gone as well.
        """
        try:
            return await self._do_unless_gone(requests.delete("bridges", bridge_id))
        except AsteriskRefused as error:
            if error.conflict:
                return False
            raise

    async def play(self, bridge_id: str, media: str, playback_id: str | None = None) -> Playback:
        """Start a sound for everybody in the bridge; Asterisk makes an extra channel for it."""
        response = await self._do(requests.play("bridges", bridge_id, media, playback_id))
        return decode(Playback.parse, response.json_object())


class Playbacks(_Resource):
    """Sounds being played."""

    async def get(self, playback_id: str) -> Playback:
        """Return one playback."""
        response = await self._do(requests.get("playbacks", playback_id))
        return decode(Playback.parse, response.json_object())

    async def stop(self, playback_id: str) -> bool:
        """Stop a sound; False if it was over already."""
        return await self._do_unless_gone(requests.delete("playbacks", playback_id))


class Endpoints(_Resource):
    """Trunks and phones."""

    async def list(self, tech: str | None = None) -> list[Endpoint]:
        """Return all endpoints, or those of one technology such as "PJSIP"."""
        response = await self._do(requests.get("endpoints", *([tech] if tech else [])))
        return [decode(Endpoint.parse, raw) for raw in response.json_objects()]

    async def get(self, tech: str, resource: str) -> Endpoint:
        """Return one endpoint."""
        response = await self._do(requests.get("endpoints", tech, resource))
        return decode(Endpoint.parse, response.json_object())


class Applications(_Resource):
    """Stasis applications: what is sent to whom."""

    async def get(self, app: str) -> Application:
        """Return one application."""
        response = await self._do(requests.get("applications", app))
        return decode(Application.parse, response.json_object())

    async def subscribe(self, app: str, event_source: str) -> Application:
        """Follow "channel:ID", "bridge:ID" or "endpoint:PJSIP/name".

        This does not outlast an Asterisk restart; what must is `AriConfig.subscriptions`.
        """
        response = await self._do(requests.subscribe(app, event_source))
        return decode(Application.parse, response.json_object())

    async def set_event_filter(self, app: str, *, disallowed: tuple[str, ...]) -> None:
        """Tell Asterisk which event types not to send, instead of the configured ones, until reconnection."""
        await self._do(requests.set_event_filter(app, disallowed=disallowed))


class AsteriskResource(_Resource):
    """The server itself."""

    async def info(self) -> AsteriskInfo:
        """Return version and startup time."""
        response = await self._do(requests.asterisk_info())
        return decode(AsteriskInfo.parse, response.json_object())

    async def ping(self) -> None:
        """Return if Asterisk answers; the cheapest question there is."""
        await self._do(requests.get("asterisk", "ping"))

    async def get_variable(self, name: str) -> str:
        """Return a global variable, "" if there is none."""
        response = await self._do(requests.get("asterisk", "variable", variable=name))
        return text(response.json_object(), "value")

    async def set_variable(self, name: str, value: str) -> None:
        """Set a global variable."""
        await self._do(requests.set_global(name, value))

    async def unset_variable(self, name: str) -> None:
        """Remove a global variable, if there is one."""
        await self._do(requests.set_global(name, None))

    async def module_running(self, name: str) -> bool:
        """Return whether a module, such as "func_timeout.so", is loaded and running."""
        try:
            response = await self._do(requests.get("asterisk", "modules", name))
        except AsteriskRefused as error:
            if error.not_found or error.conflict:  # 409: known but not loaded
                return False
            raise
        return text(response.json_object(), "status") == "Running"
