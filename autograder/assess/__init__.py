"""What an instructor asks of one student: viva sheets, and tasks whose data are drawn for each student."""
