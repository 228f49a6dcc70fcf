"""Living a plan: a step, the executor, workers and their supervision, the frontier of open steps, estimates and status."""
