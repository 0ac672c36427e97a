"""Modbus meters."""
