"""Training of students: for now the plain loop that made the first shipped one."""
