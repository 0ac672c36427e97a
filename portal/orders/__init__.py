"""Report orders: placed by people, taken up by workers under leases, delivered once."""
