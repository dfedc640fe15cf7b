"""Live sources of routes: sessions with route servers, each followed by threads of its own.

Law: nothing here is imported before a source is configured that needs it, and a source
that is lost keeps the table that it had. Start from `gobgp.GobgpFeed`.
"""
