"""A network of profile `lite`, run by ONNX Runtime on the CPU."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def cpu_session(weights: Path, threads: int) -> "InferenceSession":
    """The network of an ONNX file, on so many threads. ONNX Runtime is imported only here: it takes a while."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
