"""Among whom the weakest synapses are sought."""

SCOPES = ("global", "layer", "row")
"""Rank all matrices together; or take the same fraction of every matrix; or of every output row of every matrix."""
