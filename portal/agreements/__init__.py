"""Agreements: what a customer lets a company do with a meter's data or its home-area devices."""
