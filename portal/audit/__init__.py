"""Who did what to whom, and why: rows that are only ever added, each sealed to the one before."""
