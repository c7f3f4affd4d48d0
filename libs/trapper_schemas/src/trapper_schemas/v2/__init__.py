"""Protocol 2: the result blob with outcomes as columns; every other type is that of protocol 1 with fields added."""
