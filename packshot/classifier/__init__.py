"""The three-input classifier of METHOD.md: network, features, training, evaluation. Loads no torch by itself."""
