"""Saved report definitions: what somebody orders again and again, by hand or by a schedule."""
