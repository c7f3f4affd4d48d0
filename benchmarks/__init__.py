"""The benchmarks; each is run by `make bench-NAME`, which is `python -m benchmarks.bench_NAME`."""
