"""The learner's side of a unit: hints, progress, predictions, recall questions, and a look before handing in.

    from course.learn import begin, hint, predict, progress, ready_to_hand_in, recall, reveal

    begin("fixmatch", env)              # once, in the notebook's cell of imports
    hint("get_forward_fn", 1)           # a first hint, then hint("get_forward_fn", 2)
    progress()                          # exercises, points and states; survives a restart of the kernel
    predict("mask_rate", ...)           # the question; a number in place of the dots is the guess
    reveal("mask_rate", rate)           # the guess beside the result
    recall()                            # questions about what has been learned, with answers that open
    ready_to_hand_in()                  # every check, and the cells of the saved notebook

The texts stand in ``<unit>.yml`` in this folder. They explain and never answer.
"""

from course.learn.hints import hint
from course.learn.predictions import predict, reveal
from course.learn.progress import progress
from course.learn.questions import recall
from course.learn.ready import ready_to_hand_in
from course.learn.session import begin

__all__ = ["begin", "hint", "predict", "progress", "ready_to_hand_in", "recall", "reveal"]
