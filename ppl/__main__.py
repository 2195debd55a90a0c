"""`python -m ppl` is the command `ppl`."""

from ppl.cli.main import main

main()
