"""Disorders of structural and weight initialisation."""
