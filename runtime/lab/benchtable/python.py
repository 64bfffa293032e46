"""What the table's Python column measures: nanoseconds for one task, item or pair of calls, the best of several rounds."""

import asyncio
import json
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

tasks, items, rounds = (int(a) for a in sys.argv[1:])


def best(n, f):
    least = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        f()
        least = min(least, time.perf_counter_ns() - begin)
    return least / n


def gather():
    async def trivial():
        return 1

    async def main():
        await asyncio.gather(*(trivial() for _ in range(tasks)))

    asyncio.run(main())


def pool_map():
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda x: x * x % 7 + x, range(items), chunksize=1000):
            pass


def through_queue():
    q = queue.Queue(64)

    def get():
        for _ in range(items):
            q.get()

    t = threading.Thread(target=get)
    t.start()
    for i in range(items):
        q.put(i)
    t.join()


def turns():
    async def yielding():
        for _ in range(items // 2):
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(yielding(), yielding())

    asyncio.run(main())


def lock():
    mutex = threading.Lock()
    for _ in range(items):
        mutex.acquire()
        mutex.release()


print(json.dumps({
    "version": sys.version.split()[0],
    "gather": best(tasks, gather),
    "map": best(items, pool_map),
    "queue": best(items, through_queue),
    "turns": best(items, turns),
    "lock": best(items, lock),
}))
