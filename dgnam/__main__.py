"""`python -m dgnam` is the command `dgnam`."""

from .cli import main

if __name__ == "__main__":
    main()
