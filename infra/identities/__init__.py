"""Providers of identities: the other end of logging in with an account at another place."""
