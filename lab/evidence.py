"""The callees' side of every call: what the network logged and what the callees heard.

Nothing here comes from the controller or the PBX. Times are seconds since the epoch by this machine's clock,
as the simulated network wrote them. Times in a recording count from the answer; measured against packets on
the wire they are right to 0.04 s (a recording's clock advances in steps of 20 ms; the first is late).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lab.sounds import AGENT_TONE_HZ, RATE, Samples

FRAME: Final = 0.01
"""Resolution of the analysis, in seconds."""
AUDIBLE_DB: Final = -50.0
"""RMS level, below full scale, from which a frame is sound; the comfort noise is at about -30."""

_WAV_HEADER: Final = 44
_TONE_DB: Final = -35.0
_TONE_SHARE: Final = 0.5
"""Part of a window's energy that must be in the agent's tone."""
_TONE_WINDOW: Final = 4
"""Frames in a window; noise alone has about 1/160 of its energy in the tone."""

_FIELDS: Final = ("type", "user_type", "time", "unique_id", "channel", "context", "exten", "caller", "extra")

HungUpBy = Literal["callee", "caller"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recording holds, in seconds from its start.

    Attributes:
        length: How long it is.
        first_audio: When something is heard for the first time.
        agent: When the agent's tone is heard for the first time.
        longest_silence: The longest time without sound before the agent, or else before the end.
    """

    length: float
    first_audio: float | None
    agent: float | None
    longest_silence: float


@dataclass(frozen=True, slots=True)
class CalleeCall:
    """One call as the dialed side saw it.

    Attributes:
        number: What was dialed.
        dialed_at: When the call came (INVITE).
        rang_at: When it rang.
        answered_at: When it was answered.
        ended_at: When it ended; None: it is still up.
        hung_up_by: Who ended an answered call; None for one that was not answered or is up.
        cause: Its Q.850 cause as the network saw it.
        caller_id: The caller's number as presented.
        recording: What the callee heard; there a moment after the end.
        first_audio_after: Seconds from the answer until something was heard.
        agent_heard_after: Seconds from the answer until the agent was heard.
        longest_silence_before_agent: Longest time without sound, in seconds, from the answer to the agent, or
            else to the end.
        recording_lost: Seconds of the call that the recording lacks: on a machine with too much to do
            Asterisk skips, and what was heard may be up to this much later than the recording says.
    """

    number: str
    dialed_at: float
    rang_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    hung_up_by: HungUpBy | None = None
    cause: int | None = None
    caller_id: str = ""
    recording: Path | None = None
    first_audio_after: float | None = None
    agent_heard_after: float | None = None
    longest_silence_before_agent: float = 0.0
    recording_lost: float = 0.0

    @property
    def duration(self) -> float | None:
        """Seconds from the answer to the end; None for a call not answered or still up."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.answered_at


def read_calls(log: Path, recordings: Path, *, since: float = 0.0, analyse: bool = True) -> list[CalleeCall]:
    """Read the network's evidence.

    Args:
        log: The network's log.
        recordings: Where the recordings are.
        since: Leave out calls that came before.
        analyse: Whether to listen to the recordings of calls that are over.

    Returns:
        The calls, in the order in which they came.
    """
    by_channel: dict[str, list[dict[str, str]]] = {}
    for row in _rows(log):
        by_channel.setdefault(row["unique_id"], []).append(row)
    calls = []
    for unique_id, rows in by_channel.items():
        call = _call(rows, recordings / f"{unique_id}.wav", analyse)
        if call is not None and call.dialed_at >= since:
            calls.append(call)
    return sorted(calls, key=lambda call: call.dialed_at)


def _rows(log: Path) -> Iterable[dict[str, str]]:
    if not log.exists():
        return
    with log.open(newline="") as file:
        for fields in csv.reader(file):
            if len(fields) == len(_FIELDS):  # The last line may be half written.
                yield dict(zip(_FIELDS, fields, strict=True))


def _call(rows: list[dict[str, str]], recording: Path, analyse: bool) -> CalleeCall | None:
    first = rows[0]
    if first["type"] != "CHAN_START" or not first["exten"].startswith("+"):
        return None  # An agent's phone.
    times = {row["user_type"] or row["type"]: float(row["time"]) for row in rows}
    hangup = next((row for row in rows if row["type"] == "HANGUP"), None)
    extra = json.loads(hangup["extra"]) if hangup is not None and hangup["extra"] else {}
    answered, ended = times.get("ANSWER"), times.get("HANGUP")
    by: HungUpBy | None = None
    if answered is not None and ended is not None:
        # The source is a channel's name only if the far end of that channel hung up.
        by = "caller" if str(extra.get("hangupsource", "")).startswith("PJSIP/") else "callee"
    kept = recording if answered is not None and is_complete(recording) else None
    heard = listen(kept) if kept is not None and analyse else None
    return CalleeCall(
        number=first["exten"],
        dialed_at=float(first["time"]),
        rang_at=times.get("RANG"),
        answered_at=answered,
        ended_at=ended,
        hung_up_by=by,
        cause=extra.get("hangupcause"),
        caller_id=first["caller"],
        recording=kept,
        first_audio_after=heard.first_audio if heard else None,
        agent_heard_after=heard.agent if heard else None,
        longest_silence_before_agent=heard.longest_silence if heard else 0.0,
        recording_lost=max(0.0, ended - answered - heard.length) if heard and answered and ended else 0.0,
    )


def is_complete(recording: Path) -> bool:
    """Whether Asterisk has closed a recording: only then does the header tell its length."""
    try:
        with recording.open("rb") as file:
            header = file.read(_WAV_HEADER)
            size = file.seek(0, 2)
    except OSError:
        return False
    return len(header) == _WAV_HEADER and int.from_bytes(header[40:44], "little") == size - _WAV_HEADER > 0


def listen(recording: Path) -> Heard:
    """Listen to a complete recording; see `hear`."""
    samples = np.frombuffer(recording.read_bytes()[_WAV_HEADER:], dtype="<i2")
    return hear(samples.astype(np.float64) / 32768)


def hear(samples: Samples) -> Heard:
    """Find out when something and when the agent is heard.

    Args:
        samples: Audio at 8 kHz, full scale 1.0.

    Returns:
        The times.
    """
    per_frame = round(RATE * FRAME)
    frames = samples[: len(samples) // per_frame * per_frame].reshape(-1, per_frame)
    energy = np.mean(frames**2, axis=1) if len(frames) else np.zeros(0)
    audible = energy > 10 ** (AUDIBLE_DB / 10)
    agent = _first_tone(frames, energy)
    until = len(audible) if agent is None else agent
    heard = np.flatnonzero(audible)
    return Heard(
        length=len(samples) / RATE,
        first_audio=float(heard[0] * FRAME) if len(heard) else None,
        agent=None if agent is None else agent * FRAME,
        longest_silence=_longest_run(~audible[:until]) * FRAME,
    )


def _first_tone(frames: NDArray[np.float64], energy: NDArray[np.float64]) -> int | None:
    """Find the first frame of the agent's tone.

    Each frame is correlated with the tone (Goertzel's algorithm, as one product). It holds a whole number of
    the tone's periods, so that phases of consecutive frames agree and windows of frames can be summed.
    """
    if len(frames) < _TONE_WINDOW:
        return None
    wave = np.exp(-2j * np.pi * AGENT_TONE_HZ * np.arange(frames.shape[1]) / RATE)
    window = np.ones(_TONE_WINDOW)
    amplitude = np.abs(np.convolve(frames @ wave, window, "valid")) * 2 / (frames.shape[1] * _TONE_WINDOW)
    tone = amplitude**2 / 2
    total = np.convolve(energy, window, "valid") / _TONE_WINDOW
    found = np.flatnonzero((tone > 10 ** (_TONE_DB / 10)) & (tone > _TONE_SHARE * total))
    if not len(found):
        return None
    # The first window that passes may begin before the tone does; the tone begins where its energy jumps.
    start = int(found[0])
    steady = tone[min(start + _TONE_WINDOW, len(tone) - 1)]
    loud = np.abs(frames[start : start + _TONE_WINDOW] @ wave) * 2 / frames.shape[1]
    return start + int(np.argmax(loud**2 / 2 > 0.25 * steady))


def _longest_run(flags: NDArray[np.bool_]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
