"""Where the texts of a figure stand, as matplotlib draws them: which overlap, which stick out."""

from __future__ import annotations

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from lenetml.report.figures.style import DOTS_PER_INCH, own_style

SLACK = 1.0


@own_style()
def _boxes(figure):
    figure.set_dpi(DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not axes.axison or not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    hidden |= {tick.label1, tick.label2}
    texts = [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]
    return canvas.get_width_height(), [
        (text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in texts
    ]


def texts_of(figure):
    """All texts that are seen."""
    return [text for text, _ in _boxes(figure)[1]]


def faults_of(figure):
    """Pairs of texts that overlap, and texts that leave the figure, by more than a pixel."""
    (width, height), boxes = _boxes(figure)
    faults = [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > SLACK and min(a.y1, b.y1) - max(a.y0, b.y0) > SLACK
    ]
    outside = [
        (text, "outside")
        for text, box in boxes
        if min(box.x0, box.y0) < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK
    ]
    return faults + outside
