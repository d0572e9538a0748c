import ctypes

import numpy as np
import pytest

from precompute.blas import one_blas_thread


def test_threads_are_given_back_even_after_an_error():
    library = ctypes.CDLL(np.linalg._umath_linalg.__file__)  # pyright: ignore[reportAttributeAccessIssue]
    if not hasattr(library, "scipy_openblas_get_num_threads64_"):
        pytest.skip("this numpy is not built on OpenBLAS")
    threads = library.scipy_openblas_get_num_threads64_
    before = threads()
    with pytest.raises(ValueError, match="inside"), one_blas_thread():
        assert threads() == 1
        raise ValueError("inside")
    assert threads() == before
