"""Asking other people's servers: politely, within bounds, and without telling others who we are."""
