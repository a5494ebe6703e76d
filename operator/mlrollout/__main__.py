"""`python -m mlrollout` is the command line."""

from mlrollout.cli import main

main()
