"""Where routes come from: route files now; each reader yields rows for a snapshot.

The modules that parse are pure; those that read are the edge.
"""
