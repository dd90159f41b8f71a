"""The part of a record on the data: where they came from and how they were divided."""

from __future__ import annotations

from pydantic import Field

from lenetml.values import Value


class ClassCounts(Value):
    """Examples of each class in each part, in the order of `DataRecord.classes`."""

    train: list[int]
    val: list[int]
    test: list[int]


class DataRecord(Value):
    """The data as loaded and divided."""

    dataset: str = Field(description="Name of the data set, or the path given in the spec.")
    source: str = Field(description="Name of the file or package that the images came from.")
    fingerprint: str = Field(description="SHA-256 of all pixels, labels and shapes.")
    test_fingerprint: str = Field(description="SHA-256 of the test part alone.")
    classes: list[str]
    input_shape: list[int] = Field(description="Height, width, channels.")
    has_own_test: bool = Field(description="The data set comes with its own test part.")
    stratified: bool
    split_seed: int
    train: int
    val: int
    test: int
    unused: int = Field(description="Examples that no part of the split takes.")
    class_counts: ClassCounts
    duplicates_within: int = Field(description="Exact repeats of an earlier image in its part.")
    duplicates_across: int = Field(description="Images of val or test that stand in another part.")
