"""Views of whole mini-batches in JAX; `course.augment.on_device` says how they are used."""

from course.augment.jax.views import JaxViews

__all__ = ["JaxViews"]
