"""The bus between gateways and portals, over MQTT or within one process."""
