"""Meters on the wall, and the customers who attached them."""
