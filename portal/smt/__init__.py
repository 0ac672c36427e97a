"""The portal as programs for Smart Meter Texas know it: their paths, their fields, their texts."""
