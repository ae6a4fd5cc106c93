"""`python -m grok_imagine_cli`: the same as `grok-imagine`."""

from . import main

if __name__ == "__main__":
    main()
