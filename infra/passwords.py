"""Hashing passwords with argon2id (RFC 9106), on threads of its own, a bounded number at once.

The parameters are OWASP's for one pass: 46 MiB, so that a guess is dear, and two at once, so that a
flood of logins takes two threads and 92 MiB, no more.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from commands.kernel import Overloaded

MEMORY_KIB: Final = 47_104
PASSES: Final = 1
LANES: Final = 1
WORKERS: Final = 2
WAITING_MAX: Final = 32  # about a second of hashing
SHARE_MAX: Final = 8  # of these and those that run, for one share
RETRY_AFTER_S: Final = 2
COMMON: Final = Path(__file__).parent / "data" / "common_passwords.txt"

Result = TypeVar("Result")


class HashDamaged(Exception):
    """What the vault holds is no argon2 hash."""


class Argon2Passwords:
    """The `Passwords` port."""

    def __init__(self, *, workers: int = WORKERS, waiting_max: int = WAITING_MAX) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="dango-passwords")
        self._room = workers + waiting_max
        self._shares: Counter[str] = Counter()
        # Its task is before all others, so none of them waits for it for long.
        self._nobody = self._pool.submit(self.hash_now, "nobody has this password")
        self._common = common_passwords()

    @property
    def common(self) -> frozenset[str]:
        """As the port says."""
        return self._common

    async def hash(self, password: str) -> str:
        """As the port says."""
        return await self._run(lambda: self.hash_now(password))

    async def verify(self, encoded: str | None, password: str, share: str = "") -> bool:
        """As the port says. Raises HashDamaged."""
        return await self._run(lambda: self._verify(encoded, password), share)

    def outdated(self, encoded: str) -> bool:
        """As the port says."""
        return self._hasher.check_needs_rehash(encoded)

    def hash_now(self, password: str) -> str:
        """Hash on the calling thread, where there is no event loop yet."""
        return self._hasher.hash(_bytes(password))

    def close(self) -> None:
        """Finish what runs, drop what waits."""
        self._pool.shutdown(cancel_futures=True)

    def _verify(self, encoded: str | None, password: str) -> bool:
        try:
            self._hasher.verify(encoded or self._nobody.result(), _bytes(password))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            raise HashDamaged(str(error)) from error
        return encoded is not None

    async def _run(self, work: Callable[[], Result], share: str = "") -> Result:
        """On a thread of the pool. The count falls when the work ends, not when its caller goes."""
        if self._room == 0 or self._shares[share] >= SHARE_MAX:
            raise Overloaded(RETRY_AFTER_S)
        self._room -= 1
        if share:
            self._shares[share] += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(lambda _: self._leave(share))
        return await asyncio.shield(future)

    def _leave(self, share: str) -> None:
        self._room += 1
        self._shares -= Counter((share,))  # which drops what has come to nothing


def common_passwords() -> frozenset[str]:
    """The commonest passwords, casefolded."""
    return frozenset(COMMON.read_text(encoding="utf-8").casefold().split())


def _bytes(password: str) -> bytes:
    # Lone surrogates, which a terminal may hand over, are bytes like others to a hash.
    return password.encode("utf-8", "surrogatepass")
