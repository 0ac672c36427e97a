"""Interval usage: files read, meter-days kept in versions, totals and series given out."""
