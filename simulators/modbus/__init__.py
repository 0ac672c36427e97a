"""Simulated Modbus meters: registers, frames and lines of their own, sharing no code with the stack that they test."""
