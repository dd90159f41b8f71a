"""`python -m lenetml`."""

from lenetml.cli import main

if __name__ == "__main__":
    main()
