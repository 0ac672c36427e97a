"""A meter as Energy Services Interface: coordinator and trust centre of its customer's home-area network."""
