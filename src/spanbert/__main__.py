"""`python -m spanbert` is the `spanbert` command."""

from spanbert.cli.main import main

main()
