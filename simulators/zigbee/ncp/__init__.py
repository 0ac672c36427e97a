"""The EmberZNet network co-processor: what it remembers, what it answers, and the TCP port on which it does."""
