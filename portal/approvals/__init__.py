"""Approvals: what waits for somebody's word, and what that word does."""
