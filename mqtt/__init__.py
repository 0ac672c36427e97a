"""The bus between gateways and portals, over MQTT or within one process."""

from mqtt.client import MqttBus

__all__ = ["MqttBus"]
