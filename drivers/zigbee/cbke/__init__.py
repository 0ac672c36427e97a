"""Certificate-based key establishment of ZigBee Smart Energy: how a device and its trust centre agree on a link key.

Pure code, from the field's arithmetic up to a state machine that touches no radio and no clock. Python's integers do
not take constant time; what an observer could time are a few operations of an exchange that happens once per device.
Source: ZigBee Smart Energy, annex C; SEC 1, SEC 2 and SEC 4.
"""
