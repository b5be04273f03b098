"""`python -m aiofunasr.cli`."""

from aiofunasr.cli import main

if __name__ == "__main__":
    main()
