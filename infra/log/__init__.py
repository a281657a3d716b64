"""The event log: envelope and codec, hash chain, the SQLite recorder, the vault beside it."""
