"""What an operator asks of a running server, and the messages that carry it."""
