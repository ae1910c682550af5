"""CARG, Context-Aware Response Generation: training data that teaches a model to be any tool."""
