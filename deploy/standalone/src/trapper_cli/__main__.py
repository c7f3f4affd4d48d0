"""`python -m trapper_cli` is `trapper`, for a place without the installed command."""

from trapper_client.app import main

if __name__ == "__main__":
    main()
