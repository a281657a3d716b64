"""The values behind `${NAME}`, from the vault; the environment of the server is not asked.

Who may write a source may send what it refers to anywhere: so only what was put there for sources
can be referred to, and not the server's own keys.
"""

from commands.kernel import Secrets
from commands.secrets import VALUE


class VaultValues:
    """The `SecretValues` port."""

    def __init__(self, vault: Secrets) -> None:
        self._vault = vault

    def get(self, name: str) -> str | None:
        """As the port says."""
        value = self._vault.read(VALUE, name)
        return None if value is None else value.decode()
