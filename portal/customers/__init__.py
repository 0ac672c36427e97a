"""Customers: how they register, attach meters by ESI ID and meter number, and lose them again (guide 10)."""
