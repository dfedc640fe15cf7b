"""DNS as RFC 1034 has it: queries, zones, answers, messages. No socket, no clock."""
