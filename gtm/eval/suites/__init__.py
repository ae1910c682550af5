"""What is asked of a candidate and what is measured of its answers: one module a suite."""
