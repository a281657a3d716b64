"""What logging in elsewhere needs from outside: who somebody is. `infra` has it."""

from typing import Protocol

import msgspec


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to log in with a provider: what it is asked with, and answers to."""

    state: str
    nonce: str
    verifier: str  # RFC 7636; the provider is told its digest first
    redirect_uri: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is, as a provider says."""

    subject: str  # the provider's own name for the person, which never changes hands
    email: str | None = None  # only if the provider says that it is verified


class IdentityProvider(Protocol):
    """One place where people have an account."""

    @property
    def label(self) -> str:
        """Its name, as people know it."""
        ...

    @property
    def issuers(self) -> tuple[str, ...]:
        """How it may call itself in what it sends back; empty when it does not say."""
        ...

    async def authorization_url(self, asked: Asked) -> str:
        """Where the browser is sent."""
        ...

    async def identify(self, asked: Asked, code: str) -> Identity:
        """Who brought this code back. Raises UpstreamFailed, ProofRefused, Busy."""
        ...
