"""The Energy Services Interface: what devices are told, what they may ask, and what they say."""
