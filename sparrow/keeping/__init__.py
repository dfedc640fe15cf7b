"""Keeping a server alive: what the keeper and its children have in common.

Law: nothing here reads a configuration, a zone or a packet. `layout` is what the
keeper is told, `estate` what it holds, `handover` how that reaches a successor,
`charge` what a child is told, `tether` how it talks back, and `supervision` when
a dead one is replaced. Start from `sparrow.keeper`.
"""
