from itertools import pairwise

import numpy as np

from ai_worker.inference.buffers import BufferPool


def test_a_block_is_used_again_only_when_nobody_looks_at_it():
    pool = BufferPool(1000)
    first = pool.take(400)
    place, view = first.ctypes.data, first.reshape(40, 10)[3:5]
    del first
    second = pool.take(400)
    assert second.ctypes.data != place  # a view keeps the block
    del view
    assert pool.take(300).ctypes.data == place


def test_what_does_not_fit_is_not_kept_and_the_unused_makes_room():
    pool = BufferPool(1000)
    used = pool.take(600)
    assert pool.take(600) is not used
    assert pool.bytes == 600
    del used
    pool.take(900)
    assert pool.bytes == 900
    assert pool.take(2000).nbytes == 2000
    assert pool.bytes == 900


def test_a_small_picture_does_not_sit_in_a_large_block():
    pool = BufferPool(10_000)
    place = pool.take(1000).ctypes.data
    small = pool.take(100)
    assert small.ctypes.data != place
    assert small.nbytes == 100


def test_blocks_in_use_never_overlap():
    pool = BufferPool(10_000)
    taken = [pool.take(500) for _ in range(30)]
    for number, block in enumerate(taken):
        block[:] = number
    assert [int(block[0]) for block in taken] == list(range(30))
    assert not any(np.shares_memory(one, other) for one, other in pairwise(taken))
