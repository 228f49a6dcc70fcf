"""`python -m lifespan` is the `lifespan` command."""

from lifespan.cli.main import main

main()
