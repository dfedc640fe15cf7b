"""Words that every layer shares: addresses, prefixes, AS numbers, domain names.

Plain values with their text forms; nothing here knows a file, a table or a
message.
"""
