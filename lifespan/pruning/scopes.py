"""Names of the scopes within which synapses are ranked."""

from typing import Literal, get_args

Scope = Literal["global", "layer", "row"]
SCOPES = get_args(Scope)
"""Rank all matrices together; or take the same fraction of every matrix; or of every output row of every matrix."""
