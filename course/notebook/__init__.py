"""The learner's side of a unit: hints, progress, predictions, recall questions, and a look before handing in.

    import course

    course.begin("fixmatch", env)              # once, in the notebook's cell of imports
    course.hint("get_forward_fn", 1)           # a first hint, then hint("get_forward_fn", 2)
    course.progress()                          # exercises, points and states; survives a restart
    course.predict("mask_rate", ...)           # the question; a number in place of the dots is the guess
    course.reveal("mask_rate", rate)           # the guess beside the result
    course.recall()                            # questions about what has been learned, with answers that open
    course.ready_to_hand_in()                  # every check, the cells of the saved notebook, and the logbook
    course.delete_logbook()                    # for those who want to hand in none

The texts stand in ``course/units/<unit>/``, in ``exercises.json`` and ``texts.yml``. They explain and never
answer. Nothing is imported here: the set-up cell, in `setup`, comes before it is known which packages are
missing.
"""
