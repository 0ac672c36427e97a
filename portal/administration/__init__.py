"""Administration: a company's accounts, profile and DUNS numbers, and the operating team's word on companies."""
