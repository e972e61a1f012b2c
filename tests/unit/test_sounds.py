"""The committed comfort noise meets the requirements, and the check refuses recordings that do not."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from sounds import check_noise, make_comfort_noise
from sounds.check_noise import Signal

DIRECTORY = Path(check_noise.__file__).parent / "comfort-noise"
FILES = ("comfort-noise.wav", "comfort-noise.wav16")


def load(name: str) -> check_noise.Recording:
    return check_noise.read_recording(DIRECTORY / name)


def save(path: Path, samples: Signal, rate: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2").tobytes())
    return path


def reasons(samples: Signal, rate: int = 8000) -> list[str]:
    return check_noise.failures(check_noise.measure(check_noise.Recording(rate, samples)))


@pytest.fixture(scope="module")
def good() -> Signal:
    return load("comfort-noise.wav").samples


def test_nothing_else_lies_in_the_music_on_hold_directory() -> None:
    assert sorted(path.name for path in DIRECTORY.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_committed_file_meets_the_requirements(name: str) -> None:
    recording = load(name)
    measures = check_noise.measure(recording)
    assert check_noise.failures(measures) == []
    # Stricter than for a recording of one's own: this one was made to these figures.
    assert measures.rms == pytest.approx(-30.0, abs=1.0)
    assert measures.quietest_20ms > -45.0
    assert measures.quietest_100ms > -40.0
    assert measures.telephone_band_share > 0.85
    assert recording.samples.size % (recording.rate // 50) == 0


def test_both_rates_hold_the_same_sound() -> None:
    narrow, wide = load("comfort-noise.wav"), load("comfort-noise.wav16")
    assert wide.samples.size == 2 * narrow.samples.size
    halved = make_comfort_noise.resample(wide.samples, wide.rate, narrow.rate)
    assert np.corrcoef(halved, narrow.samples)[0, 1] > 0.98


def test_any_three_seconds_hold_part_of_a_ring() -> None:
    circle = np.zeros(make_comfort_noise.SECONDS * 100)
    for ring in make_comfort_noise.RINGS:
        ringing = np.ones(int(make_comfort_noise.RING_SECONDS * 100))
        make_comfort_noise.add_on_circle(circle, ringing, int(ring.start * 100))
    # 2.7 s is when the controller hangs up.
    heard = np.convolve(np.concatenate([circle, circle[:269]]), np.ones(270), mode="valid")
    assert heard.min() >= 50


def test_rings_stand_out_of_the_voices(good: Signal) -> None:
    spectrum_of = make_comfort_noise.RATE // 2
    frequencies = np.fft.rfftfreq(spectrum_of, 1 / 8000)

    def power(start: float, low: float, high: float) -> float:
        window = np.roll(good, -int(start * 8000))[:spectrum_of] * np.hanning(spectrum_of)
        energy = np.square(np.abs(np.fft.rfft(window)))
        return float(energy[(frequencies > low - 40) & (frequencies < high + 40)].sum())

    for ring in make_comfort_noise.RINGS:
        assert power(ring.start, ring.low, ring.high) > 2 * power(ring.start + 1.4, ring.low, ring.high)


def test_silent_gap_is_refused(good: Signal) -> None:
    samples = good.copy()
    samples[40_000:40_800] = 0.0
    assert [reason for reason in reasons(samples) if "silent gap" in reason]


def test_silent_gap_across_the_seam_is_refused(good: Signal) -> None:
    samples = good.copy()
    # Neither half is 100 ms long: only the loop has the gap.
    samples[:400] = samples[-400:] = 0.0
    assert [reason for reason in reasons(samples) if "silent gap" in reason]


def test_clipped_recording_is_refused(good: Signal) -> None:
    found = " ".join(reasons(np.clip(good * 12.0, -1.0, 1.0)))
    assert "too loud" in found
    assert "peaks too high" in found


def test_single_peak_is_refused(good: Signal) -> None:
    samples = good.copy()
    samples[50_000] = 0.9
    assert len(found := reasons(samples)) == 1
    assert "peaks too high" in found[0]


def test_quiet_recording_is_refused(good: Signal) -> None:
    found = " ".join(reasons(good / 4))
    assert "too quiet" in found
    assert "begins too quietly" in found


def test_short_recording_is_refused(good: Signal) -> None:
    assert [reason for reason in reasons(good[: 19 * 8000]) if "too short" in reason]


def test_dc_offset_is_refused(good: Signal) -> None:
    assert [reason for reason in reasons(good + 0.005) if "DC offset" in reason]


def test_click_at_the_seam_is_refused(good: Signal) -> None:
    samples = good.copy()
    samples[-1], samples[0] = -0.1, 0.1
    assert [reason for reason in reasons(samples) if "clicks" in reason]


def test_level_jump_at_the_seam_is_refused(good: Signal) -> None:
    samples = good.copy()
    samples[-800:] /= 8
    assert [reason for reason in reasons(samples) if "jumps" in reason]


def test_rumble_is_refused() -> None:
    hum = 0.045 * np.sin(2 * np.pi * 100 * np.arange(24 * 8000) / 8000)
    assert [reason for reason in reasons(hum) if "telephone band" in reason]


def test_digital_silence_is_refused_without_a_numerical_error() -> None:
    assert [reason for reason in reasons(np.zeros(24 * 8000)) if "silent gap" in reason]


def test_wrong_rate_is_refused(good: Signal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "wrong.wav", good, rate=16000)
    assert check_noise.main([str(path)]) == 2
    assert "must have 8000 Hz" in capsys.readouterr().out


def test_unreadable_files_are_refused(good: Signal, tmp_path: Path) -> None:
    extensible = save(tmp_path / "extensible.wav", good)
    extensible.write_bytes(extensible.read_bytes().replace(b"\x01\x00\x01\x00", b"\xfe\xff\x01\x00", 1))
    text = tmp_path / "text.wav"
    text.write_text("not a recording")
    refused = {
        save(tmp_path / "stereo.wav", good, channels=2): "mono",
        save(tmp_path / "tiny.wav", good[:100]): "less than a second",
        save(tmp_path / "name.mp3", good): "extension",
        extensible: "format tag",
        text: "not a readable WAV file",
        tmp_path / "missing.wav": "not a readable WAV file",
    }
    for path, reason in refused.items():
        with pytest.raises(check_noise.UnreadableRecordingError, match=reason):
            check_noise.read_recording(path)


def test_command_line_reports_measures_and_reasons(
    good: Signal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = save(tmp_path / "bad.wav", good / 4)
    assert check_noise.main([str(DIRECTORY / FILES[0])]) == 0
    assert "ok" in capsys.readouterr().out
    assert check_noise.main([str(DIRECTORY / FILES[1]), str(bad)]) == 1
    output = capsys.readouterr().out
    assert "too quiet" in output
    assert "quietest 100 ms" in output
