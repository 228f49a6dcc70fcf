"""Living a plan: the executor of single steps, workers, the frontier of what can be lived next, estimates and status."""
