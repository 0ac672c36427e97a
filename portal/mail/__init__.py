"""Mail to the people of the market: letters wait in the database until a mail server has taken them."""
