"""One sample of what Python's processes take: nanoseconds, or how many times faster two are than one.

processes.py WHAT WAY COUNT: prints a JSON object with one or two numbers, or with what is missing.
It is a file, since spawn and forkserver import it again, and it runs anew for each sample, so that nothing is
warm that should not be.
"""

import json
import multiprocessing
import sys
import time

now = time.perf_counter_ns


def tiny(x):
    return x * x % 7 + x


def same(x):
    return x


def burn(n):
    s = 0
    for i in range(n):
        s += i * i % 7
    return s


def put(queue, x):
    queue.put(tiny(x))


class Pool:
    """multiprocessing.Pool."""

    def __init__(self, method):
        self.pool = multiprocessing.get_context(method).Pool(2)

    def map(self, f, xs, chunk):
        return self.pool.map(f, xs, chunk)

    def call(self, f, x):
        return self.pool.apply(f, (x,))

    def calls(self, f, xs):
        return [r.get() for r in [self.pool.apply_async(f, (x,)) for x in xs]]

    def close(self):
        self.pool.terminate()
        self.pool.join()


class Executor:
    """concurrent.futures.ProcessPoolExecutor. Its default chunk is 1."""

    def __init__(self, method):
        context = multiprocessing.get_context(method) if method else None
        self.executor = ProcessPoolExecutor(2, mp_context=context)

    def map(self, f, xs, chunk):
        return list(self.executor.map(f, xs, chunksize=chunk or 1))

    def call(self, f, x):
        return self.executor.submit(f, x).result()

    def calls(self, f, xs):
        return [r.result() for r in [self.executor.submit(f, x) for x in xs]]

    def close(self):
        self.executor.shutdown()


class Joblib:
    """joblib.Parallel, which keeps processes from call to call until this one ends."""

    def __init__(self, _):
        pass

    def map(self, f, xs, chunk):
        parallel = joblib.Parallel(n_jobs=2, batch_size=chunk or "auto")
        return parallel(joblib.delayed(f)(x) for x in xs)

    def call(self, f, x):
        return self.map(f, [x], 1)[0]

    def close(self):
        pass


def warm(make, method):
    pool = make(method)
    pool.map(tiny, range(4), 1)
    return pool


def cold(make, method, _):
    begin = now()
    pool = make(method)
    pool.map(tiny, range(2), 1)
    took = now() - begin
    pool.close()
    return [took]


def process(_, method, __):
    context = multiprocessing.get_context(method)
    begin = now()
    queue = context.SimpleQueue()
    p = context.Process(target=put, args=(queue, 6))
    p.start()
    queue.get()
    p.join()
    return [now() - begin]


def trips(make, method, n):
    pool = warm(make, method)
    took = []
    for i in range(n):
        begin = now()
        pool.call(tiny, i)
        took.append(now() - begin)
    pool.close()
    took.sort()
    return [took[n // 2], took[n * 95 // 100]]


def tasks(chunk):
    def sample(make, method, n):
        pool = warm(make, method)
        begin = now()
        pool.map(tiny, range(n), chunk)
        took = now() - begin
        pool.close()
        return [took]

    return sample


def submits(make, method, n):
    pool = warm(make, method)
    begin = now()
    pool.calls(tiny, range(n))
    took = now() - begin
    pool.close()
    return [took]


def data(make, method, n):
    pool = warm(make, method)
    sent = b"x" * n
    begin = now()
    got = pool.call(same, sent)
    took = now() - begin
    pool.close()
    assert len(got) == n
    return [took]


def speedup(make, method, n):
    pool = warm(make, method)
    begin = now()
    burn(n)
    burn(n)
    alone = now() - begin
    begin = now()
    pool.map(burn, [n, n], 1)
    took = now() - begin
    pool.close()
    return [alone / took]


def increment(value, n):
    for _ in range(n):
        with value.get_lock():
            value.value += 1


def lock(_, method, n):
    context = multiprocessing.get_context(method)
    value = context.Value("q", 0)
    begin = now()
    increment(value, n)
    alone = (now() - begin) / n
    begin = now()
    two = [context.Process(target=increment, args=(value, n)) for _ in range(2)]
    for p in two:
        p.start()
    for p in two:
        p.join()
    return [alone, (now() - begin) / (2 * n)]


if __name__ == "__main__":
    # Imported before anything is measured, and here, so that processes which import this file do not import what
    # they do not need.
    import multiprocessing.forkserver
    import multiprocessing.pool
    import multiprocessing.popen_fork
    import multiprocessing.popen_forkserver
    import multiprocessing.popen_spawn_posix
    import multiprocessing.queues
    import multiprocessing.sharedctypes
    import multiprocessing.synchronize

    what, way, count = sys.argv[1:]
    way, _, method = way.partition("/")
    make = {"pool": Pool, "executor": Executor, "joblib": Joblib, "process": None}[way]
    sample = {
        "cold": cold,
        "process": process,
        "trips": trips,
        "submits": submits,
        "one": tasks(1),
        "default": tasks(None),
        "data": data,
        "speedup": speedup,
        "lock": lock,
    }[what]
    if make is Executor:
        from concurrent.futures.process import ProcessPoolExecutor
    if make is Joblib:
        try:
            import joblib
        except ModuleNotFoundError:
            print(json.dumps({"missing": "python3-joblib is not installed"}))
            sys.exit()
    print(json.dumps({"numbers": sample(make, method or None, int(count))}))
