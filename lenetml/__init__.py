"""lenetml: one YAML spec in; a tuned, tested small network and its model card out.

`load_spec` reads and checks a spec; `HyperModel` makes it a hypermodel for Keras Tuner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lenetml.search.hypermodel import HyperModel
    from lenetml.spec import Spec, load_spec

__version__ = "0.1.0"
__all__ = ["HyperModel", "Spec", "__version__", "load_spec"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is asked for: TensorFlow takes seconds to load."""
    if name == "HyperModel":
        from lenetml.search.hypermodel import HyperModel

        return HyperModel
    if name in ("Spec", "load_spec"):
        import lenetml.spec

        return getattr(lenetml.spec, name)
    raise AttributeError(f"module 'lenetml' has no attribute {name!r}")
