"""Who judges whether a simulated API contradicts itself: a reader of definitions, a caller, a memory of answers."""
