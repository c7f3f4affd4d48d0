"""The speed that a worker reports, by which the Manager cuts batches and says how long the rest will take."""


async def test_pictures_that_never_came_do_not_count_as_speed(manager, pictures, stage, worker):
    lost = pictures.photos([1] * 4)
    pictures.files.clear()
    async with worker() as working:
        job = await manager.closed(await manager.submit([stage], lost, origins=[pictures.url]))
        assert (job.counts.failed, working.work.speeds.batches) == (4, {})
        some = pictures.photos([1] * 4)
        job = await manager.closed(await manager.submit([stage], some, origins=[pictures.url]))
        assert (job.counts.done, list(working.work.speeds.batches)) == (4, [stage.stage.model.key])
