"""A simulated EmberZNet co-processor and the virtual ZigBee network behind it."""
