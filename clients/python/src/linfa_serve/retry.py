"""When a call that failed is made again. No waiting here: clients sleep in their own way."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from .errors import ConfigError, OverloadedError, ServerError, UnavailableError


@dataclass(frozen=True)
class Retry:
    """How long to wait between attempts. Calls that are UNAVAILABLE are tried again until their deadline, and so are
    those that are RESOURCE_EXHAUSTED if the server says when.

    A pause is what the server asks for by RetryInfo, or a random share of a bound that doubles each time ("full
    jitter"), whichever is longer. One that would outlast the deadline is not begun.

    Errors:
        `ConfigError` if a number is below its least.
    """

    first: float = 0.05
    """The bound of the first pause, in seconds, above 0."""
    longest: float = 2.0
    """The largest bound of a pause, in seconds, at least `first`."""

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest:
            raise ConfigError("expected 0 < first <= longest")


class Attempts:
    """The attempts of one call, under one deadline."""

    def __init__(self, retry: Retry | None, timeout: float) -> None:
        if not timeout > 0:
            raise ConfigError(f"expected a timeout above 0 seconds, got {timeout}")
        self._retry = retry
        self._end = time.monotonic() + timeout
        self._made = 0

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, at least 1 ms: gRPC takes no less."""
        return max(self._end - time.monotonic(), 0.001)

    def pause(self, error: ServerError) -> float:
        """Seconds to wait before the next attempt.

        Errors:
            The error itself, if there is to be no other attempt.
        """
        self._made += 1
        can_pass = isinstance(error, UnavailableError) or (
            isinstance(error, OverloadedError) and error.retry_after is not None
        )
        if self._retry is None or not can_pass:
            raise error
        bound = min(self._retry.first * 2.0 ** (self._made - 1), self._retry.longest)
        pause = max(error.retry_after or 0.0, random.uniform(0, bound))  # noqa: S311 - no secret
        if time.monotonic() + pause >= self._end:
            raise error
        return pause
