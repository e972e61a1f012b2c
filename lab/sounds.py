"""What the simulated people say: sounds made here, so that nobody has rights in them."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 8000
AGENT_TONE_HZ: Final = 1000.0
"""What an agent's phone plays (lab/network-conf/extensions.conf); no other sound here is near it."""

Samples = NDArray[np.float64]
"""Full scale is 1.0."""


def tone(seconds: float, hertz: float, level_db: float) -> Samples:
    """A sine; `level_db` is its RMS level below full scale."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * time), dtype=np.float64)


def speech(seconds: float, level_db: float) -> Samples:
    """Something with the rhythm and the band of speech: harmonics of a voice, four syllables a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 130.0 * n * time + n) / n for n in (1, 2, 3, 4, 5))
    syllables = np.abs(np.sin(2 * np.pi * 2.0 * time)) ** 0.7
    sound = np.asarray(voice * syllables, dtype=np.float64)
    return np.asarray(sound * (10 ** (level_db / 20) / np.sqrt(np.mean(sound**2))), dtype=np.float64)


def noise(seconds: float, level_db: float, seed: int = 1) -> Samples:
    """White noise."""
    return np.random.default_rng(seed).normal(0.0, 10 ** (level_db / 20), round(seconds * RATE))


def silence(seconds: float) -> Samples:
    """Nothing."""
    return np.zeros(round(seconds * RATE))


def write_wav(path: Path, samples: Samples) -> None:
    """Write a mono WAV file of 16 bits; what is over full scale is clipped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(data.tobytes())


def make_network_sounds(folder: Path) -> None:
    """Make what callees say: hello, a machine's greeting and beep, and the talk that goes on."""
    write_wav(folder / "sounds" / "en" / "hello.wav", speech(0.6, -20.0))
    greeting = np.concatenate([speech(3.4, -20.0), silence(0.4), tone(0.4, 1400.0, -15.0)])
    write_wav(folder / "sounds" / "en" / "greeting.wav", greeting)
    # A quiet hum without a pause; a whole number of periods, so that its repetition is not heard.
    write_wav(folder / "voice" / "voice.wav", tone(20.0, 330.0, -40.0))
