"""Disorders of data and curriculum."""
