"""Measure a comfort-noise recording and say whether it may be played to a callee.

    python sounds/check_noise.py FILE...

The law wants the callee to hear a call centre from the first instant until an agent speaks or the call ends.
The recording plays in a loop from its beginning, so what is asked of it is asked of the loop: windows run
across the seam. The exit status is 0 if every file passes, 1 if one fails, 2 if one cannot be read.
"""

from __future__ import annotations

import argparse
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

# Asterisk chooses the reader by the file's extension, and each reader takes one rate only.
RATE_OF_EXTENSION: Final = {".wav": 8000, ".wav16": 16000}
PCM_FORMAT_TAG: Final = 1

MIN_SECONDS: Final = 20.0
MIN_RMS_DBFS: Final = -33.0
MAX_RMS_DBFS: Final = -27.0
MAX_PEAK_DBFS: Final = -6.0
# Below this a listener on a telephone line takes the call for silent.
MIN_QUIETEST_100MS_DBFS: Final = -45.0
# The first instant decides whether the callee believes the line to be dead.
MIN_FIRST_100MS_DBFS: Final = -34.0
MAX_DC_DBFS: Final = -60.0
# A step at the seam is a click when it is larger than nearly all the steps within the recording.
SEAM_STEP_PERCENTILE: Final = 99.9
MAX_SEAM_LEVEL_CHANGE_DB: Final = 12.0
MIN_TELEPHONE_BAND_SHARE: Final = 0.5
TELEPHONE_BAND: Final = (300.0, 3400.0)

BANDS: Final = (
    (0.0, 300.0),
    (300.0, 600.0),
    (600.0, 1000.0),
    (1000.0, 2000.0),
    (2000.0, 3400.0),
    (3400.0, 4000.0),
    (4000.0, 8000.0),
)

# The level given for digital silence, where the logarithm has no value.
SILENCE_DBFS: Final = -120.0


class UnreadableRecordingError(Exception):
    """The file is not a recording that Asterisk could read."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A mono recording; full scale is 1.0."""

    rate: int
    samples: Signal


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured; levels in dBFS, where a full-scale square wave is 0."""

    rate: int
    seconds: float
    rms: float
    peak: float
    dc: float
    first_100ms: float
    quietest_100ms: float
    quietest_20ms: float
    seam_step: float
    usual_step: float
    seam_level_change_db: float
    band_shares: tuple[float, ...]
    telephone_band_share: float


def read_recording(path: Path) -> Recording:
    """Read a 16-bit mono PCM file.

    Args:
        path: The file; its extension must fit its sample rate.

    Raises:
        UnreadableRecordingError: Asterisk could not play the file, with the reason.
    """
    expected_rate = RATE_OF_EXTENSION.get(path.suffix)
    if expected_rate is None:
        raise UnreadableRecordingError(
            f"the extension must be .wav (8 kHz) or .wav16 (16 kHz), not {path.suffix!r}"
        )
    try:
        _require_plain_pcm(path)
        with wave.open(str(path), "rb") as reader:
            channels, width, rate = reader.getnchannels(), reader.getsampwidth(), reader.getframerate()
            raw = reader.readframes(reader.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise UnreadableRecordingError(f"not a readable WAV file: {error}") from error
    if channels != 1:
        raise UnreadableRecordingError(f"must be mono, has {channels} channels")
    if width != 2:
        raise UnreadableRecordingError(f"must have 16 bits a sample, has {8 * width}")
    if rate != expected_rate:
        raise UnreadableRecordingError(
            f"a {path.suffix} file must have {expected_rate} Hz, this one has {rate}"
        )
    # A download cut short may end within a sample.
    samples = np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2").astype(np.float64) / 32768.0
    if samples.size < rate:
        raise UnreadableRecordingError("holds less than a second of sound")
    return Recording(rate, samples)


def _require_plain_pcm(path: Path) -> None:
    """Refuse the extensible variant of WAV: newer versions of `wave` read it, Asterisk does not."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    start = head.find(b"fmt ")
    tag = int.from_bytes(head[start + 8 : start + 10], "little")
    if start >= 0 and tag != PCM_FORMAT_TAG:
        raise UnreadableRecordingError(f"must be plain PCM (WAV format tag 1), has format tag {tag}")


def to_dbfs(amplitude: float) -> float:
    """Return an amplitude as dB relative to full scale, not below `SILENCE_DBFS`."""
    return max(SILENCE_DBFS, 20.0 * float(np.log10(max(amplitude, 1e-12))))


def window_levels(samples: Signal, length: int) -> Signal:
    """Return the RMS level in dBFS of the window starting at each sample, across the loop's seam.

    Every start is measured, not one in twenty milliseconds: a gap must not hide between two windows.
    """
    energy = np.concatenate([[0.0], np.cumsum(np.square(np.concatenate([samples, samples[: length - 1]])))])
    # Differences of a running sum may fall a rounding error below zero.
    mean = np.maximum(energy[length:] - energy[:-length], 0.0) / length
    return np.asarray(np.maximum(10.0 * np.log10(mean + 1e-12), SILENCE_DBFS), dtype=np.float64)


def band_share(recording: Recording, low: float, high: float) -> float:
    """Return which part of the energy lies from `low` up to, not including, `high` Hz."""
    power = np.square(np.abs(np.fft.rfft(recording.samples)))
    frequencies = np.fft.rfftfreq(recording.samples.size, 1.0 / recording.rate)
    total = float(power.sum())
    if total == 0.0:
        return 0.0
    return float(power[(frequencies >= low) & (frequencies < high)].sum()) / total


def measure(recording: Recording) -> Measures:
    """Measure a recording as the loop it is played in."""
    samples, rate = recording.samples, recording.rate
    tenth = rate // 10
    levels = window_levels(samples, tenth)
    before_seam, after_seam = float(levels[samples.size - tenth]), float(levels[0])
    return Measures(
        rate=rate,
        seconds=samples.size / rate,
        rms=to_dbfs(float(np.sqrt(np.mean(np.square(samples))))),
        peak=to_dbfs(float(np.abs(samples).max())),
        dc=to_dbfs(abs(float(samples.mean()))),
        first_100ms=after_seam,
        quietest_100ms=float(levels.min()),
        quietest_20ms=float(window_levels(samples, rate // 50).min()),
        seam_step=abs(float(samples[0] - samples[-1])),
        usual_step=float(np.percentile(np.abs(np.diff(samples)), SEAM_STEP_PERCENTILE)),
        seam_level_change_db=abs(after_seam - before_seam),
        band_shares=tuple(band_share(recording, low, high) for low, high in BANDS),
        telephone_band_share=band_share(recording, *TELEPHONE_BAND),
    )


def failures(measures: Measures) -> list[str]:
    """Return why a recording may not be used, a sentence for each reason; empty if it may."""
    m = measures
    checks = (
        (m.seconds >= MIN_SECONDS, f"too short: {m.seconds:.1f} s, at least {MIN_SECONDS:.0f} s are needed"),
        (m.rms >= MIN_RMS_DBFS, f"too quiet: RMS {m.rms:.1f} dBFS, at least {MIN_RMS_DBFS:.0f} are needed"),
        (m.rms <= MAX_RMS_DBFS, f"too loud: RMS {m.rms:.1f} dBFS, at most {MAX_RMS_DBFS:.0f} are allowed"),
        (
            m.peak <= MAX_PEAK_DBFS,
            f"peaks too high: {m.peak:.1f} dBFS, at most {MAX_PEAK_DBFS:.0f} are allowed",
        ),
        (
            m.quietest_100ms >= MIN_QUIETEST_100MS_DBFS,
            f"has a silent gap: 100 ms at {m.quietest_100ms:.1f} dBFS, at least "
            f"{MIN_QUIETEST_100MS_DBFS:.0f} are needed everywhere, also across the loop's seam",
        ),
        (
            m.first_100ms >= MIN_FIRST_100MS_DBFS,
            f"begins too quietly: first 100 ms at {m.first_100ms:.1f} dBFS, "
            f"at least {MIN_FIRST_100MS_DBFS:.0f} are needed",
        ),
        (m.dc <= MAX_DC_DBFS, f"has a DC offset of {m.dc:.1f} dBFS, at most {MAX_DC_DBFS:.0f} are allowed"),
        (
            m.seam_step <= m.usual_step,
            f"clicks at the loop's seam: a step of {m.seam_step:.4f} from the last sample to the first, "
            f"where steps within the recording reach {m.usual_step:.4f}",
        ),
        (
            m.seam_level_change_db <= MAX_SEAM_LEVEL_CHANGE_DB,
            f"jumps at the loop's seam: {m.seam_level_change_db:.1f} dB between the last and the first "
            f"100 ms, at most {MAX_SEAM_LEVEL_CHANGE_DB:.0f} are allowed",
        ),
        (
            m.telephone_band_share >= MIN_TELEPHONE_BAND_SHARE,
            f"is mostly outside the telephone band: {m.telephone_band_share:.0%} of the energy lies within "
            f"300-3400 Hz, at least {MIN_TELEPHONE_BAND_SHARE:.0%} are needed",
        ),
    )
    return [reason for passed, reason in checks if not passed]


def describe(measures: Measures) -> str:
    """Return the measures as lines for a person."""
    m = measures
    lines = [
        f"  {m.rate} Hz, mono, 16 bit, {m.seconds:.3f} s",
        f"  RMS              {m.rms:7.1f} dBFS",
        f"  peak             {m.peak:7.1f} dBFS",
        f"  first 100 ms     {m.first_100ms:7.1f} dBFS",
        f"  quietest 100 ms  {m.quietest_100ms:7.1f} dBFS",
        f"  quietest 20 ms   {m.quietest_20ms:7.1f} dBFS",
        f"  DC offset        {m.dc:7.1f} dBFS",
        f"  seam: step {m.seam_step:.4f} (within the recording up to {m.usual_step:.4f}), "
        f"level change {m.seam_level_change_db:.1f} dB",
        f"  energy within 300-3400 Hz {m.telephone_band_share:6.1%}",
    ]
    for (low, high), share in zip(BANDS, m.band_shares, strict=True):
        if low < m.rate / 2:
            lines.append(f"    {low:4.0f}-{high:4.0f} Hz {share:6.1%}")
    return "\n".join(lines)


def check_file(path: Path) -> int:
    """Print a file's measures and what is wrong with it; return the exit status."""
    try:
        measures = measure(read_recording(path))
    except UnreadableRecordingError as error:
        print(f"{path}: REFUSED\n  - {error}")
        return 2
    reasons = failures(measures)
    print(f"{path}: {'REFUSED' if reasons else 'ok'}\n{describe(measures)}")
    for reason in reasons:
        print(f"  - {reason}")
    return 1 if reasons else 0


def main(arguments: list[str] | None = None) -> int:
    """Check the files named on the command line."""
    parser = argparse.ArgumentParser(description="Check comfort-noise recordings.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    return max(check_file(path) for path in parser.parse_args(arguments).files)


if __name__ == "__main__":
    sys.exit(main())
