"""The instructor's side: notebooks are built, released, graded and packed here. Students never receive it."""
