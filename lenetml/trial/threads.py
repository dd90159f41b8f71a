"""TensorFlow and Keras set so that results depend on neither the cores nor the user's settings."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from lenetml.errors import UsageError
from lenetml.trial.environment import gpus


def use_one_thread() -> None:
    """Load TensorFlow, quiet, with one intra-op and one inter-op thread, and Keras as it comes.

    Call it before anything else imports TensorFlow or Keras, which read their environment while
    they load. A second call changes nothing. What `~/.keras/keras.json` says does not count; a
    level that the user gave in `TF_CPP_MIN_LOG_LEVEL` is kept.

    Raises:
        UsageError: TensorFlow already runs with other numbers of threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _silent_start() if "tensorflow" not in sys.modules else contextlib.nullcontext():
        import keras
        import tensorflow as tf
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)
    # TensorFlow complains where it looks for a GPU and finds none.
    for gpu in tf.config.list_physical_devices("GPU") if gpus() else ():
        # Otherwise the first process takes all of a GPU's memory, and the driver has one, too.
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    threading = tf.config.threading
    try:
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        raise UsageError(
            "TensorFlow already runs with more than one thread",
            f"found: intra-op {threading.get_intra_op_parallelism_threads()}, inter-op "
            f"{threading.get_inter_op_parallelism_threads()} (0: as many as the machine has)",
            "call lenetml.trial.threads.use_one_thread() before TensorFlow computes anything",
        ) from None


@contextlib.contextmanager
def _silent_start() -> Iterator[None]:
    """Keep from stderr what TensorFlow writes to it while it loads."""
    # TensorFlow 2.21 logs six lines before abseil is set up, which no level holds back
    # (abseil-cpp pull request 1957).
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0":
        yield
        return
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
