"""Home area networks: their devices' words and rules."""
