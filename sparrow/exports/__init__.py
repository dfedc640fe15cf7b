"""The map of a plan in the formats of other programs.

Law: pure; an export says of every client address what the plan says of it as the source
of a query, at the moment at which the outcomes were read. Start from `formats.render`.
"""
