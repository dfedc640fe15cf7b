"""Which country an address is registered in: the table, and where it comes from."""
