"""lenetml: one YAML spec in; a tuned, tested small network and its model card out."""

__version__ = "0.1.0"
