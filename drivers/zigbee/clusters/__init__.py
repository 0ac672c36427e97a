"""The Smart Energy clusters that zigpy leaves empty, declared in its own style."""
