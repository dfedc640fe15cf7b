"""Super Sparrow's own program: an address in, the name or address of the nearest site out.

The options of the original, its file and its rule; `vocabulary` holds the options,
`settings` what they come to, `decision` the rule, and `asking` is where they meet.
"""
