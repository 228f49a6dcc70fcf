"""Disorders of plasticity: what cannot change, or closes too early."""
