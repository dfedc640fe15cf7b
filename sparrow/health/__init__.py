"""Whether sites are up: probes, the counting of their results, and what follows for a site."""
