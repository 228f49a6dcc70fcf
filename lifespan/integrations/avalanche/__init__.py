"""The integration with Avalanche 0.6. Importing a module of this package imports avalanche, which takes seconds."""
