"""`python -m gateway`: the metergate command."""

from gateway.cli import main

main()
