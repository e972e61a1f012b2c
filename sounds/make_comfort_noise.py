"""Make the comfort noise: a call centre heard from afar, as a loop without a seam.

    python sounds/make_comfort_noise.py [DIRECTORY]

Needs numpy and the command espeak-ng. Everything is synthesised. The loop is a circle: filters and echoes are
circular convolutions and every element is laid onto the circle modulo its length, so the end runs on into the
beginning by construction. It is mixed at 16 kHz; the 8 kHz file is the same sound with a narrower band.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

RATE: Final = 16000
# A whole number of 20 ms frames at either rate, so that no player meets a short frame at the seam.
SECONDS: Final = 24
LENGTH: Final = RATE * SECONDS
SEED: Final = 2014

OUTPUT_RMS_DBFS: Final = -30.0
BABBLE_DBFS: Final = -31.0
ROOM_DBFS: Final = -40.5
RING_DBFS: Final = -34.0
KEYBOARD_PEAK_DBFS: Final = -23.0


@dataclass(frozen=True, slots=True)
class Talker:
    """A voice in the room.

    Attributes:
        voice: The espeak-ng voice and its variant.
        speed: Words a minute.
        pitch: espeak-ng's pitch, 0 to 99.
        gain_db: Loudness among the talkers; the farther, the quieter.
        cutoff: Hz above which distance and partitions swallow the voice.
        echo: The room's part of what is heard, 0 to 1.
    """

    voice: str
    speed: int
    pitch: int
    gain_db: float
    cutoff: float
    echo: float


# No talker stands out by more than a few dB: one that did could be listened to.
TALKERS: Final = (
    Talker("it+f2", 168, 52, 0.0, 3000.0, 0.45),
    Talker("it+m3", 160, 38, -1.0, 2800.0, 0.45),
    Talker("it+f4", 182, 60, -1.5, 2600.0, 0.55),
    Talker("it+m1", 172, 45, -2.0, 2400.0, 0.55),
    Talker("es+f3", 165, 48, -3.0, 2200.0, 0.60),
    Talker("ro+m7", 158, 35, -3.0, 2200.0, 0.60),
    Talker("it+f5", 176, 66, -4.0, 1900.0, 0.70),
    Talker("sq+m5", 166, 50, -4.0, 1900.0, 0.70),
    Talker("pt+f1", 170, 55, -5.0, 1700.0, 0.75),
)


@dataclass(frozen=True, slots=True)
class Ring:
    """One ringing of a desk phone: two notes in quick alternation."""

    start: float
    low: float
    high: float
    gain_db: float


RING_SECONDS: Final = 1.0
# Three phones, each ringing 1 s in 5 s as Italian ones do until they are picked up. A callee hears less than
# 3 s, as a rule from the loop's start: any such stretch, wherever it begins, has to hold part of a ring.
RINGS: Final = (
    Ring(0.25, 1060.0, 1325.0, 0.0),
    Ring(2.70, 860.0, 1080.0, 0.0),
    Ring(5.25, 1060.0, 1325.0, 0.0),
    Ring(7.70, 860.0, 1080.0, 0.0),
    Ring(10.30, 1240.0, 1560.0, -3.0),
    Ring(12.80, 1060.0, 1325.0, -1.0),
    Ring(15.30, 1240.0, 1560.0, -3.0),
    Ring(17.80, 1060.0, 1325.0, -1.0),
    Ring(20.00, 860.0, 1080.0, 0.0),
    Ring(22.10, 1240.0, 1560.0, -3.0),
)


def amplitude(dbfs: float) -> float:
    """Return the amplitude of a level in dB."""
    return float(10.0 ** (dbfs / 20.0))


def at_level(signal: Signal, dbfs: float) -> Signal:
    """Scale a signal to an RMS level."""
    return signal * (amplitude(dbfs) / float(np.sqrt(np.mean(np.square(signal)))))


def bins(size: int) -> Signal:
    """Return the frequency in Hz of each spectral line of a loop at our rate."""
    return np.asarray(np.fft.rfftfreq(size, 1.0 / RATE), dtype=np.float64)


def roll_off(frequencies: Signal, start: float, end: float) -> Signal:
    """Return a gain of 1 below `start` Hz falling as a raised cosine to 0 at `end` Hz."""
    position = np.clip((frequencies - start) / (end - start), 0.0, 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * position), dtype=np.float64)


def low_pass(signal: Signal, cutoff: float) -> Signal:
    """Low-pass a loop gently, as distance does (flat, then 12 dB an octave, no phase shift)."""
    gain = 1.0 / np.sqrt(1.0 + (bins(signal.size) / cutoff) ** 4)
    return np.fft.irfft(np.fft.rfft(signal) * gain, signal.size)


def resample(signal: Signal, old_rate: int, new_rate: int) -> Signal:
    """Change the rate by cutting or padding the spectrum, which keeps a loop a loop."""
    size = round(signal.size * new_rate / old_rate)
    spectrum = np.fft.rfft(signal)
    fitted = np.zeros(size // 2 + 1, dtype=np.complex128)
    common = min(spectrum.size, fitted.size)
    fitted[:common] = spectrum[:common]
    return np.asarray(np.fft.irfft(fitted, size) * (size / signal.size), dtype=np.float64)


def add_on_circle(loop: Signal, part: Signal, start: int) -> None:
    """Add a part to the loop, wrapping around its end."""
    np.add.at(loop, (start + np.arange(part.size)) % loop.size, part)


def room_response(noise: np.random.RandomState) -> Signal:
    """Return the echo of an office: half a second of decaying noise, dull, of unit energy, on the circle."""
    seconds = np.arange(int(0.5 * RATE)) / RATE
    response = np.zeros(LENGTH)
    # -60 dB after 0.45 s; the first 8 ms are the way to the nearest wall.
    start = int(0.008 * RATE)
    decay = np.exp(-6.9 * seconds / 0.45)
    response[start : start + seconds.size] = noise.standard_normal(seconds.size) * decay
    response = low_pass(response, 2800.0)
    return response / float(np.sqrt(np.sum(np.square(response))))


def in_room(signal: Signal, room: Signal, echo: float) -> Signal:
    """Mix a loop with its echo in the room."""
    echoed = np.fft.irfft(np.fft.rfft(signal) * np.fft.rfft(room), signal.size)
    return signal * float((1.0 - echo) ** 0.5) + echoed * float(echo**0.5)


def babble_text(dice: random.Random, words: int) -> str:
    """Return sentences of made-up words: Italian syllables drawn by chance, with nothing to understand."""
    onsets = (
        "b",
        "d",
        "f",
        "g",
        "l",
        "m",
        "n",
        "p",
        "r",
        "s",
        "t",
        "v",
        "br",
        "tr",
        "st",
        "ll",
        "nt",
        "rd",
        "gn",
    )
    vowels = ("a", "e", "i", "o", "a", "e", "o", "u", "ia", "io")
    text: list[str] = []
    while len(text) < words:
        count = dice.randint(4, 9)
        for _ in range(count):
            syllables = dice.randint(2, 4)
            text.append("".join(dice.choice(onsets) + dice.choice(vowels) for _ in range(syllables)))
        text[-1] += dice.choice((",", ".", "?", ","))
    return " ".join(text)


def speak(talker: Talker, text: str) -> Signal:
    """Let espeak-ng say a text; return it at our rate, without its longer pauses."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "voice.wav"
        command = ["espeak-ng", "-v", talker.voice, "-s", str(talker.speed), "-p", str(talker.pitch)]
        subprocess.run([*command, "-w", str(path)], input=text, text=True, encoding="utf-8", check=True)
        with wave.open(str(path), "rb") as reader:
            rate = reader.getframerate()
            raw = reader.readframes(reader.getnframes())
    voice = resample(np.frombuffer(raw, dtype="<i2").astype(np.float64) / 32768.0, rate, RATE)
    frame = RATE // 50
    frames = voice[: voice.size // frame * frame].reshape(-1, frame)
    loudness = np.sqrt(np.mean(np.square(frames), axis=1))
    quiet = loudness < 0.02 * loudness.max()
    # Up to 120 ms of silence is speech rhythm, more would thin out the crowd.
    keep, run = np.ones(quiet.size, dtype=bool), 0
    for index, is_quiet in enumerate(quiet.tolist()):
        run = run + 1 if is_quiet else 0
        keep[index] = run <= 6
    return frames[keep].ravel()


def scramble(voice: Signal, dice: random.Random) -> Signal:
    """Lay a voice onto the circle in pieces that are out of order and in part reversed.

    Pieces of 180 to 320 ms keep the sound of a voice. They change places within groups of five, so the tune
    of the sentence roughly remains; two in five run backwards. A word of three syllables is longer than one.
    """
    fade = int(0.025 * RATE)
    ramp = np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade)
    loop = np.zeros(LENGTH)
    pieces: list[Signal] = []
    position = laid = 0
    while laid < LENGTH:
        if not pieces:
            for order in range(5):
                size = dice.randint(int(0.18 * RATE), int(0.32 * RATE))
                if position + size > voice.size:
                    position = 0
                piece = voice[position : position + size].copy()
                position += size
                pieces.append(piece[::-1] if order in (1, 3) else piece)
            dice.shuffle(pieces)
        piece = pieces.pop()
        # The last piece ends where the first one began, overlapping it like any other.
        piece = piece[: LENGTH - laid + fade].copy()
        if piece.size < 2 * fade:
            break
        piece[:fade] *= ramp
        piece[-fade:] *= ramp[::-1]
        add_on_circle(loop, piece, laid)
        laid += piece.size - fade
    return loop


def make_babble(room: Signal) -> Signal:
    """Return the crowd of talkers, evenly loud, turned so that the loop begins at its loudest moment."""
    mix = np.zeros(LENGTH)
    for number, talker in enumerate(TALKERS):
        dice = random.Random(SEED + number)
        voice = speak(talker, babble_text(dice, 70))
        loop = scramble(voice, dice)
        shifted = np.roll(loop, dice.randrange(LENGTH))
        heard = in_room(low_pass(shifted, talker.cutoff), room, talker.echo)
        mix += at_level(heard, talker.gain_db)
    mix = even_out(mix)
    # Asterisk starts every callee at the beginning: the crowd must be there at once.
    loudness = moving_level(mix, RATE // 5)
    return at_level(np.roll(mix, -int(np.argmax(loudness)) + RATE // 10), BABBLE_DBFS)


def moving_level(signal: Signal, width: int) -> Signal:
    """Return the RMS around each sample of a loop, over a window of `width` samples with soft edges."""
    window = np.zeros(signal.size)
    window[:width] = np.hanning(width)
    window = np.roll(window / window.sum(), -(width // 2))
    power = np.fft.irfft(np.fft.rfft(np.square(signal)) * np.fft.rfft(window), signal.size)
    return np.sqrt(np.maximum(power, 1e-12))


def even_out(signal: Signal) -> Signal:
    """Halve, in dB, the slow changes of a loop's level, so that the crowd has no lulls."""
    return signal / np.sqrt(moving_level(signal, int(0.4 * RATE)))


def make_rings(room: Signal) -> Signal:
    """Return the phones ringing at the far end of the room."""
    loop = np.zeros(LENGTH)
    seconds = np.arange(int(RING_SECONDS * RATE)) / RATE
    envelope = np.minimum(1.0, np.minimum(seconds, seconds[::-1]) / 0.015)
    for ring in RINGS:
        # 20 changes a second, smoothed: a hard change would crackle.
        swing = 0.5 + 0.5 * np.tanh(4.0 * np.sin(2.0 * np.pi * 10.0 * seconds))
        phase = 2.0 * np.pi * np.cumsum(ring.low + (ring.high - ring.low) * swing) / RATE
        tone = np.sin(phase) + 0.35 * np.sin(2.0 * phase) + 0.2 * np.sin(3.0 * phase)
        level = amplitude(ring.gain_db + RING_DBFS) * np.sqrt(2.0)
        add_on_circle(loop, tone * envelope * level, int(ring.start * RATE))
    return in_room(low_pass(loop, 2500.0), room, 0.5)


def make_room_tone(noise: np.random.RandomState) -> Signal:
    """Return air conditioning and mains hum: the floor below which the loop never falls."""
    frequencies = bins(LENGTH)
    # Noise falling by 3 dB an octave, most of it where a telephone carries it.
    shape = np.sqrt(200.0 / np.maximum(frequencies, 200.0)) * (1.0 - roll_off(frequencies, 120.0, 300.0))
    air = np.fft.irfft(np.fft.rfft(noise.standard_normal(LENGTH)) * shape, LENGTH)
    seconds = np.arange(LENGTH) / RATE
    hum = np.zeros(LENGTH)
    # Multiples of 50 Hz fit the loop's length in whole cycles.
    for frequency, gain in ((100.0, 0.5), (200.0, 0.6), (300.0, 1.0), (400.0, 0.5), (600.0, 0.3)):
        hum += gain * np.sin(2.0 * np.pi * frequency * seconds + frequency)
    return at_level(at_level(air, 0.0) + at_level(hum, -9.0), ROOM_DBFS)


def make_keyboards(room: Signal, noise: np.random.RandomState) -> Signal:
    """Return two people typing in bursts."""
    dice = random.Random(SEED + 100)
    loop = np.zeros(LENGTH)
    seconds = np.arange(int(0.03 * RATE)) / RATE
    for _ in range(2):
        at = dice.uniform(0.0, 1.0)
        while at < SECONDS:
            for _ in range(dice.randint(4, 12)):
                tick = noise.standard_normal(seconds.size) * np.exp(-seconds / 0.004)
                add_on_circle(loop, tick * dice.uniform(0.4, 1.0), int(at * RATE))
                at += dice.uniform(0.09, 0.19)
            at += dice.uniform(0.8, 2.5)
    frequencies = bins(LENGTH)
    spectrum = np.fft.rfft(loop) * (1.0 - roll_off(frequencies, 900.0, 1800.0))
    heard = in_room(low_pass(np.fft.irfft(spectrum, LENGTH), 3500.0), room, 0.3)
    return heard * (amplitude(KEYBOARD_PEAK_DBFS) / float(np.abs(heard).max()))


def make_loop() -> Signal:
    """Return the whole mix at 16 kHz, before its band and its level are set."""
    # RandomState, not default_rng: numpy promises never to change the former's sequence.
    noise = np.random.RandomState(SEED)
    room = room_response(noise)
    return make_babble(room) + make_rings(room) + make_room_tone(noise) + make_keyboards(room, noise)


def band_limit(loop: Signal, start: float, end: float) -> Signal:
    """Keep what a telephone carries: no rumble, no DC, and nothing near half the sample rate."""
    frequencies = bins(loop.size)
    gain = roll_off(frequencies, start, end) * (1.0 - roll_off(frequencies, 80.0, 300.0))
    return np.fft.irfft(np.fft.rfft(loop) * gain, loop.size)


def write(path: Path, loop: Signal, rate: int) -> None:
    """Write a loop as 16-bit mono WAV at the output level."""
    samples = np.round(at_level(loop, OUTPUT_RMS_DBFS) * 32768.0)
    if float(np.abs(samples).max()) > 32767:
        raise ValueError("the mix clips")
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.astype("<i2").tobytes())
    print(path)


def main() -> None:
    """Write both files into the music-on-hold directory."""
    parser = argparse.ArgumentParser(description="Make the comfort noise.")
    default = Path(__file__).resolve().parent / "comfort-noise"
    parser.add_argument("directory", nargs="?", type=Path, default=default)
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    loop = make_loop()
    write(directory / "comfort-noise.wav", resample(band_limit(loop, 3400.0, 3900.0), RATE, 8000), 8000)
    write(directory / "comfort-noise.wav16", band_limit(loop, 6500.0, 7600.0), RATE)


if __name__ == "__main__":
    main()
