"""The environment in which notebooks run here, graded or executed: on the CPU, with small data."""

from __future__ import annotations

# The work folder is relative, so that no path of this machine is printed into an output.
CPU_MODE = {
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "SSL_COURSE_MODE": "cpu",
    "SSL_COURSE_WORK": "ssl-course-work",
    # What was handed in together with a notebook is not taken for the course, whatever its version.
    "SSL_COURSE_PACKAGE": "installed",
}
