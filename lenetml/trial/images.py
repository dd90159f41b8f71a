"""One image at a time: decoded, turned upright, brought to a colour mode and a size.

The only door of Pillow. Pixels are bytes before and after; sizes change by Pillow's bilinear
filter, which looks at all pixels that an output pixel covers, so that small images keep what
large ones show, and works with whole numbers, so that it does so alike on every machine.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lenetml.errors import DataError
from lenetml.spec.imagefiles import shown, too_many_bits

ColorMode: TypeAlias = Literal["grayscale", "rgb"]
Fit: TypeAlias = Literal["stretch", "crop", "pad"]
Pixels: TypeAlias = NDArray[np.uint8]

PILLOW_VERSION = PIL.__version__
MAX_PIXELS = 80_000_000
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
_GRAYSCALE_MODES = {"1", "L", "LA", "La"}
_RGB_MODES = {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
_TURNED_ON_SIDE = {5, 6, 7, 8}
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258
REMEDY = "replace it, or move it out of the folder"


def look(path: Path) -> tuple[int, int, ColorMode]:
    """Give height, width and colour mode of an image file as `read_image` would find them.

    Raises:
        DataError: The file cannot be read, or is no image that lenetml takes.
    """
    with _naming(path), path.open("rb") as file, _open(file, path) as image:
        width, height = image.size
        if _may_be_turned(image) and image.getexif().get(_ORIENTATION) in _TURNED_ON_SIDE:
            width, height = height, width
        return height, width, color_mode_of(image)


def read_image(path: Path, size: tuple[int, int] | None, fit: Fit, color_mode: ColorMode) -> Pixels:
    """Read an image file.

    Of several frames the first is taken. What is transparent is shown on white, as a viewer
    does; CMYK becomes RGB without a profile, as Pillow does.

    Args:
        path: The file.
        size: Height and width to bring it to; None: as it is.
        fit: How its sides are brought to them.
        color_mode: Decides the channels.

    Returns:
        Its pixels, shape `(height, width, channels)`.

    Raises:
        DataError: The file cannot be read, or is no image that lenetml takes.
    """
    content = read_bytes(path)
    with _naming(path):
        if content.startswith(b"\x89PNG"):
            # Pillow 13 decodes pixels without comparing them with their checksum.
            with _open(io.BytesIO(content), path) as image:
                image.verify()
        with _open(io.BytesIO(content), path) as opened:
            opened.load()
            upright = ImageOps.exif_transpose(opened) if _may_be_turned(opened) else opened
            return _as_array(resize(_flatten(upright, color_mode), size, fit))


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read", str(error.strerror)) from None


def change_images(
    images: Pixels, size: tuple[int, int] | None, fit: Fit, color_mode: ColorMode | None
) -> Pixels:
    """Bring images that are at hand to a colour mode and a size.

    Args:
        images: Shape `(n, height, width, 1 or 3)`.
        size: Height and width; None: as they are.
        fit: How their sides are brought to them.
        color_mode: None: as they are.

    Returns:
        Shape `(n, height, width, channels)`.
    """
    n, height, width, channels = images.shape
    if color_mode == "rgb" and channels == 1:
        images = np.repeat(images, 3, axis=3)
    elif color_mode == "grayscale" and channels == 3:
        tall = Image.fromarray(images.reshape(n * height, width, 3)).convert("L")
        images = np.asarray(tall).reshape(n, height, width, 1)
    if size is None or size == (height, width):
        return images
    changed = np.empty((n, *size, images.shape[3]), dtype=np.uint8)
    for image, place in zip(images, changed, strict=True):
        opened = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        place[...] = _as_array(resize(opened, size, fit))
    return changed


def resize(image: Image.Image, size: tuple[int, int] | None, fit: Fit) -> Image.Image:
    """Bring an image to a height and a width.

    `stretch` changes both sides by themselves; `crop` keeps their proportion, covers the size
    and cuts what stands out on both sides; `pad` keeps it too, makes a larger image small
    enough, never a small one larger, and surrounds it with black.
    """
    if size is None or image.size == (size[1], size[0]):
        return image
    height, width = size
    if fit == "stretch":
        return image.resize((width, height), Image.Resampling.BILINEAR)
    if fit == "crop":
        return ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    wide, high = image.size
    if wide > width or high > height:
        if wide * height >= high * width:
            wide, high = width, max(1, (2 * high * width + wide) // (2 * wide))
        else:
            wide, high = max(1, (2 * wide * height + high) // (2 * high)), height
        image = image.resize((wide, high), Image.Resampling.BILINEAR)
    padded = Image.new(image.mode, (width, height))
    padded.paste(image, ((width - wide) // 2, (height - high) // 2))
    return padded


def color_mode_of(image: Image.Image) -> ColorMode:
    """The colour mode that an image has of itself."""
    return "grayscale" if image.mode in _GRAYSCALE_MODES else "rgb"


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Keep Pillow's warnings of odd files to itself: what matters is refused.

    It is entered once around all reading, because it holds for all threads.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Pillow loads its formats when first asked, which threads must not do at once.
        Image.init()
        yield


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what a decoder raises into a DataError that names the file."""
    try:
        yield
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(
            f"{shown(path)} is no image that can be read",
            "allowed: PNG, JPEG, BMP, GIF, WebP and TIFF",
            REMEDY,
        ) from None
    except Image.DecompressionBombError:
        raise _too_many_pixels(path) from None
    except Exception as error:
        # Everything is caught, because a decoder of Pillow 13 raises what it stumbles over.
        found = str(error) or type(error).__name__
        raise DataError(f"{shown(path)} is damaged", f"found: {found}", REMEDY) from None


def _open(file: io.BytesIO | io.BufferedReader, path: Path) -> Image.Image:
    image = Image.open(file, formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(path)
    if _is_too_deep(image):
        raise too_many_bits(path)
    if image.mode not in _GRAYSCALE_MODES | _RGB_MODES:
        raise DataError(
            f"{shown(path)} has colours that are not read",
            f"found: {image.mode}",
            "allowed: grayscale, RGB, a palette, CMYK",
            "save it with one of these",
        )
    return image


def _too_many_pixels(path: Path) -> DataError:
    allowed = f"allowed: {MAX_PIXELS:,} pixels; save it smaller"
    return DataError(f"{shown(path)} is too large", allowed)


def _is_too_deep(image: Image.Image) -> bool:
    """Whether the file has more bits than Pillow 13 gives: it cuts 16 of a colour to 8."""
    if image.mode.startswith(("I", "F")):
        return True
    if image.format == "PNG":
        return any("16B" in str(tile.args) for tile in getattr(image, "tile", ()))
    tags = getattr(image, "tag_v2", {})
    return image.format == "TIFF" and max(tags.get(_BITS_PER_SAMPLE, (1,))) > 8


def _may_be_turned(image: Image.Image) -> bool:
    """Whether Pillow 13 can tell an orientation from the head of the file, and has not obeyed it.

    It turns a TIFF itself, and reads a whole PNG to find one behind the pixels.
    """
    return image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info)


def _flatten(image: Image.Image, color_mode: ColorMode) -> Image.Image:
    """Put an image on white and give it one or three channels."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    if image.mode not in _GRAYSCALE_MODES:
        image = image.convert("RGB")
    return image.convert("L" if color_mode == "grayscale" else "RGB")


def _as_array(image: Image.Image) -> Pixels:
    pixels: Pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels
