"""The values behind `${NAME}`, from the vault; the environment of the server is not asked.

Who may write a source may send what it refers to anywhere: so only what was put there for sources
can be referred to, and not the server's own keys.
"""

import msgspec

from commands import grants as given
from commands.kernel import Secrets
from commands.secrets import VALUE
from domain import grants

_GOOGLE = "google"


class VaultValues:
    """The `SecretValues` port."""

    def __init__(self, vault: Secrets) -> None:
        self._vault = vault

    def get(self, name: str) -> str | None:
        """As the port says. `${OAUTH_…}` is what a provider gave for that type of source."""
        source_type = grants.named(name)
        found = None if source_type is None else self._vault.read(given.VALUE, source_type)
        if source_type is not None and found is not None:
            access = msgspec.json.decode(found, type=given.Given).access
            # It stands where the key file of a service account may, which is JSON too.
            google = grants.PROVIDERS[source_type] == _GOOGLE
            return msgspec.json.encode({"access_token": access}).decode() if google else access
        value = self._vault.read(VALUE, name)
        return None if value is None else value.decode()
