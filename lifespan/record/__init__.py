"""What a run leaves on disk: rows, the store of states, leases, manifest, specs and tables. No torch."""
