"""The student's side of the semi-supervised learning course.

`import course` is light on purpose: PyTorch, torchvision, jax-resnet and matplotlib are
imported by the functions that need them.
"""

__version__ = "0.2.0"
