"""Companies of the market: their kinds, statuses and DUNS numbers."""
