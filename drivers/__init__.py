"""Drivers: the protocols by which meters are reached. A driver is what gateway.ports.Driver says.

A driver is one class for one radio or one line. To write one:

* Make a package here that imports nothing of ours but `gateway`. Its class is named in a configuration as
  `"drivers.zigbee:ZigBeeDriver"`; nothing else knows it.
* Give the class a `Settings` attribute, a frozen dataclass made with gateway.config.settings whose fields are annotated
  with their descriptions, and the constructor `(name, settings, clock, dice)`. Opening nothing yet, it cannot fail.
* `run()` is one connection's life. It opens the connection, sets `up`, watches, and raises LinkLost with the reason in
  words; every failure to open is LinkLost too. It is called again after a pause (gateway.links.keep), so it cleans up
  whatever it opened, also when it is cancelled, and never loops by itself.
* `read(assignment, timeout_s)` returns a RegisterRead or raises a Fault. It waits for a connection, makes its own
  attempts with their own time-outs inside timeout_s, and starts over when the connection is lost under way. Many meters
  are read at once: bound what reaches the line, and let no meter's trouble touch another's read.
* Decode bytes in a module of pure functions, with exact integers (gateway.reads says which units), None for what is
  absent, and BadReading for what cannot be trusted. A guess is worse than a fault.
* Add the driver's simulator as a bench to tests/drivers/test_contract.py. What passes there is a driver.
"""
