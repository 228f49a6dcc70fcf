"""The `lifespan` command: each subcommand in a module of its own; nothing here is imported by another room."""
