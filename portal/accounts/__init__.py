"""People: accounts, what they may do, how they sign in and stay signed in."""
