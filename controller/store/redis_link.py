"""The link to Redis: bounded connections, one deadline per operation, errors in words for the operator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from controller.errors import BadInput, RedisUnreachable
from controller.store.scripts import Script

_T = TypeVar("_T")

Found = tuple[bytes, bytes, int]
"""A key, its value, and the milliseconds until it expires (-1: never)."""

_CONNECTIONS: Final = 16
"""Operations at the same time. A Redis nearby does several thousand per second on each connection."""
_SCAN_BATCH: Final = 1000
"""Keys looked at in one step of a search: about a millisecond in which the server answers nobody else."""
_SETTINGS: Final = ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save")

_MEANINGS: Final[Mapping[type[RedisError], str]] = {
    OutOfMemoryError: "Redis is full and takes no writes. Raise its maxmemory, or free memory.",
    ReadOnlyError: "This Redis is a read-only replica. Let the redis URL name the primary.",
    BusyLoadingError: "Redis is still loading its data after a start.",
    NoPermissionError: "Redis does not allow its user what the controller needs.",
    AuthenticationError: "Redis refused the password in the redis URL, or wants one.",
}
_CANNOT_SAVE: Final = "Redis cannot write to its disk and takes no writes. See its log and its disk."


class RedisLink:
    """Asks one Redis server. Every method raises ``RedisUnreachable`` if no good answer comes in time."""

    def __init__(self, url: str, timeout: float) -> None:
        """Prepare; connections are made when needed.

        Args:
            url: of the server.
            timeout: seconds that an operation may take in all, waiting for a connection included.

        Raises:
            BadInput: the URL is none.
        """
        self._timeout = timeout
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=None,
                # The deadline around each operation is the only one, and repeating is the caller's business.
                socket_timeout=None,
                socket_connect_timeout=None,
                retry=Retry(NoBackoff(), 0),
                # As cheap as version 3 once connected, and no notifications to listen to.
                protocol=2,
            )
        except ValueError as error:
            raise BadInput("redis URL", str(error), "redis://, rediss:// or unix://") from error
        self._redis = Redis.from_pool(pool)

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    async def command(self, *words: str | int) -> Any:
        """Send one command, answer as it comes."""
        return await self._in_time(self._send(*words))

    async def run(self, script: Script, names: Sequence[str], *arguments: str | int) -> list[Any]:
        """Run a script whose answer is a list."""
        return await self._in_time(self._evaluate(script, len(names), *names, *arguments))

    async def read(self, names: Sequence[bytes]) -> list[Found]:
        """Read string keys; those that are gone are left out."""
        return await self._in_time(self._read(names))

    async def search(self, pattern: str, limit: int) -> list[Found]:
        """Find string keys by pattern, ``limit`` at most. Looks at all keys of the server.

        A deadline holds for each step: of a million keys there are a thousand, between which the server
        serves others.
        """
        found: dict[bytes, Found] = {}  # SCAN may name a key more than once
        cursor = 0
        while len(found) < limit:
            cursor, names = await self.command("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_BATCH)
            found.update((row[0], row) for row in await self.read(names))
            if cursor == 0:
                break
        return list(found.values())[:limit]

    async def settings(self) -> tuple[dict[str, str], str]:
        """The settings that ``complaints`` wants to see, and the server's role in replication.

        Raises:
            ResponseError: the server does not tell.
        """
        config: dict[str, str] = {}
        for name in _SETTINGS:  # one by one: asking for several at once is new in Redis 7
            pairs = await self._in_time(self._redis.config_get(name), ResponseError)
            config.update((str(key), str(value)) for key, value in pairs.items())
        replication = await self._in_time(self._redis.info("replication"), ResponseError)
        return config, str(replication.get("role", ""))

    # --- inside ---------------------------------------------------------------------------------------

    async def _send(self, *words: str | int) -> Any:
        return await self._redis.execute_command(*words)  # type: ignore[no-untyped-call]

    async def _evaluate(self, script: Script, *rest: str | int) -> list[Any]:
        try:
            answer: list[Any] = await self._send("EVALSHA", script.sha, *rest)
        except NoScriptError:  # Redis was restarted, or has never seen it; this loads it, too.
            answer = await self._send("EVAL", script.source, *rest)
        return answer

    async def _read(self, names: Sequence[bytes]) -> list[Found]:
        if not names:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(name)
                pipe.pttl(name)
            answers = await pipe.execute()
        rows = zip(names, answers[::2], answers[1::2], strict=True)
        return [(name, value, pttl) for name, value, pttl in rows if value is not None]

    async def _in_time(self, work: Awaitable[_T], *let_through: type[RedisError]) -> _T:
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            raise RedisUnreachable(
                f"Redis did not answer within {self._timeout:g} s. Check that it runs."
            ) from None
        except let_through:
            raise
        except (RedisError, OSError) as error:
            raise RedisUnreachable(explained(error)) from error


def explained(error: Exception) -> str:
    """What an error of the Redis library means for the operator."""
    text = str(error)
    meaning = next((words for kind, words in _MEANINGS.items() if isinstance(error, kind)), None)
    if text.startswith("MISCONF"):
        meaning = _CANNOT_SAVE
    return f"{meaning} (Redis: {text})" if meaning else f"Redis gave no usable answer: {text}"


def complaints(config: Mapping[str, str], role: str) -> list[str]:
    """What makes a server lose keys, in words for its owner; empty if it is fit.

    Args:
        config: the settings maxmemory, maxmemory-policy, appendonly, appendfsync and save.
        role: of the server in replication.
    """
    found = []
    policy = config.get("maxmemory-policy", "unknown")
    if config.get("maxmemory") != "0" and policy != "noeviction":
        found.append(
            f"maxmemory-policy is {policy}: when memory is short, Redis drops suppression keys,"
            " and numbers are called too early. Set it to noeviction."
        )
    if config.get("appendonly") != "yes":
        loss = "the last minutes or hours" if config.get("save") else "everything"
        found.append(f"appendonly is off: a crash of Redis loses {loss}. Set it to yes.")
    elif config.get("appendfsync") == "no":
        found.append("appendfsync is no: a power cut loses half a minute. Set it to everysec or always.")
    if role != "master":
        found.append("this Redis is a replica and takes no writes. Let the redis URL name the primary.")
    return found
