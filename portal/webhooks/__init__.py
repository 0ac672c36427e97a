"""Webhooks: what happens to a company's meters and orders is told to its own programs."""
