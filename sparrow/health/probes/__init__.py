"""What is done to a target in order to see whether it works: one module a kind."""
