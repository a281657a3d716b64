"""The ways that notices take: webhooks and mail."""
