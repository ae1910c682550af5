"""gtm models: list, fetch, check or remove the weights of the embedded models.

What a model is, where its weights come from and how they are checked is in `gtm.engines.models`.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    return 0
