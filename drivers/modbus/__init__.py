"""Modbus meters, over pymodbus: any meter that a profile describes."""

from drivers.modbus.driver import ModbusDriver

__all__ = ["ModbusDriver"]
