"""On-demand reads that are asked for later: batches that enter in pieces, and reads booked for an instant."""
