"""The air as bytes: every layer of an IEEE 802.15.4 frame down to captures that other people's tools read."""
