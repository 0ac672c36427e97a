"""The services that programs of companies call: the official interface of Smart Meter Texas, in both versions."""
