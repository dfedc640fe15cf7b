"""Prefixes and the routes to them: what is known of the Internet, and no DNS."""
