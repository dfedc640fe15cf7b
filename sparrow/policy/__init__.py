"""Which site answers whom: from a route to a class, from a class to a site. Pure."""
