"""The plan: what is known, compiled into files from which DNS is served.

`docs/plan-format.md` is the specification; `compile` writes a plan, `reader` maps
and verifies one, `pure` and `native` answer packets from it, octet for octet alike.
"""
