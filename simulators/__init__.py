"""Virtual radios, meters and homes: seeded, repeatable, and no mirror of the drivers they test."""
