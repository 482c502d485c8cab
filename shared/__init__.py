"""All logic of the app; the function folders beside it only parse, call and answer."""

# As in pyproject.toml, which is not deployed.
__version__ = "0.1.0"
