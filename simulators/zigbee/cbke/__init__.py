"""Key establishment as a device does it: written from the specification, by other methods than the driver's."""
