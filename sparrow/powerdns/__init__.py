"""PowerDNS's remote backend: what it asks, and what the zones and the map answer.

Law: pure; an answer is a function of the question and of what DNS is answered from, so
that what PowerDNS tells its clients is what sparrow would. Start from
`answering.answer_line`.
"""
