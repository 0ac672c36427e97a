"""What home-area devices do on the network: displays, load followers, terminals, and those that mean no good."""
