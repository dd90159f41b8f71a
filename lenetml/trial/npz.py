"""Arrays of an `.npz`, read after their headers were found right; nothing pickled is read."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenetml.spec.npyheaders import ArrayHeader, open_npz
from lenetml.spec.sections import Data
from lenetml.spec.userdata import class_names, image_shape, read_npz
from lenetml.trial.parts import Part, Source

_CHUNK_BYTES = 2**20


def read_user_npz(path: Path, data: Data) -> Source:
    """Read the user's `.npz`.

    Args:
        path: The file.
        data: The section of the spec.

    Raises:
        DataError: The file is damaged, or does not hold what it must.
    """
    npz = read_npz(path, data)
    with open_npz(path) as archive:
        arrays = {key: read_array(archive, header) for key, header in npz.headers.items()}
    pool = _as_part(arrays["x_train"], arrays["y_train"])
    n_pool = len(pool)

    def name_of(index: int) -> str:
        return f"x_train[{index}]" if index < n_pool else f"x_test[{index - n_pool}]"

    return Source(
        name=path.name,
        pool=pool,
        own_test=_as_part(arrays["x_test"], arrays["y_test"]) if "x_test" in arrays else None,
        classes=class_names(npz.n_classes, data),
        name_of=name_of,
    )


def read_array(archive: zipfile.ZipFile, header: ArrayHeader) -> NDArray[Any]:
    """Read an array of whole numbers as its header describes it.

    Raises:
        EOFError, zipfile.BadZipFile, zlib.error: The values are damaged; `open_npz` makes a
            DataError of it.
    """
    values = np.empty(header.size_bytes, dtype=np.uint8)
    with archive.open(f"{header.key}.npy") as file:
        file.read(header.offset)
        done = 0
        while done < len(values):
            chunk = np.frombuffer(file.read(_CHUNK_BYTES), dtype=np.uint8)
            if len(chunk) == 0:
                raise EOFError
            values[done : done + len(chunk)] = chunk
            done += len(chunk)
    array: NDArray[Any] = values.view(header.descr)
    if header.is_fortran:
        return array.reshape(header.shape[::-1]).T
    return array.reshape(header.shape)


def _as_part(images: NDArray[Any], labels: NDArray[Any]) -> Part:
    shape = (len(images), *image_shape(images.shape))
    return Part(np.ascontiguousarray(images).reshape(shape), labels.reshape(-1).astype(np.int64))
