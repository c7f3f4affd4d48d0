"""`python -m trapper_client`: the `trapper` command where no script is installed."""

from trapper_client.app import main

main()
