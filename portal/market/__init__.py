"""The market's premises and the REP of record of each."""
