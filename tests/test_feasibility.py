"""Which points of a search space are impossible, and what is said of them."""

from __future__ import annotations

import itertools

import pytest
from spec_texts import SEARCH, check, messages, spec_of

from lenetml.spec.domains import Choice, Range
from lenetml.spec.feasibility import MAX_LAYERS, check_size
from lenetml.spec.misfit import architecture_at
from lenetml.spec.shapes import Impossible, trace
from lenetml.spec.steps import Step
from lenetml.spec.unroll import most_times, unroll

KERNELS = [
    {"conv2d": {"filters": "$filters", "kernel_size": "$first", "padding": "$padding"}},
    {"repeat": {"times": "$times", "layers": [{"pooling2d": {"kind": "max"}}]}},
    {"batch_normalization": {"when": {"flag": True}}},
    "flatten",
    {"dropout": {"rate": "$rate"}},
]
SPACE = {
    "filters": {"values": [4, 6, 12]},
    "first": {"values": [3, 5, 7, 9]},
    "padding": {"values": ["valid", "same"]},
    "times": {"min": 0, "max": 3},
    "flag": {"values": [True, False]},
    "rate": {"min": 0.1, "max": 0.5},
}


def counted_by_hand() -> float:
    """The share of points that cannot be built, worked out without lenetml."""
    impossible = 0
    for kernel, padding, times in itertools.product([3, 5, 7, 9], ["valid", "same"], range(4)):
        side = 8 if padding == "same" else 8 - kernel + 1
        # A 2 x 2 window needs two values a side, and halves it.
        impossible += side < 1 or side < 2**times
    return impossible / (4 * 2 * 4)


def test_the_share_is_exact_where_all_points_can_be_looked_at(tmp_path):
    spec = spec_of(tmp_path, architecture=KERNELS, search_space=SPACE, search=SEARCH)
    assert spec.feasibility.n_sampled is None
    assert spec.feasibility.impossible_share == pytest.approx(counted_by_hand(), abs=1e-12)
    assert spec.feasibility.misfit.path == ("architecture", 0, "conv2d")


def test_only_names_that_reach_a_shape_are_looked_at(tmp_path):
    spec = spec_of(tmp_path, architecture=KERNELS, search_space=SPACE, search=SEARCH)
    entries = unroll(spec.data["architecture"], most_times(spec.declared))
    reaching = {name for entry in entries for name in Step(entry, spec.space, {}).names}
    assert reaching == {"first", "padding", "times", "flag"}


def test_the_warning_gives_an_example_that_is_true(tmp_path):
    spec = spec_of(tmp_path, architecture=KERNELS, search_space=SPACE, search=SEARCH)
    [warning] = spec.warnings
    percent = f"{100 * counted_by_hand():.1f} %"
    assert warning.message == f"conv2d does not fit for {percent} of the search space"
    assert warning.notes == (
        "with first 9, padding valid the input of conv2d is 8 x 8 x 1, smaller than its 9 x 9 "
        "kernel",
        "the search passes over such points; they are no trials",
    )
    point = {"filters": 4, "first": 9, "padding": "valid", "times": 1, "flag": True, "rate": 0.1}
    items = spec.data["architecture"]
    with pytest.raises(Impossible) as caught:
        trace(architecture_at(items, point)[1], (8, 8, 1), 10)
    assert caught.value.reason == "is 8 x 8 x 1, smaller than its 9 x 9 kernel"
    layers = architecture_at(items, point | {"padding": "same"})[1]
    assert trace(layers, (8, 8, 1), 10)[-1].output_shape == (10,)


def test_a_sampled_share_is_near_the_true_one_and_the_same_every_time(tmp_path):
    architecture = [
        {"conv2d": {"filters": 1, "kernel_size": "$size", "strides": ["$a", "$b"]}},
        "flatten",
    ]
    space = {
        "size": {"min": 1, "max": 16},
        "a": {"min": 1, "max": 100},
        "b": {"min": 1, "max": 100},
    }
    sections = {"architecture": architecture, "search_space": space, "search": SEARCH}
    first, second = spec_of(tmp_path, **sections), spec_of(tmp_path, **sections)
    assert first.feasibility.n_sampled == 2_000
    # Half of the kernels exceed 8 x 8; 2,000 draws miss that by 0.05 in one of 100,000 samples.
    assert first.feasibility.impossible_share == pytest.approx(0.5, abs=0.05)
    assert first.feasibility == second.feasibility
    assert first.warnings[0].message.startswith("conv2d does not fit for about ")
    assert first.warnings[0].notes[1] == "this share is an estimate from 2,000 points"


def test_a_sample_of_a_conditional_space_is_drawn_as_random_search_draws(tmp_path):
    """Half of the points are deep; of those, seven of eight sizes do not fit behind 8 x 8."""
    architecture = [
        {"conv2d": {"filters": 1, "kernel_size": [8, 1], "when": "$deep"}},
        {"conv2d": {"filters": 1, "kernel_size": ["$size", 1], "when": "$deep"}},
        {"conv2d": {"filters": 1, "kernel_size": 1, "when": {"rate": 0.5}}},
        {"repeat": {"times": "$times", "layers": [
            {"conv2d": {"filters": 1, "kernel_size": 1, "strides": "$stride.each"}},
        ]}},
        "flatten",
    ]  # fmt: skip
    space = {
        "deep": {"values": [True, False]},
        "size": {"min": 1, "max": 8, "when": {"deep": True}},
        "rate": {"min": 0.0, "max": 1.0, "q": 0.00000001},
        "times": {"min": 0, "max": 4},
        "stride": {"min": 1, "max": 50},
    }
    spec = spec_of(tmp_path, architecture=architecture, search_space=space, search=SEARCH)
    assert spec.feasibility.n_sampled == 2_000
    # Five standard deviations of 2,000 draws.
    assert spec.feasibility.impossible_share == pytest.approx(7 / 16, abs=0.056)
    assert spec.feasibility.misfit.path == ("architecture", 1, "conv2d")
    assert spec.feasibility.misfit.sentence.startswith("with deep true, size ")


@pytest.mark.parametrize(
    ("most", "said"), [(8, None), (9, "11.1 %"), (8000, "99.9 %"), (20_000, "more than 99.9 %")]
)
def test_shares_near_none_and_all_are_not_rounded_away(tmp_path, most, said):
    architecture = [{"conv2d": {"filters": 1, "kernel_size": "$size"}}, "flatten"]
    found = messages(
        tmp_path, architecture=architecture, search_space={"size": {"min": 1, "max": most}},
        search=SEARCH,
    )  # fmt: skip
    assert found == ([f"conv2d does not fit for {said} of the search space"] if said else [])


def test_a_small_share_is_not_told_as_none(tmp_path):
    architecture = [
        {"conv2d": {"filters": 1, "kernel_size": 8, "when": {"a": 1}}},
        {"conv2d": {"filters": 1, "kernel_size": [1, 2], "when": {"a": 1, "b": 1}}},
        "flatten",
    ]
    space = {"a": {"min": 1, "max": 50}, "b": {"min": 1, "max": 50}}
    found = messages(tmp_path, architecture=architecture, search_space=space, search=SEARCH)
    assert found == ["conv2d does not fit for less than 0.1 % of the search space"]


def test_images_brought_to_a_size_have_that_size(tmp_path):
    architecture = [{"conv2d": {"filters": 1, "kernel_size": 32}}, "flatten"]
    for image_size, is_possible in ((None, False), (32, True), ([32, 31], False)):
        data = {"dataset": "mnist"} | ({"image_size": image_size} if image_size else {})
        spec, _ = check(tmp_path, data=data, architecture=architecture)
        assert (spec is not None) == is_possible


def test_colour_counts_as_channels(tmp_path):
    dense = [{"conv2d": {"filters": 1, "kernel_size": 40}}, "flatten"]
    for mode, channels in (("rgb", 3), ("grayscale", 1)):
        _, [problem] = check(
            tmp_path, data={"dataset": "cifar10", "color_mode": mode}, architecture=dense
        )
        assert f"is 32 x 32 x {channels}, smaller" in problem.notes[0]


def test_shapes_are_not_looked_at_where_the_images_are_not_known(tmp_path):
    architecture = [{"conv2d": {"filters": 1, "kernel_size": 99}}, "flatten"]
    spec = spec_of(tmp_path, data={"path": "x.npz"}, architecture=architecture)
    assert spec.feasibility is None


def nested(*times):
    items = ["batch_normalization"]
    for count in times:
        items = [{"repeat": {"times": count, "layers": items}}]
    return items


@pytest.mark.parametrize(
    ("items", "is_too_large"),
    [
        (["flatten"] * MAX_LAYERS, False),
        (["flatten"] * (MAX_LAYERS + 1), True),
        (nested(64, 15), False),
        (nested(64, 16), True),
        (nested(64, 64, 64, 0), False),
        (nested(*[64] * 12), True),
        (nested("$n", "$n"), True),
        (nested("$pair.0", 64), True),
        (nested("$missing", 64), False),
        (nested(10**30, 2), False),
        (nested(-1, 64, True, "x", None, 2.5), False),
        ("flatten", False),
        (None, False),
        ([{"repeat": 5}, {"repeat": {"times": 64}}, 3, None, [], {}], False),
    ],
)
def test_repeats_that_multiply_are_bounded_before_anything_is_built(items, is_too_large):
    space = {"n": Range(1, 40), "pair": Choice(([64, 1], [2, 2]))}
    findings = list(check_size(items, space))
    assert len(findings) == is_too_large
    if findings:
        assert findings[0].message.startswith("architecture has up to ")


def test_what_stands_in_a_residual_reaches_its_shape(tmp_path):
    kernel = {"kernel_size": "$kernel", "padding": "$padding"}
    layers = [
        {"separable_conv2d": {**kernel, "filters": "$filters", "depth_multiplier": "$filters"}},
        {"repeat": {"times": "$times", "layers": [{"pooling2d": {"kind": "max", "strides": 1}}]}},
    ]
    spec = spec_of(
        tmp_path,
        architecture=[{"residual": {"layers": layers}}, "flatten"],
        search_space={
            "filters": {"values": [1, 2]},
            "kernel": {"values": [1, 3, 5, 7, 9]},
            "padding": {"values": ["valid", "same"]},
            "times": {"min": 0, "max": 2},
        },
        search=SEARCH,
    )
    impossible = 0
    for kernel, padding, times in itertools.product([1, 3, 5, 7, 9], ["valid", "same"], range(3)):
        # Each 2 x 2 window that moves by 1 takes one place of each side.
        side = (8 if padding == "same" else 8 - kernel + 1) - times
        impossible += side not in [-(-8 // stride) for stride in range(1, 9)]
    assert spec.feasibility.n_sampled is None
    assert spec.feasibility.impossible_share == pytest.approx(impossible / 30)
    assert spec.feasibility.misfit.path == ("architecture", 0, "residual")


def test_a_sample_is_smaller_where_each_point_is_more_work(tmp_path):
    """900 layers that may be there or not, in 65 times 16 combinations."""
    inner = {"repeat": {"times": "$n", "layers": [
        {"conv2d": {"filters": 2, "kernel_size": 3, "padding": "same"}},
    ]}}  # fmt: skip
    spec = spec_of(
        tmp_path,
        architecture=[{"repeat": {"times": "$m", "layers": [inner]}}, "flatten"],
        search_space={"n": {"min": 0, "max": 64}, "m": {"min": 0, "max": 15}},
        search=SEARCH,
    )
    assert 100 < spec.feasibility.n_sampled < 200
    assert spec.feasibility.impossible_share == 0


def test_a_sample_in_which_nothing_can_be_built_is_a_warning(tmp_path):
    """One in 43 million points has kernels that fit: 1 x 1 eight times."""
    kernels = {f"k{number}": {"min": 1, "max": 9} for number in range(8)}
    layers = [{"conv2d": {"filters": 1, "kernel_size": f"${name}"}} for name in kernels]
    last = {"conv2d": {"filters": 1, "kernel_size": 8}}
    spec = spec_of(
        tmp_path,
        architecture=[*layers, last, "flatten"],
        search_space={**kernels, "more": {"min": 1, "max": 50}},
        augmentation={"rotation_range": "$more"},
        search=SEARCH,
    )
    [warning] = spec.warnings
    assert warning.message == "none of 2,000 points of the search space can be built"
    assert trace(
        spec.concrete({**dict.fromkeys(kernels, 1), "more": 1}).architecture, (8, 8, 1), 10
    )


def test_a_sample_may_hold_conditions_on_positions_of_what_does_not_exist(tmp_path):
    space = {
        "deep": {"values": [True, False]},
        "pair": {"values": [[1, 2], [2, 3]], "when": {"deep": True}},
        "size": {"min": 1, "max": 4, "when": {"pair.0": 1}},
        "stride": {"min": 1, "max": 100_000},
    }
    when = {"pair.0": 1, "deep": True}
    architecture = [
        {"conv2d": {"filters": 1, "kernel_size": "$pair", "when": "$deep"}},
        {"conv2d": {"filters": 1, "kernel_size": "$size", "strides": "$stride", "when": when}},
        {"conv2d": {"filters": 1, "kernel_size": [5, 1], "when": when}},
        "flatten",
    ]
    spec = spec_of(tmp_path, architecture=architecture, search_space=space, search=SEARCH)
    assert spec.feasibility.n_sampled == 2_000
    # A quarter of the points has three layers, and the last fits in almost none of them.
    assert spec.feasibility.impossible_share == pytest.approx(1 / 4, abs=0.05)
