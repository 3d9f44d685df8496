"""`python -m minimand` is the command `minimand`."""

from minimand.cli import main

if __name__ == "__main__":
    main()
