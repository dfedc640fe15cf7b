"""What the daemon knows and does: it reads, publishes, watches, and answers questions about it.

Law: each part guards one kind of state, lives in the daemon's event loop, and hears of
the others through functions it is given; `sparrow.daemon` alone knows them all.
"""
