"""Keras as it comes, whatever the user's own settings say."""

from __future__ import annotations

import json
import os
import subprocess
import sys

SETTINGS = {
    "floatx": "float16",
    "epsilon": 1e-3,
    "backend": "jax",
    "image_data_format": "channels_first",
}
CODE = """
from lenetml.trial.threads import use_one_thread
use_one_thread()
use_one_thread()
import keras
import tensorflow as tf
dense = keras.layers.Dense(1)
dense.build((None, 1))
print(
    keras.config.backend(), keras.config.floatx(), keras.config.image_data_format(),
    keras.config.epsilon(), dense.kernel.dtype, keras.layers.MaxPooling2D().data_format,
    tf.config.threading.get_intra_op_parallelism_threads(),
    tf.config.threading.get_inter_op_parallelism_threads(),
)
"""


def test_settings_of_the_user_do_not_count(tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(SETTINGS))
    kept = {name: text for name, text in os.environ.items() if not name.startswith("KERAS_")}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=kept | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "tensorflow float32 channels_last 1e-07 float32 channels_last 1 1\n"
    assert done.stderr == ""
