"""Chosen values at an end of what was searched: whether more would be better was not tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeGuard

from lenetml.record import Hyperparameter, Record

LEAST_VALUES = 3
NEAR_END = 0.02


@dataclass(frozen=True)
class Edge:
    """A chosen value at an end of its range."""

    name: str
    value: int | float
    is_largest: bool


def find_edges(record: Record) -> list[Edge]:
    """Find the chosen numbers beyond which nothing was tried.

    That is an end of a range or of at least three values, and what is within a fiftieth of a
    range's end; nothing lies beyond a smallest value of 0.
    """
    edges = []
    for each in record.search.space:
        value = record.best.values.get(each.name)
        if _is_number(value) and (ends := _ends(each)):
            place = _place(value, *ends, is_log=each.is_log)
            is_smallest = place <= NEAR_END and ends[0] != 0
            if is_smallest or place >= 1 - NEAR_END:
                edges.append(Edge(each.name, value, is_largest=not is_smallest))
    return edges


def _ends(each: Hyperparameter) -> tuple[float, float] | None:
    """The least and the largest value of what is a range, or a list of at least three numbers."""
    if each.values is None:
        return (each.low, each.high) if each.low != each.high else None  # type: ignore[return-value]
    if not all(map(_is_number, each.values)) or len(set(each.values)) < LEAST_VALUES:
        return None
    return min(each.values), max(each.values)


def _place(value: float, low: float, high: float, *, is_log: bool) -> float:
    """Where a value lies between the two ends, from 0 to 1."""
    if is_log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
