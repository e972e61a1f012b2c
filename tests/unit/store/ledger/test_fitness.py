"""What the ledger says about a server that is not fit, and about its errors."""

from __future__ import annotations

import pytest
from redis.exceptions import BusyLoadingError, ResponseError

from controller.store.redis_link import complaints, explained

FIT = {
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
}


def test_fit() -> None:
    assert complaints(FIT, "master") == []
    assert complaints(FIT | {"appendfsync": "always", "maxmemory": "1000"}, "master") == []
    # Without a limit nothing is evicted, whatever the policy.
    assert complaints(FIT | {"maxmemory-policy": "allkeys-lru"}, "master") == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"maxmemory": "1", "maxmemory-policy": "allkeys-lru"}, "allkeys-lru"),
        ({"maxmemory": "1", "maxmemory-policy": "volatile-ttl"}, "volatile-ttl"),
        ({"appendonly": "no"}, "everything"),
        ({"appendonly": "no", "save": "3600 1"}, "minutes or hours"),
        ({"appendfsync": "no"}, "power cut"),
    ],
)
def test_not_fit(changed: dict[str, str], words: str) -> None:
    [complaint] = complaints(FIT | changed, "master")
    assert words in complaint


def test_a_server_that_tells_nothing_is_not_fit() -> None:
    assert len(complaints({}, "")) == 3
    assert "replica" in complaints(FIT, "slave")[0]


def test_errors_in_words() -> None:
    assert "disk" in explained(ResponseError("MISCONF Redis is configured to save RDB snapshots"))
    assert "loading" in explained(BusyLoadingError("Redis is loading the dataset in memory"))
    assert "WRONGTYPE" in explained(ResponseError("WRONGTYPE Operation against a key"))
