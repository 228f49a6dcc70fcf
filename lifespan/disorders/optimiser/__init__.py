"""Disorders of the optimiser's dynamics."""
