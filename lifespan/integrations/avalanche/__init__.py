"""Where Lifespan and Avalanche 0.6 meet. Importing a module of this package imports avalanche, which takes seconds."""
