"""What the user wrote: text in, a checked spec out. pydantic and yaml only."""

from lenetml.spec.checked import Spec
from lenetml.spec.load import check_spec, load_spec
from lenetml.spec.problems import Problem

__all__ = ["Problem", "Spec", "check_spec", "load_spec"]
