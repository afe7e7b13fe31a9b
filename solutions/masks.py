"""Which images count by a threshold for each class, in FlexMatch and in FreeMatch."""


def flexible_mask(confidence, pseudo_labels, thresholds):
    """Exercise 4: which images count: those whose probability reaches the threshold of their own class.

    Args:
        confidence: float (n,), the probability of each image's pseudo-label: one entry for each *image*.
        pseudo_labels: int (n,), a class for each image. thresholds: float (C,), one for each *class*.

    Returns: bool (n,), on the device of confidence.
    """
    ### BEGIN SOLUTION
    return confidence >= thresholds[pseudo_labels]
    ### END SOLUTION
