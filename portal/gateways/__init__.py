"""Gateways as last heard, and what they said that was refused."""
