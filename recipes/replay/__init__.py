"""Parts of `replay_recorded.py`: recorded sessions, substituted identifiers, labels of errors, fields set earlier."""
