"""Route tables over time: noticed, admitted or held, remembered, and swapped by a link.

Law: what serves is a table that was accepted; a guard may hold a new table back, but never
a failover. Start from `sparrow.tables.gate`.
"""
