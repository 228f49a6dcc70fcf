"""What a run leaves on disk: rows, the store of states, leases, manifest, specs and tables. No torch."""

from lifespan._deprecated import RECORD, moved_names

__getattr__ = moved_names(__name__, RECORD)
