"""The program `python -m dissectory`."""

from dissectory.cli import main

main()
