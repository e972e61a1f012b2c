"""Evidence from recordings and logs made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.evidence import hear, is_complete, listen, read_calls
from lab.sounds import AGENT_TONE_HZ, Samples, noise, silence, speech, tone, write_wav


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def agent(seconds: float) -> Samples:
    return tone(seconds, AGENT_TONE_HZ, -16.0)


def test_noise_all_the_time() -> None:
    heard = hear(noise(2.9, -30.0))
    assert heard.length == pytest.approx(2.9)
    assert heard.first_audio == 0.0
    assert heard.agent is None
    assert heard.longest_silence == 0.0


def test_nothing_at_all() -> None:
    heard = hear(silence(1.0))
    assert heard.first_audio is None
    assert heard.agent is None
    assert heard.longest_silence == pytest.approx(1.0)


@pytest.mark.parametrize("length", [0, 1, 79, 80, 200])
def test_a_recording_that_is_too_short_to_say_anything(length: int) -> None:
    heard = hear(np.zeros(length))
    assert heard.first_audio is None
    assert heard.agent is None


@settings(max_examples=40, deadline=None)
@given(
    before=st.floats(0.0, 0.5),
    wait=st.floats(0.1, 2.0),
    gap=st.floats(0.0, 0.4),
    level=st.floats(-40.0, -20.0),
)
def test_silence_noise_gap_agent(before: float, wait: float, gap: float, level: float) -> None:
    heard = hear(joined(silence(before), noise(wait, level), silence(gap), agent(1.0)))
    assert heard.first_audio == pytest.approx(before, abs=0.011)
    assert heard.agent == pytest.approx(before + wait + gap, abs=0.025)
    assert heard.longest_silence == pytest.approx(max(before, gap), abs=0.025)


def test_the_agent_is_found_in_the_midst_of_noise() -> None:
    sound = noise(3.0, -30.0)
    sound[8000:] += agent(2.0)
    assert hear(sound).agent == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("sound", [speech(3.0, -20.0), tone(3.0, 600.0, -16.0), tone(3.0, 1400.0, -16.0)])
def test_other_sounds_are_not_the_agent(sound: Samples) -> None:
    assert hear(sound).agent is None


def test_a_click_in_the_agents_band_is_not_the_agent() -> None:
    assert hear(joined(silence(0.5), agent(0.01), silence(0.5))).agent is None


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, joined(noise(1.0, -30.0), agent(1.0)))
    assert is_complete(path)
    assert listen(path).agent == pytest.approx(1.0, abs=0.02)


def test_a_file_is_not_complete_before_its_header_is(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    assert not is_complete(path)
    write_wav(path, noise(1.0, -30.0))
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    assert not is_complete(path)
    path.write_bytes(content[:40] + bytes(4))
    assert not is_complete(path)


LOG = '''\
"CHAN_START","",100.000000,"a.1","PJSIP/pbx-1","from-pbx","+393401000000","+3906",""
"USER_DEFINED","RANG",100.100000,"a.1","PJSIP/pbx-1","ring","s","+3906","{""extra"":""""}"
"CHAN_START","",100.200000,"a.2","PJSIP/pbx-2","from-pbx","+393407000000","+3906",""
"ANSWER","",101.000000,"a.1","PJSIP/pbx-1","answer","s","+3906",""
"ANSWER","",101.200000,"a.2","PJSIP/pbx-2","answer","s","+3906",""
"CHAN_START","",101.300000,"phone-1001-1","PJSIP/pbx-3","from-pbx","s","",""
"HANGUP","",102.000000,"a.1","PJSIP/pbx-1","T","s","","{""hangupcause"":16,""hangupsource"":""PJSIP/pbx-1""}"
"HANGUP","",102.500000,"a.2","PJSIP/pbx-2","T","s","","{""hangupcause"":16,""hangupsource"":""dialplan/builtin""}"
"CHAN_START","",103.000000,"a.3","PJSIP/pbx-4","from-pbx","+393402000000","+3906",""
"HANGUP","",103.500000,"a.3","PJSIP/pbx-4","T","s","","{""hangupcause"":17,""hangupsource"":""PJSIP/pbx-4""}"
"CHAN_START","",104.000000,"a.4","PJSIP/pbx-5","from-pbx","+393403000000","+3906",""
"HANGUP","",10'''


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "calls.csv"
    path.write_text(LOG)
    return path


def test_the_log(log: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.1.wav", joined(noise(0.6, -30.0), agent(0.4)))
    answered, left, busy, ringing = read_calls(log, tmp_path)
    assert answered.number == "+393401000000"
    assert (answered.dialed_at, answered.rang_at, answered.answered_at, answered.ended_at) == (
        100.0,
        100.1,
        101.0,
        102.0,
    )
    assert answered.hung_up_by == "caller"
    assert answered.caller_id == "+3906"
    assert answered.duration == pytest.approx(1.0)
    assert answered.agent_heard_after == pytest.approx(0.6, abs=0.02)
    assert answered.recording_lost == pytest.approx(0.0)
    assert left.hung_up_by == "callee"
    assert left.recording is None
    assert (busy.cause, busy.answered_at, busy.hung_up_by, busy.duration) == (17, None, None, None)
    assert ringing.ended_at is None


def test_calls_before_the_mark_are_left_out(log: Path, tmp_path: Path) -> None:
    assert [call.number for call in read_calls(log, tmp_path, since=103.5)] == ["+393403000000"]


def test_no_log_no_calls(tmp_path: Path) -> None:
    assert read_calls(tmp_path / "none.csv", tmp_path) == []
