"""Home-area devices: commands to them, their timelines, and what they say."""
