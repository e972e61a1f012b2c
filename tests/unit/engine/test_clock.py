from __future__ import annotations

import asyncio
import socket
import threading
from datetime import timedelta
from time import perf_counter

import pytest

from controller.simulation.clock import EPOCH, StandstillError, VirtualClock, VirtualTimeLoop, run_virtual


def test_an_hour_passes_at_once_and_exactly() -> None:
    async def an_hour() -> tuple[float, timedelta]:
        clock = VirtualClock()
        await asyncio.sleep(3600)
        return clock.monotonic(), clock.now() - EPOCH

    began = perf_counter()
    assert run_virtual(an_hour()) == (3600.0, timedelta(hours=1))
    assert perf_counter() - began < 1.0


def test_timers_fire_in_their_order_and_at_their_times() -> None:
    async def three() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        fired: list[tuple[str, float]] = []

        def fire(name: str) -> None:
            fired.append((name, loop.time()))

        for name, seconds in (("c", 0.3), ("a", 0.1), ("b", 0.2)):
            loop.call_later(seconds, fire, name)
        await asyncio.sleep(1)
        return fired

    fired = run_virtual(three())
    assert [name for name, _ in fired] == ["a", "b", "c"]
    assert [at for _, at in fired] == pytest.approx([0.1, 0.2, 0.3])


def test_time_stands_still_while_anything_runs() -> None:
    async def busy() -> float:
        for _ in range(10_000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run_virtual(busy()) == 0.0


def test_waiting_for_ever_is_an_error_not_a_hang() -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StandstillError):
        run_virtual(for_ever())


def test_timeouts_work() -> None:
    async def impatient() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.sleep(10)
        return asyncio.get_running_loop().time()

    assert run_virtual(impatient()) == 2.5


def test_a_leap_shows_in_the_date_alone() -> None:
    async def leap() -> tuple[float, timedelta]:
        clock = VirtualClock()
        clock.leap(timedelta(days=5))
        return clock.monotonic(), clock.now() - EPOCH

    assert run_virtual(leap()) == (0.0, timedelta(days=5))


def test_the_next_moment_is_seen_when_all_of_it_is_done_even_the_last() -> None:
    async def watch() -> list[tuple[float, bool]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        sleepers = [asyncio.ensure_future(asyncio.sleep(seconds)) for seconds in (1, 2)]
        seen = []
        for sleeper in sleepers:
            await loop.next_moment()
            seen.append((loop.time(), sleeper.done()))
        return seen

    assert run_virtual(watch()) == [(1.0, True), (2.0, True)]


def test_files_are_watched() -> None:
    async def read() -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            reading = loop.create_task(loop.sock_recv(ours, 5))
            await asyncio.sleep(1)
            await loop.sock_sendall(theirs, b"hello")
            return await reading, loop.time()

    assert run_virtual(read()) == (b"hello", 1.0)


def test_a_thread_that_is_done_is_noticed() -> None:
    async def ask() -> str:
        answer = asyncio.get_running_loop().create_future()

        def work() -> None:
            loop.call_soon_threadsafe(answer.set_result, "done")

        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=work)
        thread.start()
        async with asyncio.timeout(10**9):
            # Time races past a thread that works: this one has done all it does.
            thread.join()
            return str(await answer)

    assert run_virtual(ask()) == "done"
