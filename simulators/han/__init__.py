"""Home-area devices as their customers know them: what they show, follow and refuse; no radio is needed to run them."""
